"""How good a student is on motion that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from lp_models.lite_generator import LiteGenerator
from lp_models.motion import EYE_KEYPOINTS, LIP_KEYPOINTS
from lp_pack.frame_regions import keypoint_region

DIFFERENCE_GAIN = 4
BATCH = 4


@dataclass(frozen=True)
class Figures:
    """Means over frames of one sequence.

    Attributes:
        name: of the sequence.
        frames: how many.
        psnr_db: of whole frames; `lips_psnr_db` and `eyes_psnr_db` of the boxes around them.
        worst_psnr_db: of the worst frame.
        ssim: structural similarity, in colour.
        flicker_ratio: mean absolute change from frame to frame, student over teacher; 1 is equal.
        flicker_error: mean absolute difference of these changes, in 1/255.
    """

    name: str
    frames: int
    psnr_db: float
    worst_psnr_db: float
    lips_psnr_db: float
    eyes_psnr_db: float
    ssim: float
    flicker_ratio: float
    flicker_error: float


def draw(student: LiteGenerator, keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The student's frames (n, size, size, 3), drawn by its exported path."""
    device = student.head.device
    frames = []
    with torch.no_grad():
        for points in torch.from_numpy(keypoints).to(device):
            frame = student(points[None])[0]
            frames.append((frame * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy())
    return np.stack(frames)


def measure(
    name: str,
    keypoints: NDArray[np.float32],
    teacher: NDArray[np.uint8],
    student: NDArray[np.uint8],
) -> Figures:
    """Compare two renderings (n, size, size, 3) of one continuous motion (n, 21, 3)."""
    whole = [_psnr(a, b) for a, b in zip(teacher, student, strict=True)]
    lips = _region_psnr(keypoints, teacher, student, LIP_KEYPOINTS)
    eyes = _region_psnr(keypoints, teacher, student, EYE_KEYPOINTS)
    similarity = [
        structural_similarity(a, b, channel_axis=2) for a, b in zip(teacher, student, strict=True)
    ]
    teacher_change = np.diff(teacher.astype(np.int16), axis=0)
    student_change = np.diff(student.astype(np.int16), axis=0)
    still = max(float(np.abs(teacher_change).mean()), 1e-6)
    return Figures(
        name=name,
        frames=len(teacher),
        psnr_db=float(np.mean(whole)),
        worst_psnr_db=float(np.min(whole)),
        lips_psnr_db=float(np.mean(lips)),
        eyes_psnr_db=float(np.mean(eyes)),
        ssim=float(np.mean(similarity)),
        flicker_ratio=float(np.abs(student_change).mean()) / still,
        flicker_error=float(np.abs(student_change - teacher_change).mean()),
    )


def summary(figures: Sequence[Figures]) -> Figures:
    """The mean over sequences, weighted by their frames; the worst of the worst."""
    frames = np.array([each.frames for each in figures], dtype=np.float64)

    def mean(field: str) -> float:
        values = np.array([getattr(each, field) for each in figures])
        return float((values * frames).sum() / frames.sum())

    return Figures(
        name="all",
        frames=int(frames.sum()),
        psnr_db=mean("psnr_db"),
        worst_psnr_db=min(each.worst_psnr_db for each in figures),
        lips_psnr_db=mean("lips_psnr_db"),
        eyes_psnr_db=mean("eyes_psnr_db"),
        ssim=mean("ssim"),
        flicker_ratio=mean("flicker_ratio"),
        flicker_error=mean("flicker_error"),
    )


def comparison(teacher: NDArray[np.uint8], student: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of teacher | student | difference (four times as strong, on grey)."""
    difference = (student.astype(np.int16) - teacher.astype(np.int16)) * DIFFERENCE_GAIN + 128
    shown = np.clip(difference, 0, 255).astype(np.uint8)
    rows = [np.hstack(parts) for parts in zip(teacher, student, shown, strict=True)]
    return np.vstack(rows)


def _psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    error = np.mean((first.astype(np.float32) - second.astype(np.float32)) ** 2)
    return float(10 * np.log10(255.0**2 / max(float(error), 1e-4)))


def _region_psnr(
    keypoints: NDArray[np.float32],
    teacher: NDArray[np.uint8],
    student: NDArray[np.uint8],
    region: tuple[int, ...],
) -> list[float]:
    values = []
    for points, first, second in zip(keypoints, teacher, student, strict=True):
        box = keypoint_region(points, region, *teacher.shape[1:3])
        if box is not None:
            values.append(_psnr(first[box], second[box]))
    return values or [float("nan")]
