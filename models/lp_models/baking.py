"""Baking: one portrait becomes the constants that every frame of its persona shares."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import BakingError
from .motion import HeadMotion, transform_keypoints
from .networks import LivePortraitNetworks

RANGE_SLACK = 1e-3  # how far resampling may leave [0, 1]


@dataclass(frozen=True)
class SourceFace:
    """Where the source's keypoints are, and why.

    canonical_keypoints: (1, 21, 3) of the face at rest, looking ahead.
    motion: the source portrait's own head motion, a batch of one.
    """

    canonical_keypoints: Tensor
    motion: HeadMotion

    @property
    def keypoints(self) -> Tensor:
        """(1, 21, 3): the canonical keypoints moved by the source's own motion."""
        return transform_keypoints(self.canonical_keypoints, self.motion)


@dataclass(frozen=True)
class SourcePersona:
    """A baked portrait.

    face: its keypoints and pose.
    feature_volume: (1, 32, depth=16, height=64, width=64), its appearance.
    """

    face: SourceFace
    feature_volume: Tensor


@torch.no_grad()
def bake(networks: LivePortraitNetworks, image: Tensor) -> SourcePersona:
    """Extract what does not change from frame to frame.

    Args:
        networks: the original networks.
        image: (1, 3, 256, 256) float32 RGB in [0, 1], cropped as LivePortrait frames a face.

    Raises:
        BakingError: the image has another shape, type or range, or the networks answered with
            values that are not finite.
    """
    _check_image(image, networks.dims.image_size)
    canonical_keypoints, motion = networks.motion_extractor(image).decode()
    face = SourceFace(canonical_keypoints, motion)
    feature_volume = networks.appearance_extractor(image)
    for name, tensor in (("keypoints", face.keypoints), ("feature_volume", feature_volume)):
        if not torch.isfinite(tensor).all():
            raise BakingError(
                "the networks answered with values that are not finite",
                where=name,
                expected="finite numbers",
                got="nan or infinity",
                remedy="the checkpoints do not belong together or are damaged: fetch them again "
                "with `lp-pack fetch-weights`",
            )
    return SourcePersona(face, feature_volume)


def _check_image(image: Tensor, size: int) -> None:
    def refuse(what: str, expected: object, got: object, remedy: str) -> BakingError:
        return BakingError(
            what, where="the cropped portrait", expected=expected, got=got, remedy=remedy
        )

    if tuple(image.shape) != (1, 3, size, size):
        raise refuse(
            "the portrait has the wrong shape",
            (1, 3, size, size),
            tuple(image.shape),
            f"crop it to {size} x {size} pixels and put the colours first",
        )
    if image.dtype != torch.float32:
        raise refuse(
            "the portrait has the wrong type",
            torch.float32,
            image.dtype,
            "convert it to float32 and divide bytes by 255",
        )
    if not torch.isfinite(image).all():
        raise refuse(
            "the portrait holds values that are not finite",
            "numbers in [0, 1]",
            "nan or infinity",
            "load it from an image file again",
        )
    low, high = float(image.min()), float(image.max())
    if low < -RANGE_SLACK or high > 1 + RANGE_SLACK:
        raise refuse(
            "the portrait's values are out of range",
            "RGB in [0, 1]",
            f"{low:.3g} ... {high:.3g}",
            "divide bytes by 255",
        )
