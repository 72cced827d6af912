"""Figures that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from blob_teacher import BlobTeacher

from lp_models.baking import SourceFace
from lp_pack.distillation.evaluation import measure, summary
from lp_pack.distillation.motion_sampling import synthetic_sequence


@pytest.fixture(scope="module")
def sequence(face: SourceFace) -> tuple[np.ndarray, np.ndarray]:
    points = synthetic_sequence(face, 10, 2).keypoints
    return points, BlobTeacher().frames(points)


def test_equal_frames_are_perfect(sequence: tuple[np.ndarray, np.ndarray]) -> None:
    points, frames = sequence
    figures = measure("same", points, frames, frames)
    assert figures.psnr_db > 80
    assert figures.ssim == pytest.approx(1)
    assert figures.flicker_ratio == pytest.approx(1)
    assert figures.flicker_error == 0


def test_an_error_of_one_in_255_is_48_db(sequence: tuple[np.ndarray, np.ndarray]) -> None:
    points, frames = sequence
    figures = measure("off by one", points, frames, np.clip(frames, 0, 254) + 1)
    assert figures.psnr_db == pytest.approx(48.13, abs=0.05)


def test_an_error_at_the_mouth_shows_in_the_lips_alone(
    sequence: tuple[np.ndarray, np.ndarray],
) -> None:
    points, frames = sequence
    spoiled = frames.copy()
    for frame, place in zip(spoiled, points[:, 19, :2], strict=True):
        x, y = ((place + 1) * 32).astype(int)
        frame[y - 1 : y + 2, x - 2 : x + 3] = 255
    figures = measure("mouth", points, frames, spoiled)
    assert figures.lips_psnr_db < figures.psnr_db < figures.eyes_psnr_db


def test_noise_from_frame_to_frame_is_flicker(sequence: tuple[np.ndarray, np.ndarray]) -> None:
    points, frames = sequence
    noise = np.random.default_rng(0).integers(0, 12, frames.shape)
    noisy = np.clip(frames.astype(int) + noise, 0, 255).astype(np.uint8)
    figures = measure("noise", points, frames, noisy)
    assert figures.flicker_ratio > 1.2
    assert figures.flicker_error > 2


def test_the_summary_weighs_by_frames(sequence: tuple[np.ndarray, np.ndarray]) -> None:
    points, frames = sequence
    good = measure("good", points[:8], frames[:8], frames[:8])
    poor = measure("poor", points[8:], frames[8:], np.clip(frames[8:], 0, 245) + 10)
    both = summary([good, poor])
    assert both.frames == 10
    assert both.psnr_db == pytest.approx(0.8 * good.psnr_db + 0.2 * poor.psnr_db)
    assert both.worst_psnr_db == poor.worst_psnr_db
