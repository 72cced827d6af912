"""The lite generator: whole, and what each of its parts costs by leaving it out.

pytest benchmarks/test_lite_generator.py                      512 x 512
pytest benchmarks/test_lite_generator.py -m "not full_size"   tiny dims, to try the suite
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from exported_part import RunningPart

from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_pack.demo.face import demo_face

SIZES = ["tiny", pytest.param("default", marks=pytest.mark.full_size)]


def dims_of(size: str) -> LiteGeneratorDims:
    return LiteGeneratorDims.tiny() if size == "tiny" else LiteGeneratorDims()


def generator(dims: LiteGeneratorDims) -> LiteGenerator:
    torch.manual_seed(0)
    network = LiteGenerator(dims).eval()
    network.set_face(demo_face())
    return network


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_whole(
    benchmark: Callable[..., list[object]], size: str, threads: int, tmp_path: Path
) -> None:
    assert len(benchmark(RunningPart(generator(dims_of(size)), tmp_path, threads))) == 1


@pytest.mark.parametrize("without", ["refiner", "windows"])
@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_without(
    benchmark: Callable[..., list[object]], size: str, without: str, tmp_path: Path
) -> None:
    left_out = {"refiner": {"refiner_channels": 0}, "windows": {"windows": ()}}[without]
    dims = dataclasses.replace(dims_of(size), **left_out)
    assert len(benchmark(RunningPart(generator(dims), tmp_path))) == 1
