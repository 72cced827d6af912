"""The fuzzers of everything that reads a stranger's bundle, for a bounded time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from json_patch import apply_patch
from native_bridge import BRIDGE, NativeBridge, build, engine_library
from native_session import NativeSession, StatusError
from tiny_bundle import TinyBundle

from lp_runtime import Bundle
from lp_runtime.errors import LpRuntimeError

CORPUS = BRIDGE / "fuzz" / "corpus"
PATCHES = sorted((CORPUS / "bundle").iterdir())
# The same inputs at every run, so that a change is never blamed for what chance found. With
# LP_FUZZ_SECONDS the fuzzers explore at random for that long instead.
EXPLORING_SECONDS = int(os.environ.get("LP_FUZZ_SECONDS", "0"))
RUNS = {"fuzz_manifest": 20_000, "fuzz_bundle": 600}
MOST_SECONDS = 60


def bounds(fuzzer: str) -> list[str]:
    """A fuzzer's options for how long and how predictably to run."""
    if EXPLORING_SECONDS:
        return [f"-max_total_time={EXPLORING_SECONDS}"]
    return ["-seed=1", f"-runs={RUNS[fuzzer]}", f"-max_total_time={MOST_SECONDS}"]


def fuzzer_program(name: str) -> Path:
    """The built fuzzer: with libFuzzer where there is Clang, else with our own driver."""
    clang = next((name for name in ("clang++", "clang++-14") if shutil.which(name)), None)
    options = ["-DLP_BUILD_FUZZER=ON", "-DLP_SANITIZE=address,undefined"]
    if clang:
        options.append(f"-DCMAKE_CXX_COMPILER={clang}")
    return build("fuzz", *options, target=name) / "fuzz" / name


def fuzz(name: str, corpus: Path, folder: Path, **environment: str) -> None:
    """Run a fuzzer on a copy of the corpus; fail with what it found."""
    finished = subprocess.run(
        [fuzzer_program(name), *bounds(name), "-timeout=20", "-rss_limit_mb=4096", corpus],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=folder,
        timeout=max(EXPLORING_SECONDS, MOST_SECONDS) + 120,
        env=os.environ | {"TMPDIR": str(folder)} | environment,
    )
    assert finished.returncode == 0, finished.stderr[-5000:]
    assert "Done " in finished.stdout + finished.stderr


@pytest.mark.full_size
def test_no_input_crashes_the_readers(pristine: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(CORPUS / "readers", corpus)
    # One good file of each kind, with its letter in front.
    for letter, name in (
        ("m", "manifest.json"),
        ("p", "assets/portrait.png"),
        ("s", "golden/stitching.safetensors"),
    ):
        (corpus / f"seed_{letter}").write_bytes(letter.encode() + (pristine / name).read_bytes())
    fuzz("fuzz_manifest", corpus, tmp_path)


@pytest.mark.full_size
def test_no_manifest_crashes_a_player(pristine: Path, tmp_path: Path) -> None:
    """A real bundle, opened and played with patched manifests."""
    corpus = tmp_path / "corpus"
    shutil.copytree(CORPUS / "bundle", corpus)
    fuzz(
        "fuzz_bundle",
        corpus,
        tmp_path,
        LP_FUZZ_BUNDLE=str(pristine),
        LP_ONNXRUNTIME_LIBRARY=str(engine_library()),
    )


# Python reads the portrait when it renders, and refuses a target of which it never heard where
# the C++ runtime ignores it.
JUDGED_APART = ("mask_", "transform_", "unknown_target")


@pytest.mark.parametrize(
    "patch",
    [path for path in PATCHES if not path.name.startswith(JUDGED_APART)],
    ids=lambda path: path.stem,
)
def test_both_runtimes_open_the_same_manifests(
    bridge: NativeBridge, tiny: TinyBundle, patch: Path
) -> None:
    manifest = json.loads((tiny.path / "manifest.json").read_bytes())
    changed = apply_patch(manifest, json.loads(patch.read_text()))
    (tiny.path / "manifest.json").write_text(json.dumps(changed))
    assert opens_natively(bridge, tiny.path) == opens_in_python(tiny.path)


def opens_natively(bridge: NativeBridge, path: Path) -> bool:
    try:
        NativeSession(bridge, path).close()
    except StatusError:
        return False
    return True


def opens_in_python(path: Path) -> bool:
    try:
        Bundle.open(path).session(target="onnx", precision="fp32")
    except LpRuntimeError:
        return False
    return True
