"""W with the source frozen in: (21, 3) keypoints -> the SPADE decoder's input.

keypoints ── dense motion ──┬─ positions ─ gather of the appearance volume ─ third ─ fourth ─ x
                            └─ occlusion ──────────────────────────────────────────────────┘
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..blocks import WARPING_SLOPE
from ..warping import WarpingNetwork
from .batch_norm_folding import fold_batch_norm
from .dense_motion import MobileDenseMotion
from .plane_convolution import PlaneConvolution
from .volume_gather import VolumeGather


class MobileWarping(nn.Module):
    """The warping network for one source."""

    def __init__(
        self,
        warping: WarpingNetwork,
        feature_volume: Tensor,
        source_keypoints: Tensor,
        filtered: bool = True,
    ) -> None:
        """Freeze the source; arguments as in `MobileDenseMotion`."""
        super().__init__()
        self.dense_motion = MobileDenseMotion(
            warping.dense_motion_network, feature_volume, source_keypoints, filtered
        )
        self.volume = VolumeGather(feature_volume[0])
        self.size = feature_volume.shape[3:]
        weight, bias = fold_batch_norm(warping.third.conv, warping.third.norm)
        self.third = PlaneConvolution(weight, bias)
        self.fourth = PlaneConvolution(warping.fourth.weight, warping.fourth.bias)

    def forward(self, keypoints: Tensor) -> Tensor:
        """(21, 3) -> (1, 256, height, width)."""
        positions, occlusion = self.dense_motion(keypoints)
        warped = self.volume(*positions)
        # (depth * height * width, channels) -> channels and depth together, channels first.
        flat = warped.transpose(0, 1).reshape(1, -1, *self.size)
        features = self.fourth(F.leaky_relu(self.third(flat), WARPING_SLOPE))
        return features * occlusion
