"""The dense motion hourglass with depth as the batch axis: 2-D convolutions, pools and resizes.

    before   DownBlock3d, UpBlock3d          (1, C, 16, H, W), pools and resizes of 1x2x2
    after    depth convolutions + 2-D ops    (16, C, H, W)

Depth keeps its size through the whole hourglass, so pooling and upsampling are two-dimensional as
they stand. Batch norms are folded; the convolution after a nearest upsampling runs before it
(`phase_convolution`) where that saves more time than its larger weights cost.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks import DownBlock3d, UpBlock3d
from ..hourglass import Hourglass
from .batch_norm_folding import fold_batch_norm
from .depth_convolution import depth_convolution
from .phase_convolution import interleave2, upsampled2_kernels
from .plane_convolution import aligned, pad_axis

# Phase kernels hold 16 / 9 of the weights: not worth reading for maps smaller than this.
PHASE_MINIMUM_SIZE = 8


class MobileDownBlock(nn.Module):
    """(D, in, H, W) -> (D, out, H/2, W/2)."""

    def __init__(self, weight: Tensor, bias: Tensor, depth: int, size: int, filtered: bool) -> None:
        """Arguments as in `depth_convolution`, batch norm folded."""
        super().__init__()
        self.conv = depth_convolution(weight, bias, depth, size, filtered)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.relu(self.conv(x)), kernel_size=2)


class MobileUpBlock(nn.Module):
    """(D, in, H, W) -> (D, out, 2H, 2W)."""

    def __init__(self, weight: Tensor, bias: Tensor, depth: int, size: int, filtered: bool) -> None:
        """Arguments as in `depth_convolution`, batch norm folded; `size` before the upsampling."""
        super().__init__()
        self.by_phase = size >= PHASE_MINIMUM_SIZE
        if self.by_phase:
            weight, bias = upsampled2_kernels(weight), bias.repeat_interleave(4)
        else:
            size *= 2
        self.conv = depth_convolution(weight, bias, depth, size, filtered)

    def forward(self, x: Tensor) -> Tensor:
        if self.by_phase:
            return interleave2(F.relu(self.conv(x)))
        return F.relu(self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest")))


class MobileHourglass(nn.Module):
    """(depth, input channels, height, width) -> (depth, aligned output channels, height, width).

    The surplus output channels are zero.
    """

    def __init__(
        self, hourglass: Hourglass, input_order: Tensor, depth: int, size: int, filtered: bool
    ) -> None:
        """Fold and rearrange.

        Args:
            hourglass: the original.
            input_order: for each input channel given here, its index in the original's input, or
                -1 for a channel of zeros.
            depth: layers of the input.
            size: height and width of the input.
            filtered: as in `depth_convolution`.
        """
        super().__init__()
        self.down_blocks = nn.ModuleList()
        for block in hourglass.encoder.down_blocks:
            assert isinstance(block, DownBlock3d), "the encoder holds down blocks"
            weight, bias = fold_batch_norm(block.conv, block.norm)
            if not self.down_blocks:
                weight = reorder_inputs(weight, input_order)
            self.down_blocks.append(MobileDownBlock(weight, bias, depth, size, filtered))
            size //= 2
        self.up_blocks = nn.ModuleList()
        for block in hourglass.decoder.up_blocks:
            assert isinstance(block, UpBlock3d), "the decoder holds up blocks"
            weight, bias = fold_batch_norm(block.conv, block.norm)
            self.up_blocks.append(MobileUpBlock(weight, bias, depth, size, filtered))
            size *= 2
        # The last convolution sees the last up block's channels, then the hourglass's input.
        below = weight.shape[0]
        weight, bias = fold_batch_norm(hourglass.decoder.conv, hourglass.decoder.norm)
        skip = torch.where(input_order < 0, -1, input_order + below)
        weight = reorder_inputs(weight, torch.cat([torch.arange(below), skip]))
        outputs = aligned(weight.shape[0])
        weight, bias = pad_axis(weight, 0, outputs), pad_axis(bias, 0, outputs)
        self.conv = depth_convolution(weight, bias, depth, size, filtered)

    def forward(self, x: Tensor) -> Tensor:
        levels = [x]
        for block in self.down_blocks:
            levels.append(block(levels[-1]))
        x = levels.pop()
        for block in self.up_blocks:
            x = torch.cat([block(x), levels.pop()], dim=1)
        return F.relu(self.conv(x))


def reorder_inputs(weight: Tensor, order: Tensor) -> Tensor:
    """Weight (out, in, ...) for inputs that come in another order; -1 marks a channel of zeros."""
    reordered = weight[:, order.clamp(min=0)]
    keep = (order >= 0).to(weight.dtype).view(1, -1, *[1] * (weight.dim() - 2))
    return reordered * keep
