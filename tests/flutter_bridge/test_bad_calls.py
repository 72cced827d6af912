"""Calls that cannot be right: a status and a text that says what to do, never a crash."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from native_bridge import NativeBridge
from native_session import NativeSession, StatusError
from tiny_bundle import TinyBundle


class TestSound:
    def test_wrong_rate(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError) as caught:
            session.push(np.zeros(640, np.float32), rate=44_100)
        assert caught.value.status == "LP_ERROR_SAMPLE_RATE"
        assert "16000 Hz" in caught.value.text
        assert "44100 Hz" in caught.value.text

    def test_none_at_all(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError) as caught:
            session.push(np.zeros(0, np.float32))
        assert caught.value.status == "LP_ERROR_ARGUMENT"
        assert "1 sample or more" in caught.value.text

    def test_huge(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            one = (ctypes.c_float * 1)()
            for count in (1 << 40, (1 << 64) - 1):
                # Refused by its length, before a single sample is read.
                assert session.call("lp_push_pcm", one, count, 16_000) == "LP_ERROR_ARGUMENT"
            assert "longer than the queue" in bridge.error_text()

    def test_more_than_the_queue_holds(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine, sound_capacity_ms=200, frame_capacity=1) as session:
            second = np.zeros(3200, np.float32)
            statuses = set()
            for _ in range(4):
                try:
                    session.push(second)
                except StatusError as error:
                    statuses.add(error.status)
            assert statuses == {"LP_QUEUE_FULL"}

    def test_not_finite(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError) as caught:
            session.push(np.array([0.0, np.nan], np.float32))
        assert caught.value.status == "LP_ERROR_ARGUMENT"
        assert "NaN" in caught.value.text

    def test_null(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            assert session.call("lp_push_pcm", None, 640, 16_000) == "LP_ERROR_ARGUMENT"
            assert session.call("lp_push_pcm16", None, 640, 16_000) == "LP_ERROR_ARGUMENT"

    def test_input_that_nobody_supplied(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        """The worker stops with an error; setting the input and a reset bring it back."""
        tiny.rewrite(lambda data: data["pipeline"]["inputs"][2].update(default=None))
        with NativeSession(bridge, tiny.path) as session:
            session.push(np.zeros(3200, np.float32))
            with pytest.raises(StatusError) as caught:
                session.render()
            assert caught.value.status == "LP_ERROR_ARGUMENT"
            assert "reference_motion" in caught.value.text
            with pytest.raises(StatusError):
                session.push(np.zeros(640, np.float32))
            session.set_control("reference_motion", np.zeros(70, np.float32))
            session.reset()
            session.push(np.zeros(3200, np.float32))
            assert session.render().index == 0


class TestControls:
    def test_unknown_names(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            with pytest.raises(StatusError, match="happy"):
                session.set_emotion("hungry", 1)
            with pytest.raises(StatusError, match="reference_motion"):
                session.set_control("mouth", np.zeros(3))
            with pytest.raises(StatusError, match="keypoints"):
                session.watch("mouth")
            assert session.call("lp_set_emotion", None, 0.5) == "LP_ERROR_ARGUMENT"
            assert session.call("lp_watch", None) == "LP_ERROR_ARGUMENT"

    @pytest.mark.parametrize("intensity", [-0.1, 1.1, float("nan"), float("inf")])
    def test_intensity(self, bridge: NativeBridge, pristine: Path, intensity: float) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError, match="0 to 1"):
            session.set_emotion("happy", intensity)

    @pytest.mark.parametrize("values", [np.zeros(69), np.zeros(0), np.full(70, np.nan)])
    def test_values_that_do_not_fit(
        self, bridge: NativeBridge, pristine: Path, values: np.ndarray
    ) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError) as caught:
            session.set_control("reference_motion", values)
        assert caught.value.status == "LP_ERROR_ARGUMENT"

    def test_audio_is_no_control(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session, pytest.raises(StatusError):
            session.set_control("pcm", np.zeros(640))

    def test_background_of_no_kind(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            with pytest.raises(StatusError, match="kind"):
                session.set_background(kind=9)
            with pytest.raises(StatusError, match="size"):
                session.set_background(kind=2)
            with pytest.raises(StatusError, match="null"):
                session.set_background(kind=2, width_px=4, height_px=4, stride_bytes=16)

    def test_background_that_is_not_plain(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "assets/portrait.png"
        noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        cv2.imwrite(str(file), noise)
        tiny.rewrite(
            lambda data: [
                asset.update(bytes=file.stat().st_size)
                for asset in data["assets"]
                if asset["path"].endswith("portrait.png")
            ]
        )
        with NativeSession(bridge, tiny.path, skip_hashes=1) as session:
            assert session.info.has_plain_background == 0
            with pytest.raises(StatusError) as caught:
                session.set_background(kind=1)
        assert caught.value.status == "LP_ERROR_UNSUPPORTED"
        assert "plain" in caught.value.text


class TestSurfaces:
    @pytest.fixture
    def session(self, bridge: NativeBridge, pristine: Path) -> Iterator[NativeSession]:
        with NativeSession(bridge, pristine) as session:
            session.push(np.zeros(6400, np.float32))
            session.flush()
            yield session

    def test_too_small(self, session: NativeSession) -> None:
        width, height = session.info.width_px, session.info.height_px
        buffer = np.zeros(width * height * 4 - 1, np.uint8)
        surface = session.surface(buffer, width * 4)
        status = session.call("lp_render", ctypes.byref(surface), 0, None)
        assert status == "LP_ERROR_BUFFER_TOO_SMALL"
        # No frame was lost by it.
        assert session.render().index == 0

    def test_wrong_geometry(self, session: NativeSession) -> None:
        width, height = session.info.width_px, session.info.height_px
        buffer = np.zeros(width * height * 8, np.uint8)
        for change in (
            {"width_px": width + 1},
            {"height_px": 0},
            {"stride_bytes": width * 4 - 1},
            {"format": 5},
            {"pixels": None},
        ):
            surface = session.surface(buffer, width * 4)
            for name, value in change.items():
                setattr(surface, name, value)
            status = session.call("lp_render", ctypes.byref(surface), 0, None)
            assert status == "LP_ERROR_ARGUMENT", change
        assert session.call("lp_render", None, 0, None) == "LP_ERROR_ARGUMENT"

    @pytest.mark.parametrize("picture_format", ["RGBA8", "BGRA8"])
    def test_any_stride_and_nothing_beyond_the_rows(
        self, bridge: NativeBridge, session: NativeSession, picture_format: str
    ) -> None:
        plain = session.render()
        width, height = session.info.width_px, session.info.height_px
        stride = width * 4 + 12
        buffer = np.full(stride * (height - 1) + width * 4, 7, np.uint8)
        surface = session.surface(buffer, stride, picture_format)
        assert session.call("lp_render_again", ctypes.byref(surface)) == "LP_OK"
        rows = np.concatenate([buffer, np.full(12, 7, np.uint8)]).reshape(height, stride)
        pixels = rows[:, : width * 4].reshape(height, width, 4)
        order = [0, 1, 2, 3] if picture_format == "RGBA8" else [2, 1, 0, 3]
        assert (pixels[..., order] == plain.pixels).all()
        assert (rows[:, width * 4 :] == 7).all()

    def test_values_of_the_wrong_size_or_never_watched(self, session: NativeSession) -> None:
        session.render()
        assert session.call("lp_read_value", b"motion", None, 0, None) == "LP_ERROR_ARGUMENT"
        session.watch("motion")
        count = ctypes.c_uint64()
        status = session.call("lp_read_value", b"motion", None, 0, ctypes.byref(count))
        assert status in ("LP_NO_FRAME", "LP_ERROR_BUFFER_TOO_SMALL")
        assert count.value == 70


class TestClosing:
    def test_every_call_after_close(self, bridge: NativeBridge, pristine: Path) -> None:
        session = NativeSession(bridge, pristine)
        session.close()
        session.close()
        for function in bridge.header.functions:
            if function.parameters and function.parameters[0].type == "lp_session *":
                arguments = [
                    0 if "*" not in item.type and item.type != "lp_event_callback" else None
                    for item in function.parameters[1:]
                ]
                if function.name == "lp_set_callback":
                    arguments = [bridge.callbacks["lp_event_callback"](), 0]
                assert session.call(function.name, *arguments) == "LP_ERROR_CLOSED", function.name
                assert "closed" in bridge.error_text()

    def test_handles_that_never_were(self, bridge: NativeBridge) -> None:
        for address in (None, 1, 2**31 - 1, ctypes.addressof(ctypes.c_int64())):
            info = bridge.new("lp_info")
            status = bridge.lp_get_info(address, ctypes.byref(info))
            assert bridge.lp_status_name(status) == b"LP_ERROR_CLOSED"
            bridge.lp_close(address)

    def test_null_arguments_of_open(self, bridge: NativeBridge, pristine: Path) -> None:
        handle = ctypes.c_void_p()
        assert bridge.lp_open(None, None, ctypes.byref(handle)) == -1
        assert bridge.lp_open(str(pristine).encode(), None, None) == -1

    def test_close_wakes_a_waiting_render(self, bridge: NativeBridge, pristine: Path) -> None:
        session = NativeSession(bridge, pristine)
        buffer = np.zeros(session.info.width_px * session.info.height_px * 4, np.uint8)
        surface = session.surface(buffer, session.info.width_px * 4)
        results: list[str] = []
        waiting = threading.Thread(
            target=lambda: results.append(
                session.call("lp_render", ctypes.byref(surface), 60_000, None)
            )
        )
        waiting.start()
        session.close()
        waiting.join(timeout=30)
        assert results == ["LP_ERROR_CLOSED"]

    def test_two_threads_close_while_others_call(
        self, bridge: NativeBridge, pristine: Path
    ) -> None:
        for _ in range(10):
            session = NativeSession(bridge, pristine)
            seen: set[str] = set()

            def use(session: NativeSession = session, seen: set[str] = seen) -> None:
                samples = (ctypes.c_float * 640)()
                for _ in range(50):
                    seen.add(session.call("lp_push_pcm", samples, 640, 16_000))
                    seen.add(session.call("lp_flush"))
                    seen.add(session.call("lp_reset"))

            threads = [threading.Thread(target=use) for _ in range(2)]
            threads += [threading.Thread(target=session.close) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
                assert not thread.is_alive()
            assert seen <= {"LP_OK", "LP_QUEUE_FULL", "LP_ERROR_CLOSED"}

    def test_error_texts_belong_to_their_thread(self, bridge: NativeBridge) -> None:
        assert bridge.lp_get_info(None, None) == -2
        texts: list[str] = []
        other = threading.Thread(target=lambda: texts.append(bridge.error_text()))
        other.start()
        other.join()
        assert texts == [""]
        assert "closed" in bridge.error_text()

    def test_text_is_cut_to_fit(self, bridge: NativeBridge) -> None:
        bridge.lp_get_info(None, None)
        needed = ctypes.c_uint64()
        buffer = ctypes.create_string_buffer(b"x" * 12)
        assert bridge.lp_last_error(buffer, 6, ctypes.byref(needed)) == 0
        assert buffer.raw == b"The s\0" + b"x" * 6 + b"\0"
        assert needed.value > 6
        assert bridge.lp_last_error(None, 0, None) == 0
        assert bridge.lp_last_error(None, 9, None) == -1
