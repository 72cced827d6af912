"""Writes the inputs of a tiny persona: checkpoints of every network, of a few kilobytes."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.checkpoint import save_liveportrait, seeded_networks
from lp_models.dims import LivePortraitDims
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_pack.demo.face import demo_face
from lp_pack.distillation.face_record import FACE_KEY, face_to_text
from lp_pack.persona.liveportrait import DIMS_NAME, astronaut_path


def write_weights(folder: Path, seed: int = 0) -> Path:
    """Checkpoints in the published layout, of tiny networks."""
    dims = LivePortraitDims.tiny()
    save_liveportrait(seeded_networks(dims, seed), folder)
    (folder / DIMS_NAME).write_text(json.dumps(dims.to_dict()))
    return folder


def write_audio2motion(path: Path, seed: int = 0) -> Path:
    """A checkpoint of a tiny motion network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Audio2Motion(Audio2MotionDims.tiny())
    network.motion_mean[63] = 1.0
    network.save(path)
    return path


def build_arguments(weights: Path, audio2motion: Path) -> list[str]:
    """Arguments of `lp-pack` that build it; cache and output are still missing."""
    return [
        "build",
        *("--portrait", str(astronaut_path())),
        *("--crop", "96,0,256"),
        *("--weights", str(weights)),
        *("--audio2motion", str(audio2motion)),
    ]


def write_lite(path: Path, with_face: bool = True) -> Path:
    """A tiny generator with random weights, as `lp-pack distill` would save it."""
    random = torch.Generator().manual_seed(0)
    network = LiteGenerator(LiteGeneratorDims.tiny())
    network.set_face(demo_face())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-0.05, 0.05, generator=random)
        network.head.uniform_(0, 1, generator=random)
        network.body.uniform_(0, 1, generator=random)
    network.save(path, extra={FACE_KEY: face_to_text(demo_face())} if with_face else {})
    return path
