"""SPADE modulation, with the segmentation map kept at its own resolution.

    before   upsample(seg) ─ conv ─ relu ─┬─ conv ─ gamma ─ (1 + gamma) * norm(x) + beta
                                          └─ conv ─ beta
    after    seg ─ phase conv ─ relu ─────┬─ conv ─ 1 + gamma    (the 1 lies in its bias)
                                          └─ conv ─ beta

The first convolution sees a piecewise constant map and runs by phase. In a learned shortcut a 1x1
convolution follows the modulation without an activation between, so its product with the beta
convolution is one convolution with fewer outputs:

    conv_s(norm * (1 + gamma) + beta(h)) = conv_s(norm * (1 + gamma)) + (conv_s beta)(h)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..spade_decoder import Spade
from .phase_convolution import upsampled_convolution
from .plane_convolution import PlaneConvolution


class SpadeHidden(nn.Module):
    """The segmentation map's hidden features at the resolution of the modulated map."""

    def __init__(self, spade: Spade, factor: int) -> None:
        """`factor`: resolution of the modulated map over that of the segmentation map."""
        super().__init__()
        convolution = spade.mlp_shared[0]
        assert isinstance(convolution, nn.Conv2d), "mlp_shared is a convolution and a ReLU"
        self.by_phase = factor > 1
        if self.by_phase:
            self.conv = upsampled_convolution(
                convolution.weight, convolution.bias, factor, relu=True
            )
        else:
            self.conv = PlaneConvolution(convolution.weight, convolution.bias)

    def forward(self, segmentation: Tensor) -> Tensor:
        """(1, 256, H, W) -> (1, 128, factor * H, factor * W)."""
        hidden: Tensor = self.conv(segmentation)
        return hidden if self.by_phase else F.relu(hidden)


def scale_convolution(spade: Spade) -> PlaneConvolution:
    """The convolution to 1 + gamma."""
    assert spade.mlp_gamma.bias is not None, "the published gamma convolution has a bias"
    return PlaneConvolution(spade.mlp_gamma.weight, spade.mlp_gamma.bias + 1)


class SpadeModulation(nn.Module):
    """A normalised map scaled and offset by the segmentation map."""

    def __init__(self, spade: Spade, factor: int) -> None:
        super().__init__()
        self.hidden = SpadeHidden(spade, factor)
        self.scale = scale_convolution(spade)
        self.offset = PlaneConvolution(spade.mlp_beta.weight, spade.mlp_beta.bias)

    def forward(self, normalised: Tensor, segmentation: Tensor) -> Tensor:
        """(1, channels, factor * H, factor * W) and (1, 256, H, W) -> (1, channels, ...)."""
        hidden = self.hidden(segmentation)
        modulated: Tensor = normalised * self.scale(hidden) + self.offset(hidden)
        return modulated


class SpadeShortcut(nn.Module):
    """A learned shortcut: modulation and the 1x1 convolution after it."""

    def __init__(self, spade: Spade, shortcut: nn.Conv2d, factor: int) -> None:
        super().__init__()
        self.hidden = SpadeHidden(spade, factor)
        self.scale = scale_convolution(spade)
        self.mix = PlaneConvolution(shortcut.weight, None)
        matrix = shortcut.weight.detach().flatten(1)
        assert spade.mlp_beta.bias is not None, "the published beta convolution has a bias"
        weight = torch.einsum("os,sikl->oikl", matrix, spade.mlp_beta.weight.detach())
        self.offset = PlaneConvolution(weight, matrix @ spade.mlp_beta.bias.detach())

    def forward(self, normalised: Tensor, segmentation: Tensor) -> Tensor:
        """(1, in, factor * H, factor * W) and (1, 256, H, W) -> (1, out, ...)."""
        hidden = self.hidden(segmentation)
        mixed: Tensor = self.mix(normalised * self.scale(hidden)) + self.offset(hidden)
        return mixed
