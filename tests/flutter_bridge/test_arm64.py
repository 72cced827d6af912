"""The C++ runtime on Arm: cross-compiled, run under an emulator, compared with this machine.

Emulated times mean nothing, so none is looked at.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cross_build import arm64_engine, arm64_player, arm64_root, compile_for_arm32
from native_bridge import BRIDGE, engine_library, runner_path

MOTION_TOLERANCE = 1e-5
MAIN = "from lp_pack.cli import main; main()"


@pytest.fixture(scope="session")
def emulator() -> list[str]:
    """Words before a program for arm64 that make it run here."""
    qemu = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if qemu is None:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    libraries = f"LD_LIBRARY_PATH={arm64_player().parent.parent}"
    return [qemu, "-cpu", "cortex-a76", "-L", str(arm64_root()), "-E", libraries]


def played(player: list[str], bundle: Path, engine: Path, frames: int, dump: Path) -> dict:
    """Play noise into `dump` and return the report."""
    dump.mkdir()
    command = [*player, str(bundle), "--engine", str(engine), "--threads", "1"]
    command += ["--precision", "fp32", "--frames", str(frames)]
    command += ["--value", "motion", "--dump", str(dump)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def compare(bundle: Path, emulator: list[str], frames: int, folder: Path) -> None:
    """Motion within 1e-5 and pictures within 1 of 255 of this machine's."""
    here = played([str(runner_path())], bundle, engine_library(), frames, folder / "here")
    arm = [*emulator, str(arm64_player())]
    there = played(arm, bundle, arm64_engine(), frames, folder / "there")
    assert there["machine"] == "Linux aarch64"
    assert there["latency"]["engine"]["count"] == here["latency"]["engine"]["count"] == frames
    motion = [np.fromfile(folder / host / "motion.f32", np.float32) for host in ("here", "there")]
    assert motion[0].size == frames * 70
    assert np.abs(motion[0] - motion[1]).max() <= MOTION_TOLERANCE
    size = (frames, here["height"], here["width"], 4)
    pictures = [
        np.fromfile(folder / host / "frames.rgba", np.uint8).reshape(size).astype(int)
        for host in ("here", "there")
    ]
    assert np.ptp(pictures[0][..., :3]) > 0
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


@pytest.mark.full_size
def test_a_tiny_bundle_plays_alike(pristine: Path, emulator: list[str], tmp_path: Path) -> None:
    compare(pristine, emulator, 6, tmp_path)


@pytest.mark.full_size
def test_the_demo_persona_plays_alike(emulator: list[str], tmp_path: Path) -> None:
    """A real generator, of convolutions, at 512 x 512."""
    bundle = tmp_path / "demo.lpbundle"
    built = subprocess.run(
        [sys.executable, "-c", MAIN, "build", "--precision", "fp32", "-o", str(bundle)],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    compare(bundle, emulator, 2, tmp_path)


@pytest.mark.full_size
def test_no_source_takes_sizes_for_64_bits(tmp_path: Path) -> None:
    """Every source compiles for 32-bit Arm without a warning, cut sizes among them."""
    sources = sorted([*(BRIDGE / "src").glob("*.cpp"), *(BRIDGE / "runner").glob("*.cpp")])
    complaints = {source.name: compile_for_arm32(source, tmp_path) for source in sources}
    assert {name: said for name, said in complaints.items() if said} == {}
