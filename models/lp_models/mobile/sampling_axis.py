"""Where the points of LivePortrait's identity grid fall, in positions of the sampled volume.

    normalised  2 i / (n - 1) - 1      the grid the network adds offsets to
        |
        |  grid_sample(align_corners=False): ((c + 1) n - 1) / 2
        v
    position    i n / (n - 1) - 1/2    so the 'identity' stretches by n / (n - 1)

An offset of 1 in normalised units is n / 2 positions. Source: liveportrait's `make_coordinate_grid`
and `torch.nn.functional.grid_sample`.
"""

from __future__ import annotations

import torch
from torch import Tensor


def normalised_coordinates(size: int) -> Tensor:
    """(size,) coordinates 2 i / (size - 1) - 1 of the identity grid along one axis."""
    return 2 * torch.arange(size, dtype=torch.float32) / (size - 1) - 1


def identity_positions(size: int) -> Tensor:
    """(size,) positions at which the identity grid samples an axis of `size` values."""
    index = torch.arange(size, dtype=torch.float64)
    return (index * size / (size - 1) - 0.5).float()


def positions_per_unit(size: int) -> float:
    """Positions along an axis of `size` values in one unit of the [-1, 1] volume."""
    return size / 2
