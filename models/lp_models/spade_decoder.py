"""G: the SPADE decoder that draws the frame from the warped features.

Source: SPADE (arXiv 1903.07291), as LivePortrait configures it. The published weights hold the
convolutions under spectral normalisation; `lp_models.checkpoint` folds it, so the modules here are
plain convolutions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dims import LivePortraitDims

SPADE_SLOPE = 0.2  # leaky ReLU of the decoder
INSTANCE_NORM_EPSILON = 1e-5


class Spade(nn.Module):
    """Instance norm whose scale and offset are drawn from a segmentation map.

    The 'segmentation' is LivePortrait's warped feature map itself.
    """

    def __init__(self, channels: int, dims: LivePortraitDims) -> None:
        super().__init__()
        hidden = dims.spade_hidden_channels
        self.mlp_shared = nn.Sequential(
            nn.Conv2d(dims.feature_channels, hidden, kernel_size=3, padding=1), nn.ReLU()
        )
        self.mlp_gamma = nn.Conv2d(hidden, channels, kernel_size=3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        """(batch, channels, H, W) and (batch, 256, 64, 64) -> (batch, channels, H, W)."""
        normalised = F.instance_norm(x, eps=INSTANCE_NORM_EPSILON)
        segmentation = F.interpolate(segmentation, size=x.shape[2:], mode="nearest")
        hidden = self.mlp_shared(segmentation)
        return normalised * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)


class SpadeResBlock(nn.Module):
    """Two SPADE convolutions beside a shortcut, which is learned where the width changes."""

    def __init__(self, in_channels: int, out_channels: int, dims: LivePortraitDims) -> None:
        super().__init__()
        middle = min(in_channels, out_channels)
        self.conv_0 = nn.Conv2d(in_channels, middle, kernel_size=3, padding=1)
        self.conv_1 = nn.Conv2d(middle, out_channels, kernel_size=3, padding=1)
        self.norm_0 = Spade(in_channels, dims)
        self.norm_1 = Spade(middle, dims)
        self.has_learned_shortcut = in_channels != out_channels
        if self.has_learned_shortcut:
            self.conv_s = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
            self.norm_s = Spade(in_channels, dims)

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        """(batch, in, H, W) and (batch, 256, 64, 64) -> (batch, out, H, W)."""
        shortcut = self.conv_s(self.norm_s(x, segmentation)) if self.has_learned_shortcut else x
        x = self.conv_0(F.leaky_relu(self.norm_0(x, segmentation), SPADE_SLOPE))
        x = self.conv_1(F.leaky_relu(self.norm_1(x, segmentation), SPADE_SLOPE))
        return shortcut + x


class SpadeDecoder(nn.Module):
    """(batch, 256, 64, 64) -> (batch, 3, 512, 512) RGB in [0, 1].

    Attribute names (`G_middle_0` ... `up_1`) are those of `spade_generator.pth`.
    """

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.dims = dims
        wide, narrow, last = (
            dims.spade_channels,
            dims.feature_channels,
            dims.spade_output_channels,
        )
        self.fc = nn.Conv2d(narrow, wide, kernel_size=3, padding=1)
        for index in range(dims.spade_middle_blocks):
            self.add_module(f"G_middle_{index}", SpadeResBlock(wide, wide, dims))
        self.up_0 = SpadeResBlock(wide, narrow, dims)
        self.up_1 = SpadeResBlock(narrow, last, dims)
        self.conv_img = nn.Sequential(
            nn.Conv2d(last, 3 * 2 * 2, kernel_size=3, padding=1), nn.PixelShuffle(2)
        )

    @property
    def middle_blocks(self) -> tuple[SpadeResBlock, ...]:
        """The blocks at the resolution of the features, in order."""
        blocks = [getattr(self, f"G_middle_{i}") for i in range(self.dims.spade_middle_blocks)]
        return tuple(blocks)

    def forward(self, features: Tensor) -> Tensor:
        """Draw the frame: (batch, 256, 64, 64) -> (batch, 3, 512, 512)."""
        x = self.fc(features)
        for block in self.middle_blocks:
            x = block(x, features)
        x = self.up_0(F.interpolate(x, scale_factor=2.0, mode="nearest"), features)
        x = self.up_1(F.interpolate(x, scale_factor=2.0, mode="nearest"), features)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, SPADE_SLOPE)))
