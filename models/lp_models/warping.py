"""W: warps the appearance volume to the driving keypoints and folds its depth away."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import WARPING_SLOPE, SameBlock2d
from .dense_motion import DenseMotion, DenseMotionNetwork, sample_volume
from .dims import LivePortraitDims


class WarpingNetwork(nn.Module):
    """LivePortrait's warping module; attribute names are those of `warping_module.pth`.

    `third` and `fourth` are the published names of the two layers that reduce the warped volume.
    """

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.dims = dims
        self.dense_motion_network = DenseMotionNetwork(dims)
        self.third = SameBlock2d(
            dims.flat_volume_channels, dims.feature_channels, slope=WARPING_SLOPE
        )
        self.fourth = nn.Conv2d(dims.feature_channels, dims.feature_channels, kernel_size=1)

    def forward(
        self, feature_volume: Tensor, driving_keypoints: Tensor, source_keypoints: Tensor
    ) -> Tensor:
        """Warp the source's appearance.

        Args:
            feature_volume: (batch, 32, depth=16, height=64, width=64)
            driving_keypoints: (batch, 21, 3) where the keypoints shall be.
            source_keypoints: (batch, 21, 3) where they are in the volume.

        Returns:
            (batch, 256, 64, 64), the SPADE decoder's input.
        """
        motion = self.dense_motion_network(feature_volume, driving_keypoints, source_keypoints)
        return self.warp(feature_volume, motion)

    def warp(self, feature_volume: Tensor, motion: DenseMotion) -> Tensor:
        """The part after the dense motion is known; shapes as in `forward`."""
        warped = sample_volume(feature_volume, motion.deformation)
        features = self.fourth(self.third(warped.flatten(1, 2)))
        return features * motion.occlusion
