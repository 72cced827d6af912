"""Trilinear sampling of a constant volume under translations, as three small matrix products.

    before   grid_sample 5-D of (21 copies of the volume, identity grid + shift_k)
    after    volume ──@ depth hats──@ width hats──@ height hats──▶ (depth, 21 * channels, H, W)

A translation shifts all three coordinates by constants, so trilinear sampling factors by axis:

    out[i] = sum_j max(0, 1 - |u_i - j|) volume[j],   u_i = identity position + shift

`j` runs over positions inside the volume only, which is exactly zero padding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sampling_axis import identity_positions, positions_per_unit


class HatMatrices(nn.Module):
    """Linear interpolation along one axis as a matrix, for several shifts of that axis."""

    base: Tensor
    taps: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = positions_per_unit(size)
        self.register_buffer("base", identity_positions(size).view(1, size, 1))
        taps = torch.arange(size, dtype=torch.float32).view(1, 1, size)
        self.register_buffer("taps", taps)

    def forward(self, shift: Tensor) -> Tensor:
        """Interpolation matrices.

        Args:
            shift: (keypoints, 1, 1) in normalised units.

        Returns:
            (keypoints, size out, size in)
        """
        return torch.relu(1 - torch.abs(self.base + shift * self.scale - self.taps))


class TranslationWarp(nn.Module):
    """One constant volume sampled under every keypoint's translation."""

    volume: Tensor

    def __init__(self, volume: Tensor) -> None:
        """Freeze the volume.

        Args:
            volume: (channels, depth, height, width)
        """
        super().__init__()
        self.channels, self.depth, self.height, self.width = volume.shape
        by_depth = volume.transpose(0, 1).reshape(self.depth, -1).contiguous()
        self.register_buffer("volume", by_depth)
        self.depth_hats = HatMatrices(self.depth)
        self.height_hats = HatMatrices(self.height)
        self.width_hats = HatMatrices(self.width)

    def forward(self, shift: Tensor) -> Tensor:
        """Sample the volume at identity + shift_k for each keypoint k.

        Args:
            shift: (keypoints, 3) x, y, z in normalised units.

        Returns:
            (depth, keypoints * channels, height, width), channels of one keypoint side by side.
        """
        count = shift.shape[0]
        x, y, z = (shift[:, axis].reshape(count, 1, 1) for axis in range(3))
        # (keypoints, out, in) -> rows ordered (depth out, keypoint).
        depth_rows = self.depth_hats(z).transpose(0, 1).reshape(self.depth * count, self.depth)
        sampled = depth_rows @ self.volume
        sampled = sampled.view(self.depth, count, self.channels * self.height, self.width)
        sampled = sampled @ self.width_hats(x).transpose(1, 2).unsqueeze(0)
        height_hats = self.height_hats(y).unsqueeze(1)
        height_hats = height_hats.expand(count, self.channels, self.height, self.height)
        height_hats = height_hats.reshape(1, count * self.channels, self.height, self.height)
        sampled = sampled.view(self.depth, count * self.channels, self.height, self.width)
        return height_hats @ sampled
