"""Fixtures for commands that open a bundle: the tiny one of tests/support."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from shared_data import shared_path
from tiny_bundle import TinyBundle, build_tiny_bundle

from lp_pack.cli import main


@dataclass(frozen=True)
class CommandResult:
    """What a run of the command line printed and how it ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def pristine_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with fp32 and fp16 graphs that no test may change."""
    path = tmp_path_factory.mktemp("bundles") / "tiny.lpbundle"
    return build_tiny_bundle(path, ("fp32", "fp16")).path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.5 GB of weights of the published layout that follow from the parameters' names."""
    script = shared_path("liveportrait/weights_by_name.py")
    folder = tmp_path_factory.mktemp("weights_by_name")
    subprocess.run([sys.executable, str(script), str(folder), "--seed", "0"], check=True)
    return folder


@pytest.fixture(scope="session")
def full_size_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all builds at the published dims: what they share is computed once."""
    return tmp_path_factory.mktemp("full_size_cache")


@pytest.fixture
def tiny(pristine_tiny: Path, tmp_path: Path) -> TinyBundle:
    """A copy that the test may spoil."""
    copy = tmp_path / "tiny.lpbundle"
    shutil.copytree(pristine_tiny, copy)
    return TinyBundle(copy)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., CommandResult]:
    """Run `lp-pack` with these arguments in this process."""

    def call(*arguments: object) -> CommandResult:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        code = stop.value.code
        return CommandResult(code if isinstance(code, int) else 0, printed.out, printed.err)

    return call
