"""lp_runtime needs no torch, no converter, and no more than four packages to play a bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from shared_data import REPOSITORY

HEAVY = ("torch", "onnx", "onnxscript", "coremltools", "tensorflow", "ai_edge_litert", "lp_models")
# Needed for pictures, video and memory figures only, or by the command line.
OPTIONAL = ("cv2", "av", "psutil", "click", "rich")

PLAY = """
import json, sys
import numpy as np
from lp_runtime import Bundle
from lp_runtime.golden import self_check

bundle = Bundle.open(sys.argv[1])
session = bundle.session(threads=1)
frames = [v["frame"] for v in session.push_pcm(np.zeros(6400, np.float32))]
frames += [v["frame"] for v in session.flush()]
print(json.dumps({
    "frames": len(frames),
    "agrees": all(figure.passed for figure in self_check(bundle, session)),
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
}))
"""

BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked in this test")

sys.meta_path.insert(0, Block())
"""

TORCH_IS_ABSENT = """
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("torch is installed here, so this test proves nothing")
"""


def run_python(python: Path | str, code: str, *arguments: object) -> str:
    """Standard output of a Python program; fails with its error output."""
    # Not from the checkout: the installed package is meant.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        [str(python), "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(sys.prefix),
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_playing_imports_neither_torch_nor_a_converter(pristine: Path) -> None:
    played = json.loads(run_python(sys.executable, PLAY, pristine))
    assert played["frames"] == 10
    assert played["agrees"]
    assert set(played["modules"]).isdisjoint((*HEAVY, *OPTIONAL, "lp_pack"))


def test_playing_needs_four_packages_only(pristine: Path) -> None:
    code = f"BLOCKED = {(*HEAVY, *OPTIONAL)!r}\n{BLOCK}\n{PLAY}"
    assert json.loads(run_python(sys.executable, code, pristine))["frames"] == 10


def test_every_module_imports_without_torch_or_a_converter() -> None:
    folder = REPOSITORY / "runtime_py" / "lp_runtime"
    names = [
        ".".join(("lp_runtime", *path.relative_to(folder).with_suffix("").parts))
        for path in sorted(folder.rglob("*.py"))
        if path.name != "__init__.py" and path.parent.name != "engines"
    ]
    assert "lp_runtime.compositing" in names
    code = f"BLOCKED = {HEAVY!r}\n{BLOCK}\nimport importlib\n"
    code += f"for name in {names!r}: importlib.import_module(name)"
    run_python(sys.executable, code)


@pytest.mark.full_size
def test_an_installation_without_torch_opens_and_plays_a_bundle(
    pristine: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    unwanted = shutil.ignore_patterns(".*", "out", "build", "*.egg-info", "*.lpbundle")
    shutil.copytree(REPOSITORY, source, ignore=unwanted)
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    constraints = REPOSITORY / "constraints.txt"
    subprocess.run(
        [scripts / "python", "-m", "pip", "install", "--quiet", source]
        + (["--constraint", constraints] if constraints.exists() else []),
        check=True,
    )
    played = json.loads(run_python(scripts / "python", TORCH_IS_ABSENT + PLAY, pristine))
    assert played["frames"] == 10
    assert played["agrees"]
    verified = subprocess.run(
        [scripts / "lp-pack", "verify", pristine, "--json"], capture_output=True, text=True
    )
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["passed"]
