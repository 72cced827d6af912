"""Trilinear sampling of a constant volume anywhere, as row gathers from a padded table.

    before   grid_sample 5-D (volume, positions), zeros outside
    after    clamp -> floor -> row index (int) ── gather rows ── three linear interpolations

The volume lies channels-last in a table with one layer of zeros on every side, so a corner outside
the volume is a row of zeros and needs no mask. Positions are clamped to [-1, size]: beyond that all
eight corners are zero anyway. Each row holds the channels of two neighbours along x, hence four
gathers instead of eight:

    row(z, y, x) = [ volume[z, y, x] | volume[z, y, x + 1] ]        (2 * channels,)

Index arithmetic is in int32; fp16 cannot hold it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def neighbour_table(volume: Tensor) -> Tensor:
    """Rows of two x-neighbours of the zero-padded volume.

    Args:
        volume: (channels, depth, height, width)

    Returns:
        ((depth + 2) * (height + 2) * (width + 1), 2 * channels)
    """
    channels = volume.shape[0]
    padded = F.pad(volume, (1, 1, 1, 1, 1, 1)).permute(1, 2, 3, 0)
    pairs = torch.cat([padded[:, :, :-1], padded[:, :, 1:]], dim=3)
    return pairs.reshape(-1, 2 * channels).contiguous()


def split_position(position: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Index of the left neighbour in the padded axis (int32, 0..size) and fraction in [0, 1]."""
    clamped = torch.clamp(position, -1.0, float(size))
    left = torch.floor(torch.clamp(clamped, -1.0, float(size - 1)))
    return (left + 1).to(torch.int32), clamped - left


class VolumeGather(nn.Module):
    """A constant volume (channels, depth, height, width) sampled at arbitrary positions."""

    table: Tensor

    def __init__(self, volume: Tensor) -> None:
        super().__init__()
        self.channels, self.depth, self.height, self.width = volume.shape
        self.register_buffer("table", neighbour_table(volume))

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Sample.

        Args:
            x: positions along the width, in units of the volume.
            y: positions along the height, of the same size.
            z: positions along the depth, of the same size.

        Returns:
            (points, channels) in the order of the flattened positions.
        """
        x_index, x_fraction = split_position(x.reshape(-1), self.width)
        y_index, y_fraction = split_position(y.reshape(-1), self.height)
        z_index, z_fraction = split_position(z.reshape(-1), self.depth)
        row_step = self.width + 1
        layer_step = (self.height + 2) * row_step
        base = z_index * layer_step + y_index * row_step + x_index
        y_fraction, z_fraction = y_fraction.unsqueeze(1), z_fraction.unsqueeze(1)
        near = self.interpolate_rows(base, row_step, y_fraction)
        far = self.interpolate_rows(base + layer_step, row_step, y_fraction)
        both = near + (far - near) * z_fraction
        left, right = both[:, : self.channels], both[:, self.channels :]
        return left + (right - left) * x_fraction.unsqueeze(1)

    def interpolate_rows(self, base: Tensor, step: int, fraction: Tensor) -> Tensor:
        """(points,) indices -> (points, 2 * channels) between row `base` and row `base + step`."""
        upper = F.embedding(base, self.table)
        lower = F.embedding(base + step, self.table)
        return upper + (lower - upper) * fraction
