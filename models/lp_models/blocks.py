"""Convolution, batch norm and activation: the blocks that F and W are made of.

Attribute names are those of the published weights. Source: face-vid2vid (arXiv 2011.15126) and
LivePortrait's reference code.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

WARPING_SLOPE = 0.01  # leaky ReLU of the warping network


class SameBlock2d(nn.Module):
    """3x3 convolution, batch norm, ReLU or leaky ReLU: (batch, in, H, W) -> (batch, out, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, slope: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return F.leaky_relu(x, self.slope) if self.slope else F.relu(x)


class DownBlock2d(nn.Module):
    """As `SameBlock2d`, then a 2x2 mean: (batch, in, H, W) -> (batch, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.relu(self.norm(self.conv(x))), kernel_size=2)


class DownBlock3d(nn.Module):
    """3x3x3 convolution, batch norm, ReLU, 1x2x2 mean; depth keeps its size.

    (batch, in, D, H, W) -> (batch, out, D, H/2, W/2)
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool3d(F.relu(self.norm(self.conv(x))), kernel_size=(1, 2, 2))


class UpBlock3d(nn.Module):
    """Nearest 1x2x2 upsampling, 3x3x3 convolution, batch norm, ReLU.

    (batch, in, D, H, W) -> (batch, out, D, 2H, 2W)
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest")
        return F.relu(self.norm(self.conv(x)))


class ResBlock3d(nn.Module):
    """Two pre-activated 3x3x3 convolutions beside the identity; the shape stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv3d(channels, channels, kernel_size=3, padding=1)
        self.norm1 = nn.BatchNorm3d(channels)
        self.norm2 = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv1(F.relu(self.norm1(x)))
        residual = self.conv2(F.relu(self.norm2(residual)))
        return x + residual
