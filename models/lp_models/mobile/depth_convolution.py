r"""A Conv3d as one two-dimensional convolution with depth as the batch axis.

    before   Conv3d (1, C, D, H, W) -> (1, O, D, H, W)

    after    input-stacked                   output-stacked

             x[d-1] x[d] x[d+1]                   x[d]
                 \   |   /                         |
           concat channels, 3 C              conv C -> 3 O
                   |                           /   |   \
             conv 3 C -> O                 shift by one layer, add

Both cost the same arithmetic. Input-stacked copies the input `taps` times, output-stacked writes
the output `taps` times, so a layer with few outputs is stacked at its outputs. Zero padding along
depth is a layer of zeros on the batch axis. On large maps a transform along depth needs fewer
multiplications (`depth_filtering`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .depth_filtering import FilteredDepthConvolution, fourier, toom_cook
from .plane_convolution import PlaneConvolution

# Transformed kernels are two to three times larger; on smaller maps reading them costs more than
# the multiplications they save.
FILTERING_MINIMUM_SIZE = 16


def pad_depth(x: Tensor, layers: int) -> Tensor:
    """(D, C, H, W) -> (D + 2 * layers, C, H, W) with zeros on both ends."""
    return F.pad(x, (0, 0, 0, 0, 0, 0, layers, layers))


class InputStackedConvolution(nn.Module):
    """The layers under each kernel position side by side as input channels."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """Rearrange a Conv3d weight (out, in, taps, kh, kw)."""
        super().__init__()
        self.taps = weight.shape[2]
        self.plane = PlaneConvolution(weight.transpose(1, 2).flatten(1, 2).contiguous(), bias)

    def forward(self, x: Tensor) -> Tensor:
        """(D, in, H, W) -> (D, out, H, W)."""
        depth = x.shape[0]
        padded = pad_depth(x, self.taps // 2)
        layers = [padded[tap : tap + depth] for tap in range(self.taps)]
        output: Tensor = self.plane(torch.cat(layers, dim=1))
        return output


class OutputStackedConvolution(nn.Module):
    """Every depth tap's result side by side as output channels, then shifted and added."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """Rearrange a Conv3d weight (out, in, taps, kh, kw)."""
        super().__init__()
        self.outputs, _, self.taps = weight.shape[:3]
        stacked = weight.permute(2, 0, 1, 3, 4).flatten(0, 1).contiguous()
        # The centre tap lies inside the volume for every layer, so it carries the bias.
        stacked_bias = torch.zeros(self.taps, self.outputs)
        stacked_bias[self.taps // 2] = bias
        self.plane = PlaneConvolution(stacked, stacked_bias.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """(D, in, H, W) -> (D, out, H, W)."""
        depth = x.shape[0]
        padded = pad_depth(self.plane(x), self.taps // 2)
        total = padded[:depth, : self.outputs]
        for tap in range(1, self.taps):
            channels = slice(tap * self.outputs, (tap + 1) * self.outputs)
            total = total + padded[tap : tap + depth, channels]
        return total


def depth_convolution(
    weight: Tensor, bias: Tensor, depth: int, size: int, filtered: bool = True
) -> nn.Module:
    """The cheapest arrangement of a Conv3d.

    Args:
        weight: (out, in, taps, kh, kw), padded by half the kernel size.
        bias: (out,)
        depth: layers of the input.
        size: height and width of the input.
        filtered: allow transforms along depth.
    """
    outputs, inputs, taps = weight.shape[:3]
    if filtered and size >= FILTERING_MINIMUM_SIZE:
        algorithm = toom_cook(depth) if taps == 3 else fourier(depth, taps)
        return FilteredDepthConvolution(weight, bias, algorithm)
    if 2 * outputs < inputs:  # the shifted sums read and write each stacked output once more
        return OutputStackedConvolution(weight, bias)
    return InputStackedConvolution(weight, bias)
