"""What a teacher is: anything that maps keypoints to frames."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lp_pack.errors import DistillationError


class Teacher(Protocol):
    """Draws one persona. Deterministic: equal keypoints, equal frames."""

    @property
    def frame_size(self) -> int:
        """Side of its square frames in pixels."""

    def frames(self, keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Keypoints (n, 21, 3) -> RGB frames (n, frame_size, frame_size, 3)."""


class GeneratorTeacher:
    """A torch generator, such as the baked full LivePortrait, as a teacher."""

    def __init__(self, generator: nn.Module, frame_size: int, device: str = "cpu") -> None:
        """Wrap a module: keypoints (1, 21, 3) -> frame (1, 3, frame_size, frame_size) in [0, 1]."""
        self._generator = generator.to(device).eval()
        self._device = device
        self.frame_size = frame_size

    @torch.no_grad()
    def frames(self, keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw frames one by one.

        Raises:
            DistillationError: The generator answered with values that are not finite.
        """
        drawn = []
        for index, points in enumerate(torch.from_numpy(keypoints).to(self._device)):
            frame = self._generator(points[None])[0]
            if not torch.isfinite(frame).all():
                raise DistillationError(
                    "the teacher drew a frame with values that are not finite",
                    where=f"keypoint set {index} of {len(keypoints)}",
                    expected="numbers in [0, 1]",
                    got="nan or infinity",
                    remedy="check the teacher's checkpoints; `lp-pack build` tests them",
                )
            drawn.append((frame.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0))
        return torch.stack(drawn).cpu().numpy()


def checked_frames(teacher: Teacher, keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Ask a teacher and make sure that it kept its promise.

    Raises:
        DistillationError: Wrong shape or type, or values that are not finite.
    """
    frames = np.asarray(teacher.frames(keypoints))
    expected = (len(keypoints), teacher.frame_size, teacher.frame_size, 3)
    if frames.shape != expected or frames.dtype != np.uint8:
        finite = bool(np.isfinite(frames).all()) if frames.dtype.kind == "f" else True
        raise DistillationError(
            "the teacher's frames are not what a teacher must give",
            where=type(teacher).__name__,
            expected=f"uint8 RGB of shape {expected}",
            got=f"{frames.dtype} of shape {frames.shape}" + ("" if finite else ", with nan"),
            remedy="convert frames to uint8 of the size that the teacher's frame_size says",
        )
    return frames
