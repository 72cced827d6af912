"""Utterances, barge-in, pacing, callbacks and statistics of the C++ runtime."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from native_bridge import BRIDGE, NativeBridge, engine_library, library_path
from native_session import NativeSession, StatusError
from tiny_bundle import TinyBundle, build_tiny_bundle

READY, UTTERANCE_END = 1, 2


def sound(frames: float, seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.uniform(-0.5, 0.5, int(frames * 640)).astype(np.float32)


def wait_until(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


class TestUtterances:
    def test_as_many_frames_as_the_sound_fills(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            for frames, expected in ((0.01, 1), (1, 1), (1.01, 2), (7, 7)):
                session.push(sound(frames))
                session.flush()
                drawn = session.render_all()
                assert [frame.index for frame in drawn] == list(range(expected))
                assert [frame.time_us for frame in drawn] == [40_000 * i for i in range(expected)]

    def test_chunks_do_not_matter(self, bridge: NativeBridge, pristine: Path) -> None:
        whole = sound(5.5)
        with NativeSession(bridge, pristine) as session:
            session.push(whole)
            session.flush()
            expected = session.render_all()
            for chunk in np.array_split(whole, 23):
                session.push(chunk)
            session.flush()
            got = session.render_all()
        for a, b in zip(expected, got, strict=True):
            assert (a.pixels == b.pixels).all()
        assert {frame.utterance for frame in expected} == {0}
        assert {frame.utterance for frame in got} == {1}

    def test_utterances_queue_up(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            for _ in range(3):
                session.push(sound(2))
                session.flush()
                session.flush()
            drawn = [session.render_all() for _ in range(3)]
        assert [frames[0].utterance for frames in drawn] == [0, 1, 2]
        assert (drawn[0][0].pixels == drawn[2][0].pixels).all()

    def test_reset_starts_over(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            session.push(sound(4))
            session.flush()
            expected = session.render_all()
            session.push(sound(30, seed=9))
            session.render()
            session.reset()
            session.push(sound(4))
            session.flush()
            got = session.render_all()
        assert len(got) == len(expected)
        for a, b in zip(expected, got, strict=True):
            assert (a.pixels == b.pixels).all()
        assert got[0].utterance > expected[0].utterance

    def test_end_without_look_ahead_after_all_frames_were_taken(
        self, bridge: NativeBridge, tmp_path: Path
    ) -> None:
        """Nothing is owed any more: the end comes as an event, and the next state is fresh."""
        path = build_tiny_bundle(tmp_path / "b.lpbundle", look_ahead_frames=0).path
        events: list[int] = []
        callback = bridge.callbacks["lp_event_callback"](
            lambda _, event, index: events.append(event)
        )
        with NativeSession(bridge, path) as session:
            assert session.call("lp_set_callback", callback, 0) == "LP_OK"
            session.push(sound(1))
            first = session.render()
            session.flush()
            wait_until(lambda: UTTERANCE_END in events)
            session.push(sound(1))
            second = session.render()
        assert (first.pixels == second.pixels).all()
        assert (first.utterance, second.utterance) == (0, 1)


class TestEvents:
    def test_frames_and_end_are_reported(self, bridge: NativeBridge, pristine: Path) -> None:
        events: list[tuple[int, int, int]] = []
        callback = bridge.callbacks["lp_event_callback"](lambda *event: events.append(event))
        with NativeSession(bridge, pristine) as session:
            assert session.call("lp_set_callback", callback, 77) == "LP_OK"
            session.push(sound(3))
            session.flush()
            session.render_all()
            wait_until(lambda: len(events) == 4)
        assert events == [(77, READY, 0), (77, READY, 1), (77, READY, 2), (77, UTTERANCE_END, 0)]

    def test_none_after_it_was_taken_back(self, bridge: NativeBridge, pristine: Path) -> None:
        events: list[int] = []
        callback = bridge.callbacks["lp_event_callback"](
            lambda _, event, index: events.append(event)
        )
        nothing = bridge.callbacks["lp_event_callback"]()
        with NativeSession(bridge, pristine) as session:
            session.call("lp_set_callback", callback, 0)
            session.push(sound(3))
            session.render()
            session.call("lp_set_callback", nothing, 0)
            count = len(events)
            session.flush()
            session.render()
            assert len(events) == count

    def test_close_inside_a_callback(self, bridge: NativeBridge, pristine: Path) -> None:
        session = NativeSession(bridge, pristine)
        closed = threading.Event()

        def close(user_data: int, event: int, index: int) -> None:
            session.close()
            closed.set()

        callback = bridge.callbacks["lp_event_callback"](close)
        session.call("lp_set_callback", callback, 0)
        session.push(sound(5))
        assert closed.wait(20)
        assert session.call("lp_flush") == "LP_ERROR_CLOSED"
        # The worker leaves the callback before the test lets go of it.
        time.sleep(0.05)


class TestPacing:
    def real_time(self, bridge: NativeBridge, path: Path) -> NativeSession:
        return NativeSession(bridge, path, pacing=bridge.constants["LP_PACING_REAL_TIME"])

    def test_no_frame_before_it_is_due(self, bridge: NativeBridge, pristine: Path) -> None:
        with self.real_time(bridge, pristine) as session:
            session.push(sound(10))
            session.flush()
            session.render()
            start = time.monotonic()
            wait_until(lambda: session.statistics().frames_waiting >= 2)
            buffer = np.zeros(session.info.width_px * session.info.height_px * 4, np.uint8)
            surface = session.surface(buffer, session.info.width_px * 4)
            status = session.call("lp_render", ctypes.byref(surface), 0, None)
            assert status == "LP_NO_FRAME" or time.monotonic() - start >= 0.04
            frames = session.render_all()
            # Frame n is due n periods after the first, however long it took to ask for it.
            assert time.monotonic() - start >= 0.04 * frames[-1].index - 0.04

    def test_late_frames_are_dropped_and_counted(
        self, bridge: NativeBridge, pristine: Path
    ) -> None:
        with self.real_time(bridge, pristine) as session:
            session.push(sound(40))
            session.flush()
            frames = [session.render()]
            time.sleep(0.5)
            while not frames[-1].is_last:
                frames.append(session.render())
            statistics = session.statistics()
        indices = [frame.index for frame in frames]
        # After the pause the newest finished frame is shown at once; then those still due follow.
        assert indices == sorted(set(indices))
        assert indices[2] >= 11
        assert indices[-1] == 39
        missing = 40 - len(frames)
        assert missing > 0
        assert sum(frame.dropped_before for frame in frames) == missing
        assert statistics.frames_dropped == missing
        assert statistics.frames_drawn == len(frames)

    def test_sound_that_comes_late_is_not_held_against_it(
        self, bridge: NativeBridge, pristine: Path
    ) -> None:
        """A stream that stalls delays the face as it delays the voice; nothing is dropped."""
        with self.real_time(bridge, pristine) as session:
            session.push(sound(4))
            assert [session.render().index, session.render().index] == [0, 1]
            time.sleep(0.4)
            session.push(sound(4))
            session.flush()
            frames = session.render_all()
            dropped = session.statistics().frames_dropped
        assert [frame.index for frame in frames] == [2, 3, 4, 5, 6, 7] or dropped < 3

    def test_state_of_dropped_frames_is_not_lost(
        self, bridge: NativeBridge, pristine: Path
    ) -> None:
        """What is shown after a gap is what would have been shown without it."""
        with NativeSession(bridge, pristine) as session:
            session.push(sound(30))
            session.flush()
            expected = session.render_all()
        with self.real_time(bridge, pristine) as session:
            session.push(sound(30))
            session.flush()
            session.render()
            time.sleep(0.4)
            last = session.render_all()[-1]
        assert (last.pixels == expected[-1].pixels).all()


class TestStatistics:
    def test_counts(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine, frame_capacity=2) as session:
            session.push(sound(6))
            session.flush()
            wait_until(lambda: session.statistics().frames_waiting == 2)
            waiting = session.statistics()
            # Two frames wait; a third may be in the making, and look-ahead was consumed as well.
            assert waiting.frames_made == 2
            assert waiting.sound_waiting_ms <= 160
            drawn = session.render_all()
            done = session.statistics()
            assert done.frames_made == done.frames_drawn == len(drawn) == 6
            assert done.sound_waiting_ms == 0
            assert done.frames_waiting == 0
            assert 0 < done.engine_p50_ms <= done.engine_p95_ms <= done.engine_p99_ms
            assert done.engine_p99_ms <= done.engine_worst_ms
            assert 0 < done.overhead_p50_ms <= done.overhead_p99_ms
            session.push(sound(6))
            wait_until(lambda: session.statistics().frames_waiting == 2)
            session.reset()
            assert session.statistics().frames_discarded >= 2

    def test_description(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            description = session.json("lp_describe")
        assert description["pipeline"]["frame_rate"] == 25.0
        assert description["variant"] == {"target": "onnx", "precision": "fp32"}
        assert description["engine"].startswith("onnxruntime 1.")
        assert description["values"]["motion"]["shape"] == [1, 70]
        assert description["trained"] is False


class TestExecutionProviders:
    """The engine of the Python wheel has the processor and XNNPACK at most."""

    @staticmethod
    def description(bridge: NativeBridge, bundle: TinyBundle, *wanted: str) -> dict:
        bundle.rewrite(
            lambda data: [v.update(execution_providers=list(wanted)) for v in data["variants"]]
        )
        with NativeSession(bridge, bundle.path) as session:
            session.push(sound(2))
            session.flush()
            assert len(session.render_all()) == 2
            return session.json("lp_describe")

    def test_the_first_that_the_engine_has_is_taken(
        self, bridge: NativeBridge, tiny: TinyBundle
    ) -> None:
        described = self.description(bridge, tiny, "coreml", "nnapi", "cpu", "xnnpack")
        assert described["execution_provider"] == "cpu"
        assert described["engine"].endswith("(cpu)")
        assert len(described["engine_notes"]) == 2
        for provider, note in zip(("coreml", "nnapi"), described["engine_notes"], strict=True):
            assert f"lacks the execution provider '{provider}'" in note

    def test_the_processor_is_the_last_resort(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        described = self.description(bridge, tiny, "coreml")
        assert described["execution_provider"] == "cpu"
        assert len(described["engine_notes"]) == 1

    def test_what_is_there_needs_no_note(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        described = self.description(bridge, tiny, "cpu", "coreml")
        assert described["engine_notes"] == []

    def test_the_caller_overrides_the_manifest(
        self, bridge: NativeBridge, tiny: TinyBundle
    ) -> None:
        tiny.rewrite(lambda data: data["variants"][0].update(execution_providers=["coreml"]))
        with NativeSession(bridge, tiny.path, execution_provider=b"cpu") as session:
            assert session.json("lp_describe")["engine_notes"] == []


def test_portrait_before_the_first_frame(bridge: NativeBridge, pristine: Path) -> None:
    with NativeSession(bridge, pristine) as session:
        buffer = np.zeros(session.info.width_px * session.info.height_px * 4, np.uint8)
        surface = session.surface(buffer, session.info.width_px * 4)
        assert session.call("lp_render_again", ctypes.byref(surface)) == "LP_OK"
        assert (buffer.reshape(-1, 4) == (0, 200, 0, 255)).all()


def test_self_check_while_it_speaks(bridge: NativeBridge, pristine: Path) -> None:
    with NativeSession(bridge, pristine) as session:
        with pytest.raises(StatusError, match="no self-check yet"):
            session.json("lp_self_check_report")
        session.push(sound(50))
        session.flush()
        results: list[object] = []
        thread = threading.Thread(target=lambda: results.append(session.self_check()))
        thread.start()
        frames = session.render_all()
        thread.join()
    assert len(frames) == 50
    assert results[0].failed == 0
    assert results[0].worst_max_abs < 1e-3


def test_the_example_in_the_header_compiles_and_runs(pristine: Path, tmp_path: Path) -> None:
    header = (BRIDGE / "include" / "lp_bridge.h").read_text()
    lines = header[
        header.index("#include <lp_bridge.h>") : header.index(" * Threads.")
    ].splitlines()
    source = tmp_path / "talk.c"
    source.write_text("\n".join(line.removeprefix(" *").removeprefix("     ") for line in lines))
    library = library_path()
    program = tmp_path / "talk"
    subprocess.run(
        [
            "cc",
            "-std=c11",
            "-Wall",
            "-Werror",
            "-I",
            BRIDGE / "include",
            source,
            library,
            f"-Wl,-rpath,{library.parent}",
            "-o",
            program,
        ],
        check=True,
    )
    environment = os.environ | {"LP_ONNXRUNTIME_LIBRARY": str(engine_library())}
    run = subprocess.run([program, pristine], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "frame 24 at 960000 us"
    failed = subprocess.run([program, tmp_path], capture_output=True, text=True, env=environment)
    assert failed.returncode == 1
    assert "lp_open: A file of the bundle is missing" in failed.stderr
