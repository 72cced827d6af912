"""M: one portrait to its canonical keypoints and its head motion."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from .convnext import ConvNextV2
from .dims import LivePortraitDims
from .motion import HeadMotion, pose_degrees


class MotionLogits(NamedTuple):
    """The motion extractor's own outputs.

    pitch, yaw, roll: (batch, 66) logits of pose bins; t: (batch, 3); exp: (batch, 63);
    scale: (batch, 1); canonical_keypoints: (batch, 63).
    """

    pitch: Tensor
    yaw: Tensor
    roll: Tensor
    t: Tensor
    exp: Tensor
    scale: Tensor
    canonical_keypoints: Tensor

    def decode(self) -> tuple[Tensor, HeadMotion]:
        """Canonical keypoints (batch, 21, 3) and the head motion, its pose in degrees."""
        motion = HeadMotion(
            exp=self.exp.unflatten(1, (-1, 3)),
            scale=self.scale,
            t=self.t,
            pitch=pose_degrees(self.pitch),
            yaw=pose_degrees(self.yaw),
            roll=pose_degrees(self.roll),
        )
        return self.canonical_keypoints.unflatten(1, (-1, 3)), motion


class MotionDetector(ConvNextV2):
    """The backbone with one linear layer for each output."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__(dims)
        width = dims.convnext_channels[-1]
        self.fc_kp = nn.Linear(width, dims.keypoint_values)
        self.fc_scale = nn.Linear(width, 1)
        self.fc_pitch = nn.Linear(width, dims.num_pose_bins)
        self.fc_yaw = nn.Linear(width, dims.num_pose_bins)
        self.fc_roll = nn.Linear(width, dims.num_pose_bins)
        self.fc_t = nn.Linear(width, 3)
        self.fc_exp = nn.Linear(width, dims.keypoint_values)


class MotionExtractor(nn.Module):
    """Attribute names are those of `motion_extractor.pth`, whose keys begin with `detector.`."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.dims = dims
        self.detector = MotionDetector(dims)

    def forward(self, image: Tensor) -> MotionLogits:
        """Read the motion of a portrait (batch, 3, 256, 256), RGB in [0, 1]."""
        heads = self.detector
        features = heads(image)
        return MotionLogits(
            pitch=heads.fc_pitch(features),
            yaw=heads.fc_yaw(features),
            roll=heads.fc_roll(features),
            t=heads.fc_t(features),
            exp=heads.fc_exp(features),
            scale=heads.fc_scale(features),
            canonical_keypoints=heads.fc_kp(features),
        )
