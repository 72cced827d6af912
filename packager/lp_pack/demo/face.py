"""The demo persona's face in LivePortrait's terms: canonical keypoints and source motion."""

from __future__ import annotations

import torch

from lp_models.baking import SourceFace
from lp_models.motion import HeadMotion
from lp_pack.demo.puppet import landmarks


def demo_face() -> SourceFace:
    """The face of the puppet's portrait: neutral, closed mouth, looking ahead."""
    zero = torch.zeros(1, 1)
    motion = HeadMotion(
        exp=torch.zeros(1, 21, 3),
        scale=torch.full((1, 1), landmarks.SOURCE_SCALE),
        t=torch.from_numpy(landmarks.source_translation())[None],
        pitch=zero,
        yaw=zero.clone(),
        roll=zero.clone(),
    )
    return SourceFace(torch.from_numpy(landmarks.canonical_keypoints())[None], motion)
