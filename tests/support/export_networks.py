"""Networks for the exporters; importable, so that a converter's child process can read them."""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.baked_generator import BakedGenerator
from lp_models.baking import bake
from lp_models.checkpoint import seeded_networks
from lp_models.dims import LivePortraitDims
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_models.motion_stitcher import MotionStitcher
from lp_pack.demo.face import demo_face


class LittleOfEverything(nn.Module):
    """A picture, a memory, a table and an index computed from the picture."""

    input_names: tuple[str, ...] = ("picture", "memory")
    output_names: tuple[str, ...] = ("result", "next_memory")

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.convolution = nn.Conv2d(4, 8, 3, padding=1)
            self.wide = nn.Conv2d(8, 32, 3, padding=1)
            self.register_buffer("table", torch.randn(400, 8))

    def example_inputs(self) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(1)
        picture = torch.randn(1, 4, 8, 8, generator=generator)
        return picture, torch.randn(1, 4, generator=generator)

    def forward(self, picture: Tensor, memory: Tensor) -> tuple[Tensor, ...]:
        features = torch.relu(self.convolution(picture))
        place = (picture[:, 0] * 10 + 200).clamp(0, 399)
        rows = torch.floor(place).to(torch.int32).reshape(-1)
        found = F.embedding(rows, self.table).transpose(0, 1).reshape(1, 8, 8, 8)
        larger = F.interpolate(self.wide(features + found), scale_factor=2.0, mode="nearest")
        return F.pixel_shuffle(larger, 2), 2 * memory + 1


class Untranslatable(nn.Module):
    """Uses an operator that no mobile target has."""

    input_names = ("x",)
    output_names = ("y",)

    def example_inputs(self) -> tuple[Tensor, ...]:
        return (torch.randn(4, 4, generator=torch.Generator().manual_seed(0)),)

    def forward(self, x: Tensor) -> Tensor:
        singular: Tensor = torch.linalg.svd(x)[1]
        return singular


def convert_by_dying(module: nn.Module, path: object, graph_name: str) -> None:
    """A conversion that takes its process down, as a converter's C++ may."""
    print("assertion failed in pass 7", flush=True)
    os.abort()


def tiny_graphs() -> dict[str, nn.Module]:
    """Every graph of both tiers: audio2motion, stitching, generator, lite; random weights."""
    dims = LivePortraitDims.tiny()
    networks = seeded_networks(dims, 0)
    image = torch.rand(
        1, 3, dims.image_size, dims.image_size, generator=torch.Generator().manual_seed(0)
    )
    persona = bake(networks, image)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        audio2motion = Audio2Motion(Audio2MotionDims.tiny())
        lite = LiteGenerator(LiteGeneratorDims.tiny())
    lite.set_face(demo_face())
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in lite.parameters():
            parameter.uniform_(-0.05, 0.05, generator=random)
        lite.head.uniform_(0, 1, generator=random)
        lite.body.uniform_(0, 1, generator=random)
    return {
        "audio2motion": audio2motion.eval(),
        "stitching": MotionStitcher(persona.face, networks.stitching, "relative").eval(),
        "generator": BakedGenerator(networks.warping, networks.spade_decoder, persona).eval(),
        "lite": lite.eval(),
    }
