"""The baked source on disk: one safetensors file in a stage's folder."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from lp_models.baking import SourceFace, SourcePersona
from lp_models.motion import HeadMotion

BAKED_NAME = "baked.safetensors"


def write_baked(persona: SourcePersona, folder: Path) -> None:
    """Store a baked portrait."""
    tensors = {
        "canonical_keypoints": persona.face.canonical_keypoints,
        "source_motion": persona.face.motion.to_vector(),
        "feature_volume": persona.feature_volume,
    }
    save_file({name: t.detach().contiguous() for name, t in tensors.items()}, folder / BAKED_NAME)


def read_baked(folder: Path) -> SourcePersona:
    """The inverse of `write_baked`."""
    tensors: dict[str, torch.Tensor] = load_file(folder / BAKED_NAME)
    motion = HeadMotion.from_vector(tensors["source_motion"])
    face = SourceFace(tensors["canonical_keypoints"], motion)
    return SourcePersona(face, tensors["feature_volume"])
