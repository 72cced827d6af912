"""The Dart package: generated bindings, analysis, and its own tests on a real bundle."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dart_layout import layout_probe, parse_probe
from dart_tools import resolve_packages, run_dart
from native_bridge import BRIDGE, NativeBridge, engine_library, library_path, load_tool
from tiny_bundle import build_tiny_bundle

from lp_runtime.bundle import Bundle
from lp_runtime.composer import Composer

FRAMES = 20
VALUES = ("motion", "keypoints", "frame")


def test_bindings_are_those_of_the_header() -> None:
    generator = BRIDGE / "tools" / "generate_dart_bindings.py"
    checked = subprocess.run(
        [sys.executable, generator, "--check"], capture_output=True, text=True, cwd=generator.parent
    )
    assert checked.returncode == 0, checked.stdout


def test_format_and_analysis(tmp_path: Path) -> None:
    formatted = run_dart(
        "format", "--output=none", "--set-exit-if-changed", "lib", "test", home=tmp_path
    )
    assert formatted.returncode == 0, formatted.stdout
    analysed = run_dart("analyze", "--fatal-infos", home=tmp_path)
    assert analysed.returncode == 0, analysed.stdout


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, sound, and the pictures and values that the Python runtime makes of it."""
    folder = tmp_path_factory.mktemp("scenario")
    bundle = Bundle.open(build_tiny_bundle(folder / "bundle.lpbundle").path)
    samples = np.random.default_rng(8).integers(-9000, 9000, FRAMES * 640 - 100).astype("<i2")
    (folder / "speech.pcm").write_bytes(samples.tobytes())
    session = bundle.session(threads=1)
    composer = Composer(bundle, session)
    sound = samples.astype(np.float32) / 32768
    frames = [*session.push_pcm(sound, VALUES), *session.flush(VALUES)]
    for name in VALUES:
        (folder / f"{name}.f32").write_bytes(np.stack([f[name] for f in frames]).tobytes())
    opaque = np.full((*composer.size[::-1], 1), 255, np.uint8)
    pictures = [np.concatenate([composer(values["frame"]), opaque], axis=2) for values in frames]
    (folder / "frames.rgba").write_bytes(np.stack(pictures).tobytes())
    return folder


@pytest.mark.parametrize("mode", ["jit", "aot"])
def test_package_against_the_real_library(
    bridge: NativeBridge, scenario: Path, tmp_path: Path, mode: str
) -> None:
    arguments = [library_path(), engine_library(), scenario]
    program = "test/persona_test.dart"
    if mode == "jit":
        finished = run_dart("run", program, *arguments, home=tmp_path)
    else:
        compiled = tmp_path / "persona_test"
        built = run_dart("compile", "exe", program, "-o", compiled, home=tmp_path)
        assert built.returncode == 0, built.stdout + built.stderr
        finished = subprocess.run(
            [compiled, *arguments], capture_output=True, text=True, timeout=600
        )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "All 9 tests passed" in finished.stdout


def test_structs_lie_in_dart_as_in_c(bridge: NativeBridge, tmp_path: Path) -> None:
    """Size, and offset and width of every field; ctypes is held to the compilers elsewhere."""
    program = tmp_path / "layout_probe.dart"
    program.write_text(layout_probe(bridge.header, load_tool("generate_dart_bindings")))
    packages = resolve_packages()
    finished = run_dart(f"--packages={packages}", program, home=tmp_path)
    assert finished.returncode == 0, finished.stderr
    layout, widths = parse_probe(finished.stdout)
    expected = {}
    for name, kind in bridge.structs.items():
        expected[name] = ctypes.sizeof(kind)
        for field, _ in kind._fields_:
            place = getattr(kind, field)
            expected[f"{name}.{field}"] = place.offset
            assert widths[f"{name}.{field}"] == place.size
    assert layout == expected
