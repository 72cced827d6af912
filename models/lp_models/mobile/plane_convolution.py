"""Small helpers to build two-dimensional convolutions from given weights.

ONNX Runtime runs a convolution in its blocked layout (NCHWc) only when its channels are a multiple
of 4, a grouped one only at multiples of the block, 16; other engines like it too. Odd widths such
as 142 are therefore padded with channels of zeros.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNEL_ALIGNMENT = 16


def aligned(channels: int) -> int:
    """The number of channels after padding with zero channels."""
    return -(-channels // CHANNEL_ALIGNMENT) * CHANNEL_ALIGNMENT


def pad_axis(tensor: Tensor, axis: int, size: int) -> Tensor:
    """The tensor with zeros appended along one axis up to `size`."""
    missing = size - tensor.shape[axis]
    if missing == 0:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = missing
    return torch.cat([tensor, tensor.new_zeros(shape)], dim=axis)


class PlaneConvolution(nn.Module):
    """A convolution with frozen weights; odd kernels keep height and width (zero padding)."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Freeze the weights.

        Args:
            weight: (out, in, kernel height, kernel width); padded by half the kernel size.
            bias: (out,)
        """
        super().__init__()
        self.padding = (weight.shape[2] // 2, weight.shape[3] // 2)
        self.register_buffer("weight", weight.detach().clone())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, height, width) -> (batch, out, height, width), + 1 for an even kernel."""
        return F.conv2d(x, self.weight, self.bias, padding=self.padding)
