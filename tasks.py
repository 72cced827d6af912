#!/usr/bin/env python3
"""The task runner: `python3 tasks.py TASK`. Needs only Python 3.11; makes `.venv` by itself.

    demo      build the demo persona and render a talking video into out/
    test      everything CI checks: lint, types, all tests
    quick     lint, types and the tests that need no full-size network (minutes)
    format    rewrite the sources with ruff
    setup     only make .venv with the pinned versions of constraints.txt

Standard library only (docs/decisions/0001-task-runner.md). Arguments after the task are handed to
the last tool of the task, e.g. `python3 tasks.py quick -k mel`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
OUT = ROOT / "out"
SOURCES = ["packager", "models", "runtime_py", "benchmarks", "tests", "tasks.py"]
SOURCES += ["flutter_bridge/tools"]


def run(*command: str | Path) -> None:
    """Echo and run one command; stop the task with its exit code if it fails."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    code = subprocess.run(words, cwd=ROOT).returncode
    if code != 0:
        sys.exit(code)


def setup() -> None:
    """Make .venv and install the package; skipped while the pinned inputs are unchanged."""
    if sys.version_info < (3, 11):  # noqa: UP036 - runs before anything checks the version
        sys.exit(f"lp-pack needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    inputs = [ROOT / "setup.cfg", ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    mark = VENV / "lp-pack-installed"
    if mark.exists() and mark.read_text() == stamp:
        return
    if not (BIN / "python").exists():
        run(sys.executable, "-m", "venv", VENV)
    pip = [BIN / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # torch first and alone: the version pinned here is the one a machine may hold as a CPU build.
    run(*pip, "-c", "constraints.txt", "torch==2.13.0")
    run(*pip, "-c", "constraints.txt", "-e", ".[dev]")
    mark.write_text(stamp)


def lint(fix: bool = False) -> None:
    """Format and lint; with `fix`, rewrite instead of complaining."""
    run(BIN / "ruff", "format", *([] if fix else ["--check"]), *SOURCES)
    run(BIN / "ruff", "check", *(["--fix"] if fix else []), *SOURCES)


def check_types() -> None:
    """Static types of the three packages."""
    run(BIN / "mypy")


def test(arguments: list[str]) -> None:
    """Everything CI checks."""
    lint()
    check_types()
    # Quick tests on both cores; then the full-size ones alone, since each wants cores and memory.
    run(BIN / "pytest", "-q", "-n", "2", "-m", "not full_size", *arguments)
    run(BIN / "pytest", "-q", "-m", "full_size", *arguments)


def quick(arguments: list[str]) -> None:
    """What to run before a commit."""
    lint()
    check_types()
    run(BIN / "pytest", "-q", "-n", "2", "-m", "not full_size", *arguments)


def demo(arguments: list[str]) -> None:
    """Build the embedded default, verify it, render a video; arguments go to the rendering."""
    OUT.mkdir(exist_ok=True)
    bundle, video = OUT / "demo.lpbundle", OUT / "demo.mp4"
    run(BIN / "lp-pack", "build", "--force", "-o", bundle)
    run(BIN / "lp-pack", "verify", bundle)
    run(BIN / "lp-pack", "render", bundle, "--force", "-o", video, *arguments)


def main() -> None:
    """Parse the task's name and run it."""
    task, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    tasks = {
        "demo": lambda: demo(arguments),
        "test": lambda: test(arguments),
        "quick": lambda: quick(arguments),
        "format": lambda: lint(fix=True),
        "setup": lambda: None,
    }
    if task not in tasks:
        print(__doc__)
        sys.exit(0 if task in ("", "-h", "--help") else 2)
    setup()
    tasks[task]()


if __name__ == "__main__":
    main()
