"""G rewritten: the SPADE decoder with one normalisation per map and phase-wise convolutions.

    x ─ fc ─ 6 blocks at 64 ─ block up_0 at 128 ─ block up_1 at 256 ─ conv ─ pixel shuffle ─ sigmoid

A block takes its input before the nearest upsampling, normalises it there, once for both norms,
and upsamples the normalised map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..spade_decoder import INSTANCE_NORM_EPSILON, SPADE_SLOPE, SpadeDecoder, SpadeResBlock
from .instance_norm import instance_norm
from .plane_convolution import PlaneConvolution
from .spade import SpadeModulation, SpadeShortcut


class MobileMiddleBlock(nn.Module):
    """A block at the segmentation map's resolution with an identity shortcut."""

    def __init__(self, block: SpadeResBlock) -> None:
        super().__init__()
        self.norm_0 = SpadeModulation(block.norm_0, 1)
        self.norm_1 = SpadeModulation(block.norm_1, 1)
        self.conv_0 = PlaneConvolution(block.conv_0.weight, block.conv_0.bias)
        self.conv_1 = PlaneConvolution(block.conv_1.weight, block.conv_1.bias)

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        """(1, channels, H, W) and (1, 256, H, W) -> (1, channels, H, W)."""
        return x + residual(self, instance_norm(x, INSTANCE_NORM_EPSILON), segmentation)


class MobileUpBlock(nn.Module):
    """Nearest x2 upsampling and a block with a learned shortcut."""

    def __init__(self, block: SpadeResBlock, factor: int) -> None:
        """`factor`: resolution of the output over that of the segmentation map."""
        super().__init__()
        self.norm_0 = SpadeModulation(block.norm_0, factor)
        self.norm_1 = SpadeModulation(block.norm_1, factor)
        self.conv_0 = PlaneConvolution(block.conv_0.weight, block.conv_0.bias)
        self.conv_1 = PlaneConvolution(block.conv_1.weight, block.conv_1.bias)
        self.shortcut = SpadeShortcut(block.norm_s, block.conv_s, factor)

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        """(1, in, H, W) and the segmentation map -> (1, out, 2H, 2W)."""
        normalised = instance_norm(x, INSTANCE_NORM_EPSILON)
        normalised = F.interpolate(normalised, scale_factor=2.0, mode="nearest")
        shortcut: Tensor = self.shortcut(normalised, segmentation)
        return shortcut + residual(self, normalised, segmentation)


def residual(
    block: MobileMiddleBlock | MobileUpBlock, normalised: Tensor, segmentation: Tensor
) -> Tensor:
    """The two modulated convolutions, on the block's normalised input."""
    x = F.leaky_relu(block.norm_0(normalised, segmentation), SPADE_SLOPE)
    x = instance_norm(block.conv_0(x), INSTANCE_NORM_EPSILON)
    x = F.leaky_relu(block.norm_1(x, segmentation), SPADE_SLOPE)
    output: Tensor = block.conv_1(x)
    return output


class MobileDecoder(nn.Module):
    """The SPADE decoder: (1, 256, 64, 64) -> (1, 3, 512, 512) in [0, 1]."""

    def __init__(self, decoder: SpadeDecoder) -> None:
        super().__init__()
        self.fc = PlaneConvolution(decoder.fc.weight, decoder.fc.bias)
        self.middle = nn.ModuleList(MobileMiddleBlock(block) for block in decoder.middle_blocks)
        self.up_0 = MobileUpBlock(decoder.up_0, 2)
        self.up_1 = MobileUpBlock(decoder.up_1, 4)
        image = decoder.conv_img[0]
        assert isinstance(image, nn.Conv2d), "conv_img is a convolution and a pixel shuffle"
        self.image = PlaneConvolution(image.weight, image.bias)

    def forward(self, features: Tensor) -> Tensor:
        x = self.fc(features)
        for block in self.middle:
            x = block(x, features)
        x = self.up_1(self.up_0(x, features), features)
        pixels = self.image(F.leaky_relu(x, SPADE_SLOPE))
        return torch.sigmoid(F.pixel_shuffle(pixels, 2))
