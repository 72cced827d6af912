"""A large kernel with one output channel: one product over channels, then shifted sums.

    before   conv k x k, C -> 1                      (C k k rows of gathered input)
    after    (k k x C) @ (C x H W) ── row sums along x ── sums along y

The product gives every tap's contribution; adding them, each shifted by its tap, is two tiny
convolutions with a one-hot kernel. The input is read once instead of k k times.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TapStackedConvolution(nn.Module):
    """A k x k convolution to one channel."""

    taps: Tensor
    bias: Tensor
    along_x: Tensor
    along_y: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """Rearrange the weight (1, in, k, k); bias (1,)."""
        super().__init__()
        self.inputs, self.kernel = weight.shape[1:3]
        self.register_buffer("taps", weight.detach()[0].flatten(1).T.unsqueeze(0).contiguous())
        self.register_buffer("bias", bias.detach().clone())
        one_hot = torch.eye(self.kernel)
        shape_x = (1, self.kernel, 1, self.kernel)
        self.register_buffer("along_x", one_hot.reshape(shape_x).clone())
        shape_y = (1, self.kernel, self.kernel, 1)
        self.register_buffer("along_y", one_hot.reshape(shape_y).clone())

    def forward(self, x: Tensor) -> Tensor:
        """(1, in, H, W) -> (1, 1, H, W)."""
        height, width = x.shape[2:]
        reach = self.kernel // 2
        by_tap = self.taps @ x.reshape(1, self.inputs, height * width)
        by_tap = by_tap.view(self.kernel, self.kernel, height, width)
        by_row = F.conv2d(by_tap, self.along_x, padding=(0, reach))
        by_row = by_row.view(1, self.kernel, height, width)
        return F.conv2d(by_row, self.along_y, self.bias, padding=(reach, 0))
