"""Baking a portrait, and the portraits that cannot be baked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from lp_models.baking import SourcePersona, bake
from lp_models.checkpoint import LivePortraitNetworks, seeded_networks
from lp_models.dims import LivePortraitDims
from lp_models.errors import BakingError


def test_a_persona_holds_what_the_extractors_say(
    tiny_networks: LivePortraitNetworks,
    tiny_image: torch.Tensor,
    tiny_persona: SourcePersona,
) -> None:
    logits = tiny_networks.motion_extractor(tiny_image)
    face = tiny_persona.face
    volume = tiny_networks.appearance_extractor(tiny_image)
    assert torch.equal(tiny_persona.feature_volume, volume)
    assert torch.equal(face.canonical_keypoints.flatten(1), logits.canonical_keypoints)
    moved = face.canonical_keypoints @ face.motion.rotation + face.motion.exp
    moved = face.motion.scale * moved + face.motion.t * torch.tensor([1.0, 1.0, 0.0])
    torch.testing.assert_close(face.keypoints, moved)
    assert not face.keypoints.requires_grad


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda image: image[0], "shape"),
        (lambda image: image.repeat(2, 1, 1, 1), "shape"),
        (lambda image: image[:, :, :32], "shape"),
        (lambda image: image[:, :1], "shape"),
        (lambda image: image.double(), "float32"),
        (lambda image: (image * 255).to(torch.uint8), "float32"),
        (lambda image: image * 255, "range"),
        (lambda image: image - 0.5, "range"),
        (lambda image: image * float("nan"), "finite"),
    ],
)
def test_refuses_a_portrait_that_is_not_an_image(
    damage: Callable[[torch.Tensor], torch.Tensor],
    told: str,
    tiny_networks: LivePortraitNetworks,
    tiny_image: torch.Tensor,
) -> None:
    with pytest.raises(BakingError, match=told):
        bake(tiny_networks, damage(tiny_image))


def test_networks_that_answer_with_infinity_are_reported(
    tiny_dims: LivePortraitDims, tiny_image: torch.Tensor
) -> None:
    networks = seeded_networks(tiny_dims, seed=0)
    networks.appearance_extractor.second.weight.mul_(1e38)
    with pytest.raises(BakingError, match="feature_volume"):
        bake(networks, tiny_image)
