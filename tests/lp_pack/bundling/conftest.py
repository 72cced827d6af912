"""A tiny persona, built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_persona import build_arguments, write_audio2motion, write_weights

from lp_pack.cli import group


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="session")
def tiny_audio2motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audio2motion(tmp_path_factory.mktemp("audio2motion") / "tiny.safetensors")


@pytest.fixture(scope="session")
def tiny_options(tiny_weights: Path, tiny_audio2motion: Path) -> list[str]:
    """Arguments of `lp-pack`; cache and output are still missing."""
    return build_arguments(tiny_weights, tiny_audio2motion)


@pytest.fixture(scope="session")
def tiny_built(tmp_path_factory: pytest.TempPathFactory, tiny_options: list[str]) -> Path:
    """A folder with `cache` and `tiny.lpbundle`; not to be changed."""
    place = tmp_path_factory.mktemp("built")
    outputs = ["--cache", str(place / "cache"), "-o", str(place / "tiny.lpbundle")]
    group.main([*tiny_options, *outputs], prog_name="lp-pack", standalone_mode=False)
    return place


@pytest.fixture
def cache_copy(tiny_built: Path, tmp_path: Path) -> Path:
    """A cache of one's own in which every stage of the tiny persona is finished."""
    shutil.copytree(tiny_built / "cache", tmp_path / "cache")
    return tmp_path / "cache"
