"""Difference of driving and source heatmaps from one-dimensional Gaussians.

    before   exp(-|grid - kp|^2 / (2 var)) on (21, depth, height, width), twice, subtracted
    after    exp of three vectors per keypoint, then one matrix product with inner size 2:

        [gz gy (driving) | -gz gy (source)]  @  [gx (driving)]
                 (height, 2)                    [gx (source) ]   (2, width)

A three-dimensional Gaussian is the product of three one-dimensional ones. The source's factors are
constants: 21 * (depth + height + width) numbers instead of a baked volume.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sampling_axis import normalised_coordinates


class AxisGaussians(nn.Module):
    """exp(-(coordinate - kp)^2 / (2 variance)) along one axis."""

    coordinates: Tensor

    def __init__(self, size: int, variance: float) -> None:
        super().__init__()
        self.factor = -0.5 / variance
        coordinates = normalised_coordinates(size).view(1, size)
        self.register_buffer("coordinates", coordinates)

    def forward(self, coordinate: Tensor) -> Tensor:
        """(keypoints, 1) -> (keypoints, size)."""
        offset = self.coordinates - coordinate
        return torch.exp(offset * offset * self.factor)


class HeatmapDifferences(nn.Module):
    """Driving minus source heatmap of each keypoint."""

    source_rows: Tensor
    source_columns: Tensor

    def __init__(self, source_keypoints: Tensor, volume_size: torch.Size, variance: float) -> None:
        """Freeze the source's factors.

        Args:
            source_keypoints: (keypoints, 3) x, y, z in [-1, 1].
            volume_size: (depth, height, width)
            variance: of the Gaussians, in squared normalised units.
        """
        super().__init__()
        depth, height, width = volume_size
        self.x_axis = AxisGaussians(width, variance)
        self.y_axis = AxisGaussians(height, variance)
        self.z_axis = AxisGaussians(depth, variance)
        rows, columns = self.factors(source_keypoints)
        self.register_buffer("source_rows", -rows)
        self.register_buffer("source_columns", columns)

    def factors(self, keypoints: Tensor) -> tuple[Tensor, Tensor]:
        """(keypoints, 3) -> depth-height (depth, keypoints, height, 1), width (keypoints, 1, W)."""
        gaussian_x = self.x_axis(keypoints[:, 0:1])
        gaussian_y = self.y_axis(keypoints[:, 1:2])
        gaussian_z = self.z_axis(keypoints[:, 2:3])
        rows = gaussian_z.transpose(0, 1).unsqueeze(-1) * gaussian_y.unsqueeze(0)
        return rows.unsqueeze(-1), gaussian_x.unsqueeze(1)

    def forward(self, driving_keypoints: Tensor) -> Tensor:
        """(keypoints, 3) -> (depth, keypoints, height, width)."""
        rows, columns = self.factors(driving_keypoints)
        both_rows = torch.cat([rows, self.source_rows], dim=3)
        both_columns = torch.cat([columns, self.source_columns], dim=1)
        return both_rows @ both_columns.unsqueeze(0)
