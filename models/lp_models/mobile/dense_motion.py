"""Dense motion with the source frozen in: keypoints to sampling positions and occlusion.

    keypoints ──┬─ translation warps of the compressed volume ─┐
                ├─ heatmap differences ────────────────────────┼─ hourglass ─┬─ mask ─ deformation
    constants ──┴─ background: the compressed volume itself ───┘             └─ occlusion

Channels enter the hourglass as [heatmaps, warped, background, zeros] instead of motion by motion;
its first and last convolution are reordered to match. The background's heatmap is zero and left
out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..dense_motion import (
    HEATMAP_VARIANCE,
    DenseMotionNetwork,
    coordinate_grid,
    sample_volume,
)
from .batch_norm_folding import fold_batch_norm
from .deformation import Deformation
from .depth_convolution import depth_convolution
from .gaussian_heatmaps import HeatmapDifferences
from .hourglass import MobileHourglass
from .plane_convolution import aligned, pad_axis
from .tap_stacked_convolution import TapStackedConvolution
from .translation_warp import TranslationWarp

MASK_ALIGNMENT = 8  # pairs of slices make groups of 16 (`plane_convolution`)


class MobileDenseMotion(nn.Module):
    """(21, 3) driving keypoints -> x, y, z positions and occlusion."""

    source_keypoints: Tensor
    background: Tensor

    def __init__(
        self,
        network: DenseMotionNetwork,
        feature_volume: Tensor,
        source_keypoints: Tensor,
        filtered: bool = True,
    ) -> None:
        """Freeze the source.

        Args:
            network: the original.
            feature_volume: (1, 32, depth, height, width)
            source_keypoints: (1, 21, 3)
            filtered: as in `depth_convolution`.
        """
        super().__init__()
        weight, bias = fold_batch_norm(network.compress, network.norm)
        compressed = F.relu(F.conv3d(feature_volume, weight, bias))
        volume_size = compressed.shape[2:]
        source = source_keypoints[0]
        count, channels = source.shape[0], compressed.shape[1]
        self.register_buffer("source_keypoints", source.clone())
        self.warp = TranslationWarp(compressed[0])
        self.heatmaps = HeatmapDifferences(source, volume_size, HEATMAP_VARIANCE)
        order = motion_channel_order(count, channels)
        self.register_buffer("background", background_layers(compressed, len(order), count))
        depth, size = volume_size[0], volume_size[-1]
        self.hourglass = MobileHourglass(network.hourglass, order, depth, size, filtered)
        weight, bias = mask_weights(network)
        self.mask = depth_convolution(weight, bias, depth, size, filtered)
        self.occlusion = occlusion_convolution(network, depth)
        self.deformation = Deformation(volume_size, count, surplus=len(bias) - 1 - count)

    def forward(self, keypoints: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        """Positions, each (depth, 1, height, width), and occlusion (1, 1, height, width)."""
        shift = self.source_keypoints - keypoints
        motions = torch.cat([self.heatmaps(keypoints), self.warp(shift), self.background], dim=1)
        features = self.hourglass(motions)
        positions = self.deformation(self.mask(features), shift)
        flat = features.reshape(1, -1, features.shape[2], features.shape[3])
        return positions, torch.sigmoid(self.occlusion(flat))


def motion_channel_order(keypoints: int, channels: int) -> Tensor:
    """For each of our input channels the original's, which holds heatmap + warped per motion."""
    step = 1 + channels
    moving = torch.arange(1, keypoints + 1) * step
    warped = (moving.unsqueeze(1) + torch.arange(1, step)).flatten()
    order = torch.cat([moving, warped, torch.arange(1, step)])
    return F.pad(order, (0, aligned(len(order)) - len(order)), value=-1)


def background_layers(compressed: Tensor, total: int, keypoints: int) -> Tensor:
    """The unmoved compressed volume (depth, rest of the channels, height, width), zero-padded."""
    sampled = sample_volume(compressed, coordinate_grid(compressed).unsqueeze(0))
    moving = keypoints * (1 + compressed.shape[1])
    return pad_axis(sampled[0].transpose(0, 1), 1, total - moving).contiguous()


def mask_weights(network: DenseMotionNetwork) -> tuple[Tensor, Tensor]:
    """Weight (aligned motions, aligned in, 7, 7, 7) and bias of the mask convolution.

    The surplus logits repeat the background's, so they never exceed the largest one.
    """
    weight, bias = network.mask.weight.detach(), network.mask.bias
    assert bias is not None, "the published mask convolution has a bias"
    weight = pad_axis(weight, 1, aligned(weight.shape[1]))
    missing = -len(bias) % MASK_ALIGNMENT
    repeated = torch.cat([weight, weight[:1].expand(missing, -1, -1, -1, -1)])
    return repeated, torch.cat([bias.detach(), bias.detach()[:1].expand(missing)])


def occlusion_convolution(network: DenseMotionNetwork, depth: int) -> nn.Module:
    """7x7 convolution over all layers' channels, which come layer by layer here."""
    weight = network.occlusion.weight.detach()
    assert network.occlusion.bias is not None, "the published occlusion convolution has a bias"
    by_layer = weight.unflatten(1, (-1, depth)).transpose(1, 2)
    by_layer = pad_axis(by_layer, 2, aligned(by_layer.shape[2]))
    return TapStackedConvolution(by_layer.flatten(1, 2), network.occlusion.bias)
