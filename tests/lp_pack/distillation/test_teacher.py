"""A teacher that breaks its promise is named, not learned from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from blob_teacher import BlobTeacher, blob_face
from torch import Tensor, nn

from lp_models.baked_generator import BakedGenerator, OriginalGenerator
from lp_models.baking import bake
from lp_models.checkpoint import seeded_networks
from lp_models.dims import LivePortraitDims
from lp_pack.distillation.teacher import GeneratorTeacher, checked_frames
from lp_pack.errors import DistillationError

KEYPOINTS = blob_face().keypoints.numpy()


class Sick(nn.Module):
    def forward(self, keypoints: Tensor) -> Tensor:
        return torch.full((1, 3, 8, 8), float("nan")) * keypoints.mean()


class Wrong:
    """Promises one size and type, and gives another."""

    frame_size = 8

    def __init__(self, answer: np.ndarray) -> None:
        self._answer = answer

    def frames(self, keypoints: np.ndarray) -> np.ndarray:
        return self._answer


def test_a_good_teacher_passes() -> None:
    assert checked_frames(BlobTeacher(), KEYPOINTS).shape == (1, 64, 64, 3)


def test_nan_from_a_generator_is_an_error() -> None:
    with pytest.raises(DistillationError, match="not finite"):
        GeneratorTeacher(Sick(), 8).frames(KEYPOINTS)


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((1, 9, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((1, 3, 8, 8), np.uint8),
        np.full((1, 8, 8, 3), np.nan, np.float32),
    ],
)
def test_a_wrong_shape_or_type_is_an_error(answer: np.ndarray) -> None:
    with pytest.raises(DistillationError, match=r"uint8 RGB of shape \(1, 8, 8, 3\)"):
        checked_frames(Wrong(answer), KEYPOINTS)


def test_original_and_baked_networks_are_the_same_teacher() -> None:
    dims = LivePortraitDims.tiny()
    networks = seeded_networks(dims, 0)
    random = torch.Generator().manual_seed(0)
    persona = bake(networks, torch.rand(1, 3, dims.image_size, dims.image_size, generator=random))
    keypoints = persona.face.keypoints.numpy()
    drawn = [
        checked_frames(GeneratorTeacher(generator, dims.frame_size), keypoints).astype(int)
        for generator in (
            OriginalGenerator(networks.warping, networks.spade_decoder, persona),
            BakedGenerator(networks.warping, networks.spade_decoder, persona),
        )
    ]
    assert np.abs(drawn[0] - drawn[1]).max() <= 1
