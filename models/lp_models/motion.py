"""Head motion: expression, pose, scale and translation, and how they move keypoints.

Source: LivePortrait (arXiv 2407.03168), equation 2; the vector of 70 numbers is JoyVASA's
(arXiv 2411.09209).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .dims import NUM_KEYPOINTS

LIP_KEYPOINTS = (6, 12, 14, 17, 19, 20)
EYE_KEYPOINTS = (11, 13, 15, 16, 18)
EXPRESSION_SIZE = 3 * NUM_KEYPOINTS  # 63 keypoint offsets
MOTION_SIZE = EXPRESSION_SIZE + 7  # and scale, t (3), pitch, yaw, roll
EMOTIONS = ("angry", "contented", "disgusted", "fear", "happy", "neutral", "sad", "surprised")

DEGREES_PER_BIN = 3.0
FIRST_BIN_DEGREES = -97.5


@dataclass(frozen=True)
class HeadMotion:
    """Everything that moves a face away from its canonical keypoints, for a batch of frames.

    exp: (batch, 21, 3) expression offsets, in units of the canonical keypoints.
    scale: (batch, 1) factor.
    t: (batch, 3) translation in the [-1, 1] volume; its z is not used.
    pitch, yaw, roll: (batch, 1) degrees.
    """

    exp: Tensor
    scale: Tensor
    t: Tensor
    pitch: Tensor
    yaw: Tensor
    roll: Tensor

    @classmethod
    def from_vector(cls, vector: Tensor) -> HeadMotion:
        """Take a motion vector (batch, 70) apart: exp 63, scale, t 3, pitch, yaw, roll."""
        if vector.shape[-1] != MOTION_SIZE:
            raise ValueError(f"a motion vector has {MOTION_SIZE} numbers, got {vector.shape[-1]}")
        end = EXPRESSION_SIZE
        return cls(
            exp=vector[:, :end].reshape(-1, NUM_KEYPOINTS, 3),
            scale=vector[:, end : end + 1],
            t=vector[:, end + 1 : end + 4],
            pitch=vector[:, end + 4 : end + 5],
            yaw=vector[:, end + 5 : end + 6],
            roll=vector[:, end + 6 : end + 7],
        )

    def to_vector(self) -> Tensor:
        """The motion vector (batch, 70), the inverse of `from_vector`."""
        exp = self.exp.reshape(-1, EXPRESSION_SIZE)
        return torch.cat([exp, self.scale, self.t, self.pitch, self.yaw, self.roll], dim=1)

    @property
    def rotation(self) -> Tensor:
        """(batch, 3, 3), see `rotation_matrix`."""
        return rotation_matrix(self.pitch, self.yaw, self.roll)


def rotation_matrix(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """The rotation that row vectors are multiplied by from the left.

    R = (Rz(roll) Ry(yaw) Rx(pitch)) transposed. Kept as a product in the original's order, so that
    keypoints are equal to the original's to the last bit.

    Args:
        pitch: (batch, 1), degrees, about x.
        yaw: (batch, 1), degrees, about y.
        roll: (batch, 1), degrees, about z.

    Returns:
        (batch, 3, 3)
    """
    x, y, z = (angle / 180.0 * math.pi for angle in (pitch, yaw, roll))
    sin_x, sin_y, sin_z = torch.sin(x), torch.sin(y), torch.sin(z)
    cos_x, cos_y, cos_z = torch.cos(x), torch.cos(y), torch.cos(z)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    about_x = _matrix(one, zero, zero, zero, cos_x, -sin_x, zero, sin_x, cos_x)
    about_y = _matrix(cos_y, zero, sin_y, zero, one, zero, -sin_y, zero, cos_y)
    about_z = _matrix(cos_z, -sin_z, zero, sin_z, cos_z, zero, zero, zero, one)
    return torch.matmul(torch.matmul(about_z, about_y), about_x).transpose(1, 2)


def _matrix(*entries: Tensor) -> Tensor:
    """Nine (batch, 1) entries, row by row -> (batch, 3, 3)."""
    return torch.cat(entries, dim=1).reshape(-1, 3, 3)


def place_keypoints(
    canonical: Tensor, rotation: Tensor, exp: Tensor, scale: Tensor, t: Tensor
) -> Tensor:
    """Apply x = scale * (x_c R + exp) + (tx, ty, 0).

    Args:
        canonical: (batch, 21, 3) keypoints of the face at rest, looking ahead.
        rotation: (batch, 3, 3)
        exp: (batch, 21, 3)
        scale: (batch, 1)
        t: (batch, 3); its z is dropped, as the original does.

    Returns:
        (batch, 21, 3) keypoints in the [-1, 1] volume, as x, y, z.
    """
    in_plane = torch.cat([t[:, :2], torch.zeros_like(t[:, 2:])], dim=1)
    return scale[:, :, None] * (torch.matmul(canonical, rotation) + exp) + in_plane[:, None, :]


def transform_keypoints(canonical: Tensor, motion: HeadMotion) -> Tensor:
    """Move canonical keypoints (batch, 21, 3) by a head motion; see `place_keypoints`."""
    return place_keypoints(canonical, motion.rotation, motion.exp, motion.scale, motion.t)


def pose_degrees(logits: Tensor) -> Tensor:
    """An angle from its 66 bins: the expected bin, 3 degrees each, from -97.5.

    Args:
        logits: (batch, 66)

    Returns:
        (batch, 1) degrees.
    """
    bins = torch.arange(logits.shape[1], dtype=logits.dtype, device=logits.device)
    expected_bin = (torch.softmax(logits, dim=1) * bins).sum(dim=1, keepdim=True)
    return expected_bin * DEGREES_PER_BIN + FIRST_BIN_DEGREES
