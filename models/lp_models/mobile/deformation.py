"""Mask logits to sampling positions, without the 22 sparse motion grids.

    before   softmax(22) -> sum_k mask_k * (identity grid + shift_k)     rank 6
    after    identity positions + (shift @ exp(logits)) / (1 @ exp(logits))

The masks sum to one, so the identity leaves the sum; the background's shift is zero. The softmax's
denominator is one more row of the same matrix product. Positions come out in units of the sampled
volume (`sampling_axis`), ready to be split into index and fraction.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .sampling_axis import identity_positions, positions_per_unit


class Deformation(nn.Module):
    """(depth, 1 + keypoints, height, width) logits and shifts -> positions to sample."""

    scale: Tensor
    ones: Tensor
    background_shift: Tensor
    surplus_shift: Tensor
    x_base: Tensor
    y_base: Tensor
    z_base: Tensor

    def __init__(self, volume_size: torch.Size, num_keypoints: int, surplus: int = 0) -> None:
        """Freeze the identity.

        Args:
            volume_size: (depth, height, width)
            num_keypoints: number of moving points; the background comes before them.
            surplus: logits after the last keypoint that count for nothing. They must not exceed
                the others, or the exponentials of those vanish.
        """
        super().__init__()
        depth, height, width = volume_size
        self.volume_size = volume_size
        self.masks = 1 + num_keypoints + surplus
        per_unit = [positions_per_unit(size) for size in (width, height, depth)]
        self.register_buffer("scale", torch.tensor(per_unit).view(3, 1))
        self.register_buffer("background_shift", torch.zeros(3, 1))
        self.register_buffer("surplus_shift", torch.zeros(3, surplus))
        ones = F.pad(torch.ones(1, 1 + num_keypoints), (0, surplus))
        self.register_buffer("ones", ones)
        self.register_buffer("x_base", identity_positions(width).view(1, 1, 1, width))
        self.register_buffer("y_base", identity_positions(height).view(1, 1, height, 1))
        self.register_buffer("z_base", identity_positions(depth).view(depth, 1, 1, 1))

    def forward(self, logits: Tensor, shift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mix the shifts.

        Args:
            logits: (depth, masks, height, width)
            shift: (keypoints, 3) x, y, z in normalised units.

        Returns:
            x, y, z positions, each (depth, 1, height, width).
        """
        depth, height, width = self.volume_size
        shares = torch.exp(logits - logits.amax(dim=1, keepdim=True))
        moves = shift.transpose(0, 1) * self.scale
        moves = torch.cat([self.background_shift, moves, self.surplus_shift], dim=1)
        rows = torch.cat([moves, self.ones], dim=0).unsqueeze(0)
        sums = rows @ shares.view(depth, self.masks, height * width)
        offsets = (sums[:, :3] / sums[:, 3:]).view(depth, 3, height, width)
        return (
            self.x_base + offsets[:, 0:1],
            self.y_base + offsets[:, 1:2],
            self.z_base + offsets[:, 2:3],
        )
