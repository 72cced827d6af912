"""The fuzzer of everything that reads a stranger's bundle, for a bounded time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from native_bridge import BRIDGE, build

# The same inputs at every run, so that a change is never blamed for what chance found. With
# LP_FUZZ_SECONDS the fuzzer explores at random for that long instead.
EXPLORING_SECONDS = int(os.environ.get("LP_FUZZ_SECONDS", "0"))
RUNS, MOST_SECONDS = 20_000, 60


def bounds() -> list[str]:
    """The fuzzer's options for how long and how predictably to run."""
    if EXPLORING_SECONDS:
        return [f"-max_total_time={EXPLORING_SECONDS}"]
    return ["-seed=1", f"-runs={RUNS}", f"-max_total_time={MOST_SECONDS}"]


def seeds(bundle: Path, folder: Path) -> Path:
    """The kept corpus and one good file of each kind, each with its letter in front."""
    corpus = folder / "corpus"
    shutil.copytree(BRIDGE / "fuzz" / "corpus", corpus)
    for letter, name in (
        ("m", "manifest.json"),
        ("p", "assets/portrait.png"),
        ("s", "golden/stitching.safetensors"),
    ):
        content = (bundle / name).read_bytes()
        (corpus / f"seed_{letter}").write_bytes(letter.encode() + content)
    return corpus


@pytest.mark.full_size
def test_no_input_crashes_the_readers(pristine: Path, tmp_path: Path) -> None:
    clang = next((name for name in ("clang++", "clang++-14") if shutil.which(name)), None)
    options = ["-DLP_BUILD_FUZZER=ON", "-DLP_SANITIZE=address,undefined"]
    if clang:
        options.append(f"-DCMAKE_CXX_COMPILER={clang}")
    folder = build("fuzz", *options, target="fuzz_manifest")
    command = [folder / "fuzz" / "fuzz_manifest", *bounds(), "-timeout=20"]
    finished = subprocess.run(
        [*command, seeds(pristine, tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=max(EXPLORING_SECONDS, MOST_SECONDS) + 120,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert finished.returncode == 0, finished.stderr[-5000:]
    assert "Done " in finished.stdout + finished.stderr
