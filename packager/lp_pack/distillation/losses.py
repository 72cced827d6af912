"""How far a student's frames are from the teacher's, for the gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lp_models.motion import EYE_KEYPOINTS, LIP_KEYPOINTS

# Extra weight at lips and eyes, and the reach of it in frame halves.
FEATURE_WEIGHT = 3.0
FEATURE_REACH = 0.09
GRADIENT_WEIGHT = 0.5
COARSE_WEIGHT = 0.25
TEMPORAL_WEIGHT = 0.5
CHARBONNIER_EPSILON = 2e-3


def region_weights(keypoints: Tensor, size: int) -> Tensor:
    """(n, 1, size, size) of mean 1: heavier where lips and eyes are.

    Args:
        keypoints: (n, 21, 3) in the frame's [-1, 1] coordinates.
        size: side of the map.
    """
    axis = (torch.arange(size, device=keypoints.device) + 0.5) * (2 / size) - 1
    points = keypoints[:, list(LIP_KEYPOINTS + EYE_KEYPOINTS), :2]
    bumps = torch.exp(-(((axis - points[..., None]) / FEATURE_REACH) ** 2))
    near = torch.einsum("nkx,nky->nyx", bumps[:, :, 0], bumps[:, :, 1]).clamp(max=1.0)
    weights = 1 + FEATURE_WEIGHT * near[:, None]
    return weights / weights.mean(dim=(2, 3), keepdim=True)


def frame_loss(student: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """Pixels, edges and coarse structure; frames (n, 3, size, size) in [0, 1]."""
    difference = student - teacher
    pixels = (_charbonnier(difference) * weights).mean()
    across = difference[..., 1:] - difference[..., :-1]
    along = difference[..., 1:, :] - difference[..., :-1, :]
    edges = (across.abs() * weights[..., 1:]).mean() + (along.abs() * weights[..., 1:, :]).mean()
    coarse = difference.new_zeros(())
    for factor in (4, 8):
        coarse = coarse + F.avg_pool2d(difference, factor).abs().mean()
    return pixels + GRADIENT_WEIGHT * edges + COARSE_WEIGHT * coarse


def temporal_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Change from even to odd frames: (2n, 3, size, size), consecutive frames side by side."""
    student_change = student[1::2] - student[0::2]
    teacher_change = teacher[1::2] - teacher[0::2]
    return TEMPORAL_WEIGHT * (student_change - teacher_change).abs().mean()


def _charbonnier(difference: Tensor) -> Tensor:
    return torch.sqrt(difference * difference + CHARBONNIER_EPSILON**2) - CHARBONNIER_EPSILON
