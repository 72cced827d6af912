"""The C++ runtime on LiteRT: plays like lp_runtime on LiteRT, and says why when it cannot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from native_bridge import BRIDGE, NativeBridge, engine_library, library_path, require_tools
from native_session import NativeSession, StatusError, open_in_new_process
from tiny_bundle import TinyBundle, build_tiny_bundle, record

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert (extra 'litert') is not installed")

import ai_edge_litert
from tiny_tflite import add_tflite_variant

from lp_runtime.bundle import Bundle
from lp_runtime.composer import Composer
from lp_runtime.golden import self_check

TENSOR_TOLERANCE = 1e-5
VALUES = ("motion", "keypoints", "frame")


def litert_library() -> bytes:
    """LiteRT's shared library, as it lies in the Python wheel."""
    folder = Path(ai_edge_litert.__file__).parent
    found = sorted(folder.glob("libLiteRt.*"))
    if not found:
        pytest.skip("the ai-edge-litert wheel of this platform holds no libLiteRt")
    return str(found[0]).encode()


def speech(frames: float) -> np.ndarray:
    random = np.random.default_rng(11)
    return random.uniform(-0.5, 0.5, int(frames * 640)).astype(np.float32)


@pytest.fixture
def both(tmp_path: Path) -> TinyBundle:
    """A bundle with LiteRT graphs listed first, and ONNX graphs."""
    return add_tflite_variant(build_tiny_bundle(tmp_path / "both.lpbundle"))


@pytest.fixture
def only_litert(tmp_path: Path) -> TinyBundle:
    return add_tflite_variant(build_tiny_bundle(tmp_path / "only.lpbundle"), replace=True)


def open_litert(bridge: NativeBridge, bundle: TinyBundle, **options: object) -> NativeSession:
    options = {"engine_library": litert_library(), "target": b"tflite", **options}
    return NativeSession(bridge, bundle.path, **options)


def test_tensors_and_pictures_are_those_of_python(bridge: NativeBridge, both: TinyBundle) -> None:
    bundle = Bundle.open(both.path)
    session = bundle.session(target="tflite", threads=1)
    composer = Composer(bundle, session)
    reference = np.random.default_rng(5).normal(size=(1, 70)).astype(np.float32)
    session.set("reference_motion", reference)
    sound = speech(6.4)
    expected = [*session.push_pcm(sound, VALUES), *session.flush(VALUES)]
    with open_litert(bridge, both) as native:
        for name in VALUES:
            native.watch(name)
        native.set_control("reference_motion", reference)
        native.push(sound)
        native.flush()
        for values in expected:
            frame = native.render()
            for name in VALUES:
                difference = np.abs(native.value(name) - values[name].reshape(-1)).max()
                assert difference <= TENSOR_TOLERANCE, name
            pixels = composer(values["frame"])
            assert np.abs(frame.pixels[..., :3].astype(int) - pixels).max() <= 1
    assert frame.is_last


def test_golden_figures_agree(bridge: NativeBridge, only_litert: TinyBundle) -> None:
    bundle = Bundle.open(only_litert.path)
    figures = self_check(bundle, bundle.session(target="tflite", threads=1))
    with open_litert(bridge, only_litert) as native:
        # The worker and the self-check use the same graphs at the same time.
        native.push(speech(20))
        native.flush()
        result = native.self_check()
        assert len(native.render_all()) == 20
    assert result.compared == len(figures) > 0
    assert result.failed == 0
    assert result.worst_max_abs < 1e-4


def test_several_threads_and_sessions(bridge: NativeBridge, both: TinyBundle) -> None:
    """Two sessions in turn, one of them on ONNX Runtime, another thread count: the same frames."""
    with (
        open_litert(bridge, both, thread_count=3) as lite,
        NativeSession(bridge, both.path, target=b"onnx") as onnx,
    ):
        assert lite.json("lp_describe")["engine"] == "LiteRT (cpu)"
        for session in (lite, onnx):
            session.push(speech(5))
            session.flush()
        for a, b in zip(lite.render_all(), onnx.render_all(), strict=True):
            assert np.abs(a.pixels.astype(int) - b.pixels).max() <= 1


class TestChoice:
    def test_onnx_comes_first_whatever_the_order_in_the_manifest(
        self, bridge: NativeBridge, both: TinyBundle
    ) -> None:
        with NativeSession(bridge, both.path) as session:
            assert session.json("lp_describe")["variant"]["target"] == "onnx"

    def test_litert_where_only_it_can_be_loaded(
        self, bridge: NativeBridge, both: TinyBundle
    ) -> None:
        """The library that is named is LiteRT's: ONNX Runtime cannot be made of it."""
        with NativeSession(bridge, both.path, engine_library=litert_library()) as session:
            assert session.json("lp_describe")["variant"]["target"] == "tflite"

    def test_litert_for_a_bundle_of_nothing_else(
        self, bridge: NativeBridge, only_litert: TinyBundle
    ) -> None:
        with NativeSession(bridge, only_litert.path, engine_library=litert_library()) as session:
            assert session.json("lp_describe")["variant"]["target"] == "tflite"

    def test_other_providers_are_noted_or_refused(
        self, bridge: NativeBridge, only_litert: TinyBundle
    ) -> None:
        only_litert.rewrite(
            lambda data: data["variants"][0].update(execution_providers=["nnapi", "cpu"])
        )
        with open_litert(bridge, only_litert) as session:
            described = session.json("lp_describe")
        assert described["execution_provider"] == "cpu"
        assert len(described["engine_notes"]) == 1
        assert "nnapi" in described["engine_notes"][0]
        with pytest.raises(StatusError, match="coreml") as caught:
            open_litert(bridge, only_litert, execution_provider=b"coreml")
        assert caught.value.status == "LP_ERROR_UNSUPPORTED"


class TestLibraries:
    """Each in a process of its own, since a process keeps its first LiteRT."""

    def test_absent(self, only_litert: TinyBundle) -> None:
        status, text = open_in_new_process(only_litert.path, "/nowhere/libLiteRt.so")
        assert status == "LP_ERROR_ENGINE_ABSENT"
        assert "LiteRT's library cannot be loaded" in text
        assert "/nowhere" in text
        assert "LP_LITERT_LIBRARY" in text

    def test_another_library(self, only_litert: TinyBundle) -> None:
        for other in (library_path(), engine_library()):
            status, text = open_in_new_process(only_litert.path, str(other))
            assert status == "LP_ERROR_ENGINE_ABSENT"
            assert "LiteRtCreateCompiledModel" in text

    def test_too_old(self, only_litert: TinyBundle, tmp_path: Path) -> None:
        require_tools("cc")
        library = tmp_path / "libLiteRt.so"
        source = BRIDGE / "tests" / "old_litert.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        status, text = open_in_new_process(only_litert.path, str(library))
        assert status == "LP_ERROR_ENGINE_TOO_OLD"
        assert "2.3" in text


class TestGraphs:
    @staticmethod
    def open_error(bridge: NativeBridge, bundle: TinyBundle) -> StatusError:
        with pytest.raises(StatusError) as caught:
            open_litert(bridge, bundle).close()
        return caught.value

    @staticmethod
    def overwrite(bundle: TinyBundle, content: bytes) -> None:
        """Another file in place of the generator, with the manifest's hash made to fit."""
        file = bundle.path / "graphs/tflite/fp32/generator.tflite"
        file.write_bytes(content)
        made = record(bundle.path, file)

        def change(data: dict) -> None:
            data["variants"][0]["graphs"]["generator"]["files"][0].update(
                sha256=made.sha256, bytes=made.bytes
            )

        bundle.rewrite(change)

    def test_no_litert_file(self, bridge: NativeBridge, only_litert: TinyBundle) -> None:
        self.overwrite(only_litert, b"no graph at all" * 50)
        error = self.open_error(bridge, only_litert)
        assert error.status == "LP_ERROR_ENGINE"
        assert "generator.tflite" in error.text

    @pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
    def test_part_of_a_file(
        self, bridge: NativeBridge, only_litert: TinyBundle, part: float
    ) -> None:
        """Offsets that lead out of the file are found before anything follows them."""
        whole = (only_litert.path / "graphs/tflite/fp32/generator.tflite").read_bytes()
        self.overwrite(only_litert, whole[: int(len(whole) * part)])
        error = self.open_error(bridge, only_litert)
        assert error.status == "LP_ERROR_ENGINE"
        assert "not a LiteRT file" in error.text

    @pytest.mark.parametrize(
        ("change", "told"),
        [({"name": "picture"}, "picture"), ({"dtype": "float16"}, "frame: 10 ")],
    )
    def test_output_that_the_manifest_does_not_list(
        self, bridge: NativeBridge, only_litert: TinyBundle, change: dict, told: str
    ) -> None:
        def disagree(data: dict) -> None:
            data["variants"][0]["graphs"]["generator"]["outputs"][0].update(change)
            data["pipeline"]["steps"][2]["outputs"] = {change.get("name", "frame"): "frame"}

        only_litert.rewrite(disagree)
        error = self.open_error(bridge, only_litert)
        assert error.status == "LP_ERROR_ENGINE"
        assert told in error.text

    def test_input_of_another_shape(self, bridge: NativeBridge, only_litert: TinyBundle) -> None:
        """A control that the manifest makes larger than the graph knows."""

        def disagree(data: dict) -> None:
            inputs = data["variants"][0]["graphs"]["stitching"]["inputs"]
            next(t for t in inputs if t["name"] == "reference_motion")["shape"] = [1, 90]
            declared = data["pipeline"]["inputs"]
            next(t for t in declared if t["name"] == "reference_motion")["shape"] = [1, 90]

        only_litert.rewrite(disagree)
        error = self.open_error(bridge, only_litert)
        assert error.status == "LP_ERROR_ENGINE"
        assert "[1, 90]" in error.text
