"""Rotation, keypoints and the motion vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lp_models.motion import (
    EXPRESSION_SIZE,
    EYE_KEYPOINTS,
    LIP_KEYPOINTS,
    MOTION_SIZE,
    HeadMotion,
    place_keypoints,
    pose_degrees,
    rotation_matrix,
    transform_keypoints,
)

angles = st.floats(-180, 180, width=32)
seeds = st.integers(0, 2**31 - 1)


def rotation(pitch: float, yaw: float, roll: float) -> torch.Tensor:
    return rotation_matrix(*(torch.tensor([[angle]]) for angle in (pitch, yaw, roll)))[0]


def some_motion(seed: int, batch: int = 2) -> HeadMotion:
    vector = torch.randn(batch, MOTION_SIZE, generator=torch.Generator().manual_seed(seed))
    return HeadMotion.from_vector(vector)


@given(angles, angles, angles)
def test_a_rotation_keeps_lengths_and_handedness(pitch: float, yaw: float, roll: float) -> None:
    matrix = rotation(pitch, yaw, roll)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(3), atol=1e-5, rtol=0)
    assert torch.linalg.det(matrix).item() == pytest.approx(1, abs=1e-5)


@given(angles, st.sampled_from(["pitch", "yaw", "roll"]))
def test_the_opposite_angle_turns_back(angle: float, axis: str) -> None:
    order = ("pitch", "yaw", "roll")
    there = rotation(*(angle if name == axis else 0.0 for name in order))
    back = rotation(*(-angle if name == axis else 0.0 for name in order))
    torch.testing.assert_close(there @ back, torch.eye(3), atol=1e-5, rtol=0)


@given(angles, angles, angles)
def test_rows_are_turned_by_pitch_first_then_yaw_then_roll(
    pitch: float, yaw: float, roll: float
) -> None:
    in_order = rotation(pitch, 0, 0) @ rotation(0, yaw, 0) @ rotation(0, 0, roll)
    torch.testing.assert_close(rotation(pitch, yaw, roll), in_order, atol=1e-5, rtol=0)


def test_direction_of_each_angle() -> None:
    """A quarter turn takes one axis to another: y to z, z to x, x to y."""
    x, y, z = torch.eye(3)
    torch.testing.assert_close(y @ rotation(90, 0, 0), z, atol=1e-6, rtol=0)
    torch.testing.assert_close(z @ rotation(0, 90, 0), x, atol=1e-6, rtol=0)
    torch.testing.assert_close(x @ rotation(0, 0, 90), y, atol=1e-6, rtol=0)


@given(seeds, st.integers(1, 4))
@settings(max_examples=20)
def test_the_motion_vector_and_its_parts_are_the_same(seed: int, batch: int) -> None:
    vector = torch.randn(batch, MOTION_SIZE, generator=torch.Generator().manual_seed(seed))
    motion = HeadMotion.from_vector(vector)
    assert torch.equal(motion.to_vector(), vector)
    assert motion.exp.shape == (batch, 21, 3)


def test_order_of_the_motion_vector() -> None:
    motion = HeadMotion.from_vector(torch.arange(70.0)[None])
    assert motion.exp[0, 20].tolist() == [60, 61, 62]
    assert motion.scale.tolist() == [[63]]
    assert motion.t.tolist() == [[64, 65, 66]]
    assert [motion.pitch.item(), motion.yaw.item(), motion.roll.item()] == [67, 68, 69]


def test_a_motion_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="70"):
        HeadMotion.from_vector(torch.zeros(1, EXPRESSION_SIZE))


def numpy_keypoints(canonical: NDArray[np.float64], motion: HeadMotion) -> NDArray[np.float64]:
    """x = scale * (x_c R + exp) + (tx, ty, 0), frame by frame in float64."""
    frames = []
    for index in range(len(canonical)):
        x, y, z = (
            np.deg2rad(getattr(motion, name)[index].item()) for name in ("pitch", "yaw", "roll")
        )
        about_x = [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]
        about_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
        about_z = [[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]
        turn = (np.array(about_z) @ np.array(about_y) @ np.array(about_x)).T
        moved = canonical[index] @ turn + motion.exp[index].double().numpy()
        shift = motion.t[index].double().numpy() * [1, 1, 0]
        frames.append(motion.scale[index].item() * moved + shift)
    return np.stack(frames)


@given(seeds)
@settings(max_examples=20)
def test_keypoints_follow_the_formula(seed: int) -> None:
    motion = some_motion(seed)
    canonical = torch.randn(2, 21, 3, generator=torch.Generator().manual_seed(seed + 1))
    ours = transform_keypoints(canonical, motion).double().numpy()
    np.testing.assert_allclose(ours, numpy_keypoints(canonical.double().numpy(), motion), atol=1e-5)


def test_depth_translation_is_not_used() -> None:
    motion = some_motion(0)
    canonical = torch.zeros(2, 21, 3)
    parts = (motion.rotation, motion.exp, motion.scale)
    deeper = motion.t + torch.tensor([0.0, 0.0, 5.0])
    assert torch.equal(
        place_keypoints(canonical, *parts, t=motion.t), place_keypoints(canonical, *parts, t=deeper)
    )


@given(st.integers(0, 65))
def test_a_certain_bin_is_its_angle(chosen: int) -> None:
    logits = torch.full((1, 66), -100.0)
    logits[0, chosen] = 100.0
    assert pose_degrees(logits).item() == pytest.approx(3 * chosen - 97.5, abs=1e-4)


def test_undecided_bins_look_ahead() -> None:
    assert pose_degrees(torch.zeros(2, 66)).flatten().tolist() == pytest.approx([0, 0], abs=1e-4)


def test_lip_and_eye_keypoints_are_disjoint_and_in_range() -> None:
    assert not set(LIP_KEYPOINTS) & set(EYE_KEYPOINTS)
    assert all(0 <= index < 21 for index in LIP_KEYPOINTS + EYE_KEYPOINTS)
