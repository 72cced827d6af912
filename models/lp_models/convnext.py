"""ConvNeXt V2, the backbone of the motion extractor.

Source: ConvNeXt V2 (arXiv 2301.00808); attribute names are those of its published weights.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dims import LivePortraitDims

LAYER_NORM_EPSILON = 1e-6
RESPONSE_NORM_EPSILON = 1e-6
EXPANSION = 4  # hidden channels of a block per channel


class ChannelsFirstLayerNorm(nn.Module):
    """Layer norm over the channels of (batch, channels, H, W).

    Written out rather than as `F.layer_norm` between two permutations: the order of the operations
    is the original's, so that the outputs are equal to the last bit.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(dim=1, keepdim=True)
        variance = centred.pow(2).mean(dim=1, keepdim=True)
        normalised = centred / torch.sqrt(variance + LAYER_NORM_EPSILON)
        return self.weight[:, None, None] * normalised + self.bias[:, None, None]


class GlobalResponseNorm(nn.Module):
    """gamma * (x * Nx) + beta + x, Nx the L2 norm over space relative to its mean over channels.

    Source: ConvNeXt V2, section 3, algorithm 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, H, W, channels) -> the same shape."""
        energy = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        relative = energy / (energy.mean(dim=-1, keepdim=True) + RESPONSE_NORM_EPSILON)
        return self.gamma * (x * relative) + self.beta + x


class ConvNextBlock(nn.Module):
    """7x7 depthwise convolution, then a two-layer perceptron per position, beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = EXPANSION * channels
        self.dwconv = nn.Conv2d(channels, channels, kernel_size=7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=LAYER_NORM_EPSILON)
        self.pwconv1 = nn.Linear(channels, hidden)
        self.grn = GlobalResponseNorm(hidden)
        self.pwconv2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, H, W) -> the same shape."""
        hidden = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        hidden = self.grn(F.gelu(self.pwconv1(hidden)))
        return x + self.pwconv2(hidden).permute(0, 3, 1, 2)


class ConvNextV2(nn.Module):
    """(batch, 3, 256, 256) -> (batch, 768): four stages, mean over space, layer norm."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        widths = dims.convnext_channels
        stem = nn.Sequential(
            nn.Conv2d(3, widths[0], kernel_size=4, stride=4),
            ChannelsFirstLayerNorm(widths[0]),
        )
        self.downsample_layers = nn.ModuleList([stem])
        for before, after in itertools.pairwise(widths):
            norm = ChannelsFirstLayerNorm(before)
            shrink = nn.Conv2d(before, after, kernel_size=2, stride=2)
            self.downsample_layers.append(nn.Sequential(norm, shrink))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNextBlock(width) for _ in range(depth)))
            for width, depth in zip(widths, dims.convnext_depths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=LAYER_NORM_EPSILON)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 3, H, W) -> (batch, 768)."""
        x = image
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        return self.norm(x.mean(dim=(2, 3)))
