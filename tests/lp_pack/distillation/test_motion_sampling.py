"""Motion to learn from: smooth, wide, reproducible, and apart from the motion to judge on."""

from __future__ import annotations

import numpy as np
import torch

from lp_models.baking import SourceFace
from lp_models.motion import HeadMotion
from lp_pack.distillation.motion_sampling import (
    augmented_sequence,
    held_out_sequences,
    synthetic_sequence,
    template_sequence,
    training_clips,
)


def test_equal_seeds_give_equal_motion(face: SourceFace) -> None:
    first, again, other = (synthetic_sequence(face, 20, seed).keypoints for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_neighbouring_frames_are_close(face: SourceFace) -> None:
    for seed in range(6):
        points = synthetic_sequence(face, 75, seed).keypoints
        assert np.abs(np.diff(points, axis=0)).max() < 0.12


def test_the_range_covers_turned_heads_open_mouths_and_closed_eyes(face: SourceFace) -> None:
    points = np.concatenate([synthetic_sequence(face, 75, seed).keypoints for seed in range(20)])
    nose = points[:, 10, 0] - points[:, 8:10, 0].mean(axis=1)
    assert nose.min() < -0.1
    assert nose.max() > 0.1
    opening = points[:, 19, 1] - points[:, 20, 1]
    assert opening.max() - np.median(opening) > 0.04


def test_clips_are_pairs_of_consecutive_frames(face: SourceFace) -> None:
    clips = training_clips(face, 30, seed=0)
    assert clips.shape == (60, 21, 3)
    within = np.abs(clips[1::2] - clips[0::2]).max(axis=(1, 2))
    between = np.abs(clips[2::2] - clips[1:-1:2]).max(axis=(1, 2))
    assert np.median(within) < np.median(between) / 3


def test_held_out_motion_is_not_in_the_training_clips(face: SourceFace) -> None:
    clips = training_clips(face, 60, seed=0)
    for sequence in held_out_sequences(face, 2, 20, seed=0):
        nearest = np.abs(clips[:, None] - sequence.keypoints).max(axis=(2, 3)).min()
        assert nearest > 1e-3


def test_a_template_starts_at_the_portrait(face: SourceFace) -> None:
    random = np.random.default_rng(0)
    motion = np.tile(face.motion.to_vector().numpy(), (5, 1))
    motion[:, :63] += random.normal(0, 0.01, (5, 63))
    motion[:, 67:] += random.normal(0, 5, (5, 3))
    sequence = template_sequence(face, "recorded", motion.astype(np.float32))
    np.testing.assert_allclose(sequence.keypoints[0], face.keypoints[0].numpy(), atol=1e-5)
    assert sequence.keypoints.shape == (5, 21, 3)
    assert HeadMotion.from_vector(torch.from_numpy(motion)).exp.shape == (5, 21, 3)


def test_augmentation_moves_the_face_as_a_whole(face: SourceFace) -> None:
    template = synthetic_sequence(face, 6, 1)
    moved = augmented_sequence(face, template, 3)
    shape = template.keypoints[:, :, :2] - template.keypoints[:, :1, :2]
    forwards = moved.keypoints[:, :, :2] - moved.keypoints[:, :1, :2]
    factor = [np.abs(each).sum() / np.abs(shape).sum() for each in (forwards, forwards[::-1])]
    assert abs(factor[0] - 1) < 0.1
    fits = [np.abs(each / factor[0] - shape).max() for each in (forwards, forwards[::-1])]
    assert min(fits) < 1e-4
