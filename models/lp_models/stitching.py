"""The three small networks that correct keypoints: stitching, lip and eye retargeting.

Source: LivePortrait (arXiv 2407.03168), section 3.3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .dims import NUM_EYE_RATIOS, NUM_LIP_RATIOS, LivePortraitDims


class KeypointMlp(nn.Module):
    """Linear layers with ReLU between them: (batch, in) -> (batch, out)."""

    def __init__(self, in_size: int, hidden: tuple[int, ...], out_size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(in_size, size), nn.ReLU()]
            in_size = size
        layers.append(nn.Linear(in_size, out_size))
        self.mlp = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)


class StitchingNetwork(KeypointMlp):
    """Source and driving keypoints (batch, 126) -> 63 keypoint offsets, then tx, ty (batch, 65).

    It keeps the shoulders where they are, so that the frame can be pasted back.
    """

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__(2 * dims.keypoint_values, dims.stitching_hidden, dims.keypoint_values + 2)


class LipRetargetingNetwork(KeypointMlp):
    """Source keypoints and two lip ratios (batch, 65) -> 63 keypoint offsets (batch, 63)."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__(
            dims.keypoint_values + NUM_LIP_RATIOS, dims.lip_hidden, dims.keypoint_values
        )


class EyeRetargetingNetwork(KeypointMlp):
    """Source keypoints and three eye ratios (batch, 66) -> 63 keypoint offsets (batch, 63)."""

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__(
            dims.keypoint_values + NUM_EYE_RATIOS, dims.eye_hidden, dims.keypoint_values
        )


def stitch(stitching: nn.Module, source_keypoints: Tensor, driving_keypoints: Tensor) -> Tensor:
    """Correct the driving keypoints so that the neck and shoulders stay with the source's.

    Args:
        stitching: maps (batch, 126) to (batch, 65), see `StitchingNetwork`.
        source_keypoints: (batch, 21, 3)
        driving_keypoints: (batch, 21, 3)

    Returns:
        (batch, 21, 3)
    """
    size = driving_keypoints[0].numel()
    both = torch.cat([source_keypoints.flatten(1), driving_keypoints.flatten(1)], dim=1)
    correction = stitching(both)
    offsets = correction[:, :size].reshape(driving_keypoints.shape)
    in_plane = torch.cat([correction[:, size:], torch.zeros_like(correction[:, :1])], dim=1)
    return driving_keypoints + offsets + in_plane[:, None, :]


def retarget(network: nn.Module, source_keypoints: Tensor, ratios: Tensor) -> Tensor:
    """Keypoint offsets that open or close the lips or the eyes.

    Args:
        network: a `LipRetargetingNetwork` or an `EyeRetargetingNetwork`.
        source_keypoints: (batch, 21, 3)
        ratios: (batch, 2) lip opening of the source and wanted, or (batch, 3) left and right eye
            opening of the source and wanted; opening height over width.

    Returns:
        (batch, 21, 3), to be added to the driving keypoints.
    """
    offsets = network(torch.cat([source_keypoints.flatten(1), ratios], dim=1))
    return offsets.reshape(source_keypoints.shape)
