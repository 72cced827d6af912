"""Fixtures of the runtime's tests: a tiny bundle, built once and copied for each test."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tiny_bundle import TinyBundle, build_tiny_bundle

from lp_runtime import Bundle, Session

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with fp32 and fp16 graphs that no test may change."""
    path = tmp_path_factory.mktemp("bundles") / "tiny.lpbundle"
    return build_tiny_bundle(path, ("fp32", "fp16")).path


@pytest.fixture
def tiny(pristine: Path, tmp_path: Path) -> TinyBundle:
    """A copy that the test may spoil."""
    copy = tmp_path / "tiny.lpbundle"
    shutil.copytree(pristine, copy)
    return TinyBundle(copy)


@pytest.fixture
def session(pristine: Path) -> Session:
    return Bundle.open(pristine).session(precision="fp32", threads=1)
