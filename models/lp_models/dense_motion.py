"""Dense motion: from 21 keypoint translations to one flow field and an occlusion map.

Source: face-vid2vid (arXiv 2011.15126), section 3.2, as LivePortrait configures it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dims import LivePortraitDims
from .hourglass import Hourglass

HEATMAP_VARIANCE = 0.01  # of a keypoint's Gaussian, in squared units of the [-1, 1] volume


class DenseMotion(NamedTuple):
    """What the dense motion network says about one driving frame.

    deformation: (batch, depth=16, height=64, width=64, 3) where to sample the volume, as x, y, z.
    occlusion: (batch, 1, 64, 64) in [0, 1], 0 where the decoder must invent.
    mask: (batch, 22, 16, 64, 64) share of each motion, summing to one.
    """

    deformation: Tensor
    occlusion: Tensor
    mask: Tensor


def axis_coordinates(size: int, like: Tensor) -> Tensor:
    """(size,): 2 i / (size - 1) - 1, the corners of the grid lie on -1 and 1."""
    positions = torch.arange(size, dtype=like.dtype, device=like.device)
    return 2.0 * (positions / (size - 1)) - 1.0


def coordinate_grid(volume: Tensor) -> Tensor:
    """(depth, height, width, 3) of x, y, z over [-1, 1], for a volume (batch, C, D, H, W).

    Sampled with `align_corners=False` it is not quite the identity; the weights were trained so.
    """
    axes = [axis_coordinates(size, volume) for size in volume.shape[2:]]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], dim=-1)


def gaussian_heatmaps(keypoints: Tensor, grid: Tensor) -> Tensor:
    """exp(-|grid - keypoint|^2 / (2 * 0.01)).

    Args:
        keypoints: (batch, 21, 3)
        grid: (depth, height, width, 3)

    Returns:
        (batch, 21, depth, height, width)
    """
    offset = grid - keypoints[:, :, None, None, None, :]
    return torch.exp(-0.5 * (offset**2).sum(dim=-1) / HEATMAP_VARIANCE)


def sample_volume(volume: Tensor, positions: Tensor) -> Tensor:
    """Trilinear sampling with zeros outside; -1 and 1 are the volume's outer faces.

    Args:
        volume: (batch, channels, D, H, W)
        positions: (batch, D, H, W, 3) as x, y, z in [-1, 1].
    """
    return F.grid_sample(
        volume, positions, mode="bilinear", padding_mode="zeros", align_corners=False
    )


class DenseMotionNetwork(nn.Module):
    """Mixes the background's and the keypoints' translations into one flow field."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.dims = dims
        channels = dims.hourglass_output_channels
        self.hourglass = Hourglass(dims)
        self.mask = nn.Conv3d(channels, dims.num_motions, kernel_size=7, padding=3)
        self.compress = nn.Conv3d(dims.volume_channels, dims.compressed_channels, kernel_size=1)
        self.norm = nn.BatchNorm3d(dims.compressed_channels)
        self.occlusion = nn.Conv2d(channels * dims.volume_depth, 1, kernel_size=7, padding=3)

    def forward(
        self, feature_volume: Tensor, driving_keypoints: Tensor, source_keypoints: Tensor
    ) -> DenseMotion:
        """Estimate the flow.

        Args:
            feature_volume: (batch, 32, depth=16, height=64, width=64)
            driving_keypoints: (batch, 21, 3) where the keypoints shall be.
            source_keypoints: (batch, 21, 3) where they are in the volume.
        """
        compressed = F.relu(self.norm(self.compress(feature_volume)))
        grid = coordinate_grid(compressed)
        motions = self.sparse_motions(grid, driving_keypoints, source_keypoints)
        warped = self.warp_by_each_motion(compressed, motions)
        heatmaps = self.heatmap_differences(grid, driving_keypoints, source_keypoints)
        # Motion by motion: its heatmap, then the compressed volume warped by it.
        stacked = torch.cat([heatmaps[:, :, None], warped], dim=2).flatten(1, 2)
        features = self.hourglass(stacked)
        mask = torch.softmax(self.mask(features), dim=1)
        deformation = (mask[..., None] * motions).sum(dim=1)
        occlusion = torch.sigmoid(self.occlusion(features.flatten(1, 2)))
        return DenseMotion(deformation, occlusion, mask)

    @staticmethod
    def sparse_motions(grid: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Sampling positions (batch, 22, D, H, W, 3): background, then one per keypoint."""
        by_keypoint = grid - driving[:, :, None, None, None, :] + source[:, :, None, None, None, :]
        background = grid.expand(driving.shape[0], 1, *grid.shape)
        return torch.cat([background, by_keypoint], dim=1)

    @staticmethod
    def warp_by_each_motion(volume: Tensor, motions: Tensor) -> Tensor:
        """(batch, C, D, H, W) and (batch, 22, D, H, W, 3) -> (batch, 22, C, D, H, W)."""
        batch, count = motions.shape[:2]
        repeated = volume[:, None].expand(-1, count, -1, -1, -1, -1).flatten(0, 1)
        return sample_volume(repeated, motions.flatten(0, 1)).unflatten(0, (batch, count))

    @staticmethod
    def heatmap_differences(grid: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """(batch, 22, D, H, W): driving minus source heatmap, zero for the background."""
        difference = gaussian_heatmaps(driving, grid) - gaussian_heatmaps(source, grid)
        return torch.cat([torch.zeros_like(difference[:, :1]), difference], dim=1)
