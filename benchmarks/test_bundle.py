"""Opening and playing a bundle, and the build's stages that are not networks.

pytest benchmarks/test_bundle.py [--bundle some.lpbundle]   default: the tiny bundle of the tests
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch
from tiny_bundle import build_tiny_bundle

from lp_models.baked_generator import BakedGenerator
from lp_models.baking import bake
from lp_models.dims import LivePortraitDims
from lp_models.seeded import seeded_networks
from lp_pack.budgets.graph_cost import graph_cost
from lp_pack.export.onnx import export_onnx, trace
from lp_pack.hashing import folder_records
from lp_pack.precision.fp16 import to_fp16
from lp_pack.report import build_page
from lp_pack.simplify import simplify
from lp_runtime import Bundle
from lp_runtime.composer import Composer
from lp_runtime.engines import runnable_targets


@pytest.fixture(scope="session")
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = request.config.getoption("--bundle")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("bundle") / "tiny.lpbundle"
    return build_tiny_bundle(folder, ("fp32", "fp16")).path


@pytest.fixture(scope="module")
def tiny_generator() -> BakedGenerator:
    dims = LivePortraitDims.tiny()
    networks = seeded_networks(dims, 0)
    image = torch.rand(1, 3, dims.image_size, dims.image_size)
    return BakedGenerator(networks.warping, networks.spade_decoder, bake(networks, image))


@pytest.mark.parametrize("verify", [False, True], ids=["manifest", "every_hash"])
def test_open(benchmark: Callable[..., Bundle], bundle: Path, verify: bool) -> None:
    assert benchmark(Bundle.open, bundle, verify).manifest.variants


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("target", runnable_targets())
def test_load(benchmark: Callable[..., object], bundle: Path, target: str, precision: str) -> None:
    opened = Bundle.open(bundle, verify=False)
    _skip_if_missing(opened, target, precision)
    assert benchmark(opened.session, target, precision, 1) is not None


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("target", runnable_targets())
def test_sound_to_picture(
    benchmark: Callable[..., object], bundle: Path, target: str, precision: str, threads: int
) -> None:
    opened = Bundle.open(bundle, verify=False)
    _skip_if_missing(opened, target, precision)
    session = opened.session(target, precision, threads)
    composer = Composer(opened, session)
    chunk = np.zeros(session.pipeline.samples_per_frame, np.float32)
    # The look-ahead is over before the timing begins.
    for _ in range(session.pipeline.look_ahead_frames):
        list(session.push_pcm(chunk))

    def frame() -> np.ndarray:
        (values,) = session.push_pcm(chunk)
        return composer(values[session.pipeline.frame.value])

    assert benchmark(frame) is not None


def test_hash_a_folder(benchmark: Callable[..., tuple[object, ...]], bundle: Path) -> None:
    assert benchmark(folder_records, bundle)


def test_report_page(benchmark: Callable[..., str], bundle: Path) -> None:
    assert benchmark(build_page, [Bundle.open(bundle)]).startswith("<!doctype html>")


def test_export_stage(
    benchmark: Callable[..., None], tiny_generator: BakedGenerator, tmp_path: Path
) -> None:
    benchmark.pedantic(export_onnx, (tiny_generator, tmp_path / "g.onnx", "generator"), rounds=3)


def test_simplify_stage(benchmark: Callable[..., object], tiny_generator: BakedGenerator) -> None:
    benchmark.pedantic(
        simplify, setup=lambda: ((trace(tiny_generator, "generator"),), {}), rounds=3
    )


def test_half_precision_stage(
    benchmark: Callable[..., object], tiny_generator: BakedGenerator, tmp_path: Path
) -> None:
    path = tmp_path / "g.onnx"
    export_onnx(tiny_generator, path, "generator")
    benchmark.pedantic(to_fp16, setup=lambda: ((ir.load(path),), {}), rounds=3)


def test_count_costs(
    benchmark: Callable[..., object], tiny_generator: BakedGenerator, tmp_path: Path
) -> None:
    path = tmp_path / "g.onnx"
    export_onnx(tiny_generator, path, "generator")
    benchmark(graph_cost, path)


def test_copy_a_bundle(benchmark: Callable[..., object], bundle: Path, tmp_path: Path) -> None:
    counter = iter(range(1_000_000))
    benchmark.pedantic(
        shutil.copytree, setup=lambda: ((bundle, tmp_path / str(next(counter))), {}), rounds=5
    )


def _skip_if_missing(bundle: Bundle, target: str, precision: str) -> None:
    wanted = (target, precision)
    if wanted not in {(one.target, one.precision) for one in bundle.manifest.variants}:
        pytest.skip(f"the bundle has no {target} {precision}")
