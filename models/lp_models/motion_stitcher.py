"""Motion to keypoints, with everything about the source frozen in.

The middle graph of a bundle. Formulas: LivePortrait (arXiv 2407.03168), equations 2 and 6, and its
reference code's relative motion.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .baking import SourceFace
from .errors import LpModelError
from .motion import MOTION_SIZE, HeadMotion, place_keypoints, transform_keypoints
from .stitching import stitch

Mode = Literal["relative", "absolute"]
MODES: tuple[Mode, ...] = ("relative", "absolute")


class MotionStitcher(nn.Module):
    """Head motion (1, 70) to stitched driving keypoints (1, 21, 3).

    'absolute' gives the source the driving pose and expression as they are; `forward(motion)`.
    'relative' adds their change since a reference frame to the source's own;
    `forward(motion, reference_motion)`.
    """

    output_names = ("keypoints",)

    canonical_keypoints: Tensor
    source_keypoints: Tensor
    source_exp: Tensor
    source_scale: Tensor
    source_t: Tensor
    source_rotation: Tensor
    source_motion: Tensor

    def __init__(
        self, face: SourceFace, stitching: nn.Module | None = None, mode: Mode = "relative"
    ) -> None:
        """Freeze a face.

        Args:
            face: the source's keypoints and motion, a batch of one.
            stitching: the stitching network, or None to leave the keypoints as the motion says.
            mode: one of `MODES`.

        Raises:
            LpModelError: an unknown mode.
        """
        super().__init__()
        if mode not in MODES:
            raise LpModelError("unknown motion mode", expected=" or ".join(MODES), got=mode)
        self.mode = mode
        self.stitching = stitching
        motion = face.motion
        constants = {
            "canonical_keypoints": face.canonical_keypoints,
            "source_keypoints": face.keypoints,
            "source_exp": motion.exp,
            "source_scale": motion.scale,
            "source_t": motion.t,
            "source_rotation": motion.rotation,
            "source_motion": motion.to_vector(),
        }
        for name, constant in constants.items():
            self.register_buffer(name, constant.detach().clone())

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of `forward`'s arguments, as the graph's inputs are called."""
        return ("motion",) if self.mode == "absolute" else ("motion", "reference_motion")

    def example_inputs(self) -> tuple[Tensor, ...]:
        """The source's own motion a little changed, then (if relative) unchanged; seeded."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(1, MOTION_SIZE, generator=generator)
        scales = torch.full((1, MOTION_SIZE), 0.02)
        scales[:, -3:] = 5.0  # degrees
        motion = self.source_motion + scales * noise
        return (motion,) if self.mode == "absolute" else (motion, self.source_motion.clone())

    def forward(self, motion: Tensor, reference_motion: Tensor | None = None) -> Tensor:
        """Place the keypoints of one frame.

        Args:
            motion: (1, 70) exp 63, scale, t 3, pitch, yaw, roll in degrees.
            reference_motion: (1, 70), the driving frame at which the source looks like itself;
                needed in relative mode and not taken in absolute mode.

        Returns:
            (1, 21, 3)
        """
        if (reference_motion is not None) != (self.mode == "relative"):
            raise ValueError(f"{self.mode} motion takes {' and '.join(self.input_names)}")
        driving = HeadMotion.from_vector(motion)
        if reference_motion is None:
            keypoints = transform_keypoints(self.canonical_keypoints, driving)
        else:
            keypoints = self._relative(driving, HeadMotion.from_vector(reference_motion))
        if self.stitching is None:
            return keypoints
        return stitch(self.stitching, self.source_keypoints, keypoints)

    def _relative(self, driving: HeadMotion, reference: HeadMotion) -> Tensor:
        """R_i R_0^T R_s, exp_s + (exp_i - exp_0), scale_s * scale_i / scale_0, t likewise."""
        turn = torch.matmul(driving.rotation, reference.rotation.transpose(1, 2))
        return place_keypoints(
            self.canonical_keypoints,
            rotation=torch.matmul(turn, self.source_rotation),
            exp=self.source_exp + (driving.exp - reference.exp),
            scale=self.source_scale * (driving.scale / reference.scale),
            t=self.source_t + (driving.t - reference.t),
        )
