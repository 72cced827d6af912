"""Where the baked generator's time goes: each stage as a graph of its own on ONNX Runtime.

pytest benchmarks/test_generator.py                      published dims
pytest benchmarks/test_generator.py -m "not full_size"   tiny dims, to try the suite
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from lp_models.baked_generator import BakedGenerator
from lp_models.baking import bake
from lp_models.dims import LivePortraitDims
from lp_models.seeded import seeded_networks
from lp_pack.export.onnx import export_onnx

THREADS = 2
SEED = 0


class Stage(nn.Module):
    """One part of the generator, with inputs recorded while it drew a frame."""

    def __init__(self, part: nn.Module, inputs: tuple[Tensor, ...], outputs: int) -> None:
        super().__init__()
        self.part = part
        self.inputs = inputs
        self.input_names = tuple(f"input_{index}" for index in range(len(inputs)))
        self.output_names = tuple(f"output_{index}" for index in range(outputs))

    def example_inputs(self) -> tuple[Tensor, ...]:
        return self.inputs

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        return flat(self.part(*inputs))


def flat(result: object) -> Tensor | tuple[Tensor, ...]:
    """A tensor, or all tensors of nested tuples in order."""
    if isinstance(result, Tensor):
        return result
    assert isinstance(result, tuple)
    tensors: list[Tensor] = []
    for item in result:
        found = flat(item)
        tensors.extend((found,) if isinstance(found, Tensor) else found)
    return tuple(tensors)


STAGES: dict[str, Callable[[BakedGenerator], nn.Module]] = {
    "generator": lambda generator: generator,
    "warping": lambda generator: generator.warping,
    "decoder": lambda generator: generator.decoder,
    "translation_warp": lambda generator: generator.warping.dense_motion.warp,
    "heatmaps": lambda generator: generator.warping.dense_motion.heatmaps,
    "hourglass": lambda generator: generator.warping.dense_motion.hourglass,
    "mask": lambda generator: generator.warping.dense_motion.mask,
    "occlusion": lambda generator: generator.warping.dense_motion.occlusion,
    "deformation": lambda generator: generator.warping.dense_motion.deformation,
    "volume_gather": lambda generator: generator.warping.volume,
    "middle_block": lambda generator: generator.decoder.middle[0],
    "up_block_0": lambda generator: generator.decoder.up_0,
    "up_block_1": lambda generator: generator.decoder.up_1,
}


@pytest.fixture(
    scope="session",
    params=["tiny", pytest.param("published", marks=pytest.mark.full_size)],
)
def generator(request: pytest.FixtureRequest) -> BakedGenerator:
    dims = LivePortraitDims.tiny() if request.param == "tiny" else LivePortraitDims()
    networks = seeded_networks(dims, SEED)
    random = torch.Generator().manual_seed(SEED)
    image = torch.rand(1, 3, dims.image_size, dims.image_size, generator=random)
    return BakedGenerator(networks.warping, networks.spade_decoder, bake(networks, image))


@torch.no_grad()
def record(generator: BakedGenerator, part: nn.Module) -> Stage:
    """Draw the example frame and keep what went into one part of the generator."""
    seen: list[tuple[tuple[Tensor, ...], object]] = []
    hook = part.register_forward_hook(lambda _, inputs, result: seen.append((inputs, result)))
    generator(*generator.example_inputs())
    hook.remove()
    (inputs, result) = seen[0]
    outputs = flat(result)
    return Stage(part, inputs, 1 if isinstance(outputs, Tensor) else len(outputs))


@pytest.mark.parametrize("stage", STAGES)
def test_stage(
    benchmark: Callable[..., list[object]], generator: BakedGenerator, stage: str, tmp_path: Path
) -> None:
    part = record(generator, STAGES[stage](generator))
    path = tmp_path / f"{stage}.onnx"
    export_onnx(part, path, stage)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = dict(zip(part.input_names, (tensor.numpy() for tensor in part.inputs), strict=True))
    result = benchmark(session.run, None, feeds)
    assert len(result) == len(part.output_names)
