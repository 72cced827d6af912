"""The 3-D hourglass of the dense motion network: down, up, and a skip at every size."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import DownBlock3d, UpBlock3d
from .dims import LivePortraitDims


def level_channels(dims: LivePortraitDims, level: int) -> int:
    """Channels after `level` down blocks: 32, 64, 128, ... up to 1024."""
    return min(dims.hourglass_max_channels, dims.hourglass_channels * 2**level)


class HourglassEncoder(nn.Module):
    """(batch, 110, 16, 64, 64) -> the input and the output of each of the five down blocks."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        widths = [dims.hourglass_input_channels]
        widths += [level_channels(dims, level + 1) for level in range(dims.hourglass_blocks)]
        self.down_blocks = nn.ModuleList(
            DownBlock3d(before, after) for before, after in itertools.pairwise(widths)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        return levels


class HourglassDecoder(nn.Module):
    """The encoder's levels -> (batch, 142, 16, 64, 64)."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        last = dims.hourglass_blocks
        blocks = []
        for level in reversed(range(last)):
            # Every block but the first sees the block below beside the skip of the same size.
            copies = 1 if level == last - 1 else 2
            below = copies * level_channels(dims, level + 1)
            blocks.append(UpBlock3d(below, level_channels(dims, level)))
        self.up_blocks = nn.ModuleList(blocks)
        channels = dims.hourglass_output_channels
        self.conv = nn.Conv3d(channels, channels, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, levels: list[Tensor]) -> Tensor:
        x = levels[-1]
        for block, skip in zip(self.up_blocks, reversed(levels[:-1]), strict=True):
            x = torch.cat([block(x), skip], dim=1)
        return F.relu(self.norm(self.conv(x)))


class Hourglass(nn.Module):
    """(batch, 110, depth=16, height=64, width=64) -> (batch, 142, 16, 64, 64)."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.encoder = HourglassEncoder(dims)
        self.decoder = HourglassDecoder(dims)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))
