"""Bundles, engines and versions that cannot be used: a status and a text each, never a crash."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from native_bridge import BRIDGE, NativeBridge, library_path, require_tools
from native_session import NativeSession, StatusError, open_in_new_process
from tiny_bundle import TinyBundle, record

# Consistent in itself, and half a gigabyte that no graph ever reads.
HUGE_STATE = {
    "value": "huge",
    "next_value": "huge",
    "dtype": "float32",
    "shape": [1, 1 << 27],
    "initial": [0.0],
}


def open_error(bridge: NativeBridge, path: Path | str, **options: object) -> StatusError:
    with pytest.raises(StatusError) as caught:
        NativeSession(bridge, path, **options).close()
    return caught.value


class TestBundles:
    def test_nothing_there(self, bridge: NativeBridge, tmp_path: Path) -> None:
        error = open_error(bridge, tmp_path / "none.lpbundle")
        assert error.status == "LP_ERROR_BUNDLE"
        assert "There is no bundle here" in error.text
        assert "next:" in error.text

    def test_missing_graph(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        (tiny.path / "graphs/onnx/fp32/generator.onnx").unlink()
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "generator.onnx" in error.text

    def test_truncated_graph(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "graphs/onnx/fp32/generator.onnx"
        file.write_bytes(file.read_bytes()[:-100])
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "wrong size" in error.text

    def test_changed_graph(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "graphs/onnx/fp32/generator.onnx"
        content = bytearray(file.read_bytes())
        content[-5] ^= 1
        file.write_bytes(content)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "sha256" in error.text

    def test_graph_that_is_no_graph(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "graphs/onnx/fp32/generator.onnx"
        file.write_bytes(b"not a protobuf")
        replace_record(tiny, "generator", file)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_ENGINE"
        assert "generator.onnx" in error.text

    def test_graph_of_other_tensors(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        """A graph whose outputs are larger than declared must not write past our memory."""
        file = tiny.path / "graphs/onnx/fp32/generator.onnx"
        file.write_bytes((tiny.path / "graphs/onnx/fp32/stitching.onnx").read_bytes())
        replace_record(tiny, "generator", file)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_ENGINE"
        assert "manifest lists" in error.text

    def test_newer_schema(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data.update(schema_version=99, something_new=1))
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_SCHEMA"
        assert "newer lp-pack" in error.text

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data.pop("pipeline"),
            lambda data: data.update(unknown=1),
            lambda data: data.update(variants=[]),
            lambda data: data["pipeline"].update(frame_rate="fast"),
            lambda data: data["pipeline"].update(frame_rate=0),
            lambda data: data["pipeline"].update(samples_per_frame=-640),
            lambda data: data["pipeline"]["steps"].clear(),
            lambda data: data["pipeline"]["inputs"][1].update(shape=[1, 0]),
            lambda data: data["pipeline"]["inputs"][1].update(shape=[1 << 20, 1 << 20, 1 << 20]),
            lambda data: data["pipeline"]["states"].append(HUGE_STATE),
            lambda data: data["pipeline"]["inputs"][1].update(labels=["one"]),
            lambda data: data["pipeline"]["inputs"][1].update(default=[]),
            lambda data: data["pipeline"]["states"][0].update(next_value="nobody"),
            lambda data: data["pipeline"]["frame"].update(width=17),
            lambda data: data["pipeline"]["frame"].update(value_range=[1, 1]),
            lambda data: data["variants"][0]["graphs"].pop("generator"),
            lambda data: data["paste_back"].update(frame_to_portrait=[[0, 0, 0], [0, 0, 0]]),
            lambda data: data["paste_back"].update(frame_to_portrait=[[1, 0, 9e9], [0, 1, 9e9]]),
            lambda data: data["paste_back"].update(portrait="../../etc/passwd"),
            lambda data: data["assets"][0].update(path="/etc/passwd"),
            lambda data: data["assets"][0].update(sha256="0" * 63),
        ],
    )
    def test_contradictory_manifest(
        self, bridge: NativeBridge, tiny: TinyBundle, change: Callable[[dict], None]
    ) -> None:
        tiny.rewrite(change)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "where:" in error.text

    @pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"schema_version": 1}'])
    def test_manifest_that_is_none(self, bridge: NativeBridge, tiny: TinyBundle, text: str) -> None:
        (tiny.path / "manifest.json").write_text(text)
        assert open_error(bridge, tiny.path).status == "LP_ERROR_BUNDLE"

    def test_link_out_of_the_bundle(
        self, bridge: NativeBridge, tiny: TinyBundle, tmp_path: Path
    ) -> None:
        file = tiny.path / "assets/portrait.png"
        outside = tmp_path / "portrait.png"
        file.rename(outside)
        file.symlink_to(outside)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "out of the bundle" in error.text

    def test_damaged_portrait(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "assets/portrait.png"
        file.write_bytes(file.read_bytes()[:40])
        entry = record(tiny.path, file)

        def change(data: dict) -> None:
            for asset in data["assets"]:
                if asset["path"] == entry.path:
                    asset.update(sha256=entry.sha256, bytes=entry.bytes)

        tiny.rewrite(change)
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "decoded" in error.text

    def test_variant_that_is_not_there(self, bridge: NativeBridge, pristine: Path) -> None:
        for options in ({"precision": b"int8"}, {"target": b"coreml"}):
            error = open_error(bridge, pristine, **options)
            assert error.status == "LP_ERROR_UNSUPPORTED"
            assert "onnx fp32" in error.text

    def test_no_golden_data(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data.update(golden=[]))
        with NativeSession(bridge, tiny.path) as session, pytest.raises(StatusError) as caught:
            session.self_check()
        assert caught.value.status == "LP_ERROR_BUNDLE"
        assert "no golden data" in caught.value.text

    def test_damaged_golden_data(self, bridge: NativeBridge, tiny: TinyBundle) -> None:
        file = tiny.path / "golden/generator.safetensors"
        file.write_bytes(b"\xff" * 8 + file.read_bytes()[8:])
        session = NativeSession(bridge, tiny.path, skip_hashes=1)
        with session, pytest.raises(StatusError) as caught:
            session.self_check()
        assert caught.value.status == "LP_ERROR_BUNDLE"
        assert "safetensors" in caught.value.text


def replace_record(tiny: TinyBundle, graph: str, file: Path) -> None:
    """Make the manifest vouch for the file's new content."""
    entry = record(tiny.path, file)

    def change(data: dict) -> None:
        files = data["variants"][0]["graphs"][graph]["files"]
        files[0].update(sha256=entry.sha256, bytes=entry.bytes)

    tiny.rewrite(change)


class TestVersionsAndEngines:
    def test_newer_abi(self, bridge: NativeBridge, pristine: Path) -> None:
        error = open_error(bridge, pristine, abi_version=2)
        assert error.status == "LP_ERROR_ABI"
        assert "abi_version 1" in error.text

    def test_structs_of_another_size(self, bridge: NativeBridge, pristine: Path) -> None:
        with NativeSession(bridge, pristine) as session:
            for call, struct in (
                ("lp_get_info", "lp_info"),
                ("lp_get_statistics", "lp_statistics"),
                ("lp_self_check", "lp_self_check_result"),
                ("lp_set_background", "lp_background"),
            ):
                for size in (0, 4, ctypes.sizeof(bridge.structs[struct]) + 8):
                    given = bridge.new(struct)
                    given.struct_size = size
                    assert session.call(call, ctypes.byref(given)) == "LP_ERROR_ABI"

    def test_options_out_of_range(self, bridge: NativeBridge, pristine: Path) -> None:
        for options in (
            {"thread_count": 1000},
            {"frame_capacity": 1000},
            {"sound_capacity_ms": 1 << 31},
            {"pacing": 7},
            {"picture": -1},
        ):
            assert open_error(bridge, pristine, **options).status == "LP_ERROR_ARGUMENT"

    def test_execution_provider_in_the_manifest_that_does_not_exist(
        self, bridge: NativeBridge, tiny: TinyBundle
    ) -> None:
        tiny.rewrite(lambda data: data["variants"][0].update(execution_providers=["magic"]))
        error = open_error(bridge, tiny.path)
        assert error.status == "LP_ERROR_BUNDLE"
        assert "magic" in error.text
        assert "execution_providers" in error.text

    def test_unknown_execution_provider(self, bridge: NativeBridge, pristine: Path) -> None:
        for provider in (b"magic", b"nnapi"):
            error = open_error(bridge, pristine, execution_provider=provider)
            assert error.status == "LP_ERROR_UNSUPPORTED"
            assert provider.decode() in error.text

    def test_absent_engine(self, pristine: Path) -> None:
        status, text = open_in_new_process(pristine, "/nowhere/libonnxruntime.so")
        assert status == "LP_ERROR_ENGINE_ABSENT"
        assert "/nowhere" in text

    def test_library_that_is_no_engine(self, pristine: Path) -> None:
        status, text = open_in_new_process(pristine, str(library_path()))
        assert status == "LP_ERROR_ENGINE_ABSENT"
        assert "OrtGetApiBase" in text

    def test_engine_too_old(self, pristine: Path, tmp_path: Path) -> None:
        require_tools("cc")
        source = BRIDGE / "tests" / "old_onnxruntime.c"
        library = tmp_path / "libonnxruntime.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        status, text = open_in_new_process(pristine, str(library))
        assert status == "LP_ERROR_ENGINE_TOO_OLD"
        assert "1.4.0" in text

    def test_one_engine_per_process(
        self, bridge: NativeBridge, pristine: Path, tmp_path: Path
    ) -> None:
        require_tools("cc")
        NativeSession(bridge, pristine).close()
        library = tmp_path / "libonnxruntime.so"
        source = BRIDGE / "tests" / "old_onnxruntime.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        error = open_error(bridge, pristine, engine_library=str(library).encode())
        assert error.status == "LP_ERROR_ENGINE_ABSENT"
        assert "one engine per process" in error.text
