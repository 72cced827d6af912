"""From landmarks or a detection to LivePortrait's crop square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_pack.portrait.face_detection import Box, DetectedFace, detect_faces
from lp_pack.portrait.face_geometry import (
    CROP_SCALE,
    LAYOUTS,
    VERTICAL_OFFSET,
    CropSquare,
    FaceFrame,
    crop_square,
)

angles = st.floats(-180, 180)
coordinates = st.floats(-500, 2000)
sides = st.floats(96, 3000)


def landmarks(count: int) -> np.ndarray:
    """An upright face: a cloud 100 wide and 140 high around (50, 70), eyes at y 30, lips at 100."""
    generator = np.random.default_rng(count)
    points = generator.uniform((20, 20), (80, 120), (count, 2))
    points[1], points[2] = (0, 70), (100, 70)
    points[7 % count], points[8 % count] = (50, 0), (50, 140)
    layout = LAYOUTS[count]
    points[list(layout.left_eye)] = (30, 30)
    points[list(layout.right_eye)] = (70, 30)
    points[list(layout.lips)] = (50, 100)
    return points


def rotated(points: np.ndarray, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    """Turned clockwise as seen on the screen, then moved."""
    a = np.radians(degrees)
    return points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + shift


@pytest.mark.parametrize("count", [68, 106, 203])
def test_dense_landmarks_are_enclosed_by_a_square(count: int):
    frame = FaceFrame.from_landmarks(landmarks(count))
    assert frame.span == pytest.approx(140)
    assert frame.centre == pytest.approx((50, 70))
    assert frame.roll == pytest.approx(0)


def test_the_crop_is_larger_by_the_scale_and_shifted_up():
    square = crop_square(FaceFrame.from_landmarks(landmarks(203)))
    assert square.side == pytest.approx(140 * CROP_SCALE)
    assert square.centre == pytest.approx((50, 70 + VERTICAL_OFFSET * 140 * CROP_SCALE))
    assert (CROP_SCALE, VERTICAL_OFFSET) == (2.3, -0.125)


@given(degrees=angles, x=coordinates, y=coordinates, count=st.sampled_from(sorted(LAYOUTS)))
def test_the_square_turns_and_moves_with_the_face(degrees: float, x: float, y: float, count: int):
    upright = crop_square(FaceFrame.from_landmarks(landmarks(count)))
    square = crop_square(FaceFrame.from_landmarks(rotated(landmarks(count), degrees, (x, y))))
    assert square.side == pytest.approx(upright.side)
    assert square.centre == pytest.approx(rotated(np.array(upright.centre), degrees, (x, y)))
    assert abs((square.roll - degrees + 180) % 360 - 180) < 1e-6


@given(factor=st.floats(0.1, 50), count=st.sampled_from(sorted(LAYOUTS)))
def test_the_square_grows_with_the_face(factor: float, count: int):
    small = crop_square(FaceFrame.from_landmarks(landmarks(count)))
    large = crop_square(FaceFrame.from_landmarks(landmarks(count) * factor))
    assert large.side == pytest.approx(small.side * factor)
    assert large.centre == pytest.approx(np.multiply(small.centre, factor))


def test_eyes_on_the_lips_leave_no_direction():
    with pytest.raises(ValueError, match="coincide"):
        FaceFrame.from_landmarks(np.zeros((5, 2)))


def test_five_points_frame_a_face_like_the_detector_does(astronaut: np.ndarray):
    # Eyes, nose and mouth corners of the astronaut, by eye.
    points = np.array([[202.5, 101], [246.5, 103.5], [227, 124], [206, 141], [244, 143]])
    by_points = crop_square(FaceFrame.from_landmarks(points))
    by_detector = crop_square(FaceFrame.from_detection(detect_faces(astronaut)[0]))
    assert by_points.side == pytest.approx(by_detector.side, rel=0.12)
    assert by_points.centre == pytest.approx(by_detector.centre, abs=10)


def test_a_detection_without_eyes_is_framed_from_its_box():
    box = Box(100, 200, 100)
    eyes = DetectedFace(box, (130, 238.5), (170, 238.5), None, 0.0, 40)
    blind = DetectedFace(box, None, None, None, 0.0, 40)
    assert FaceFrame.from_detection(blind).centre == pytest.approx(
        FaceFrame.from_detection(eyes).centre
    )


@given(x=coordinates, y=coordinates, side=sides, roll=angles, size=st.sampled_from([64, 512]))
def test_the_frame_s_outline_is_the_square_s_outline(
    x: float, y: float, side: float, roll: float, size: int
):
    matrix = CropSquare((x, y), side, roll).frame_to_portrait(size)
    # Corners of the outline lie half a pixel beyond the outermost pixel centres.
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low, 1], [high, low, 1], [high, high, 1], [low, high, 1]])
    mapped = corners @ matrix.T
    assert mapped.mean(axis=0) == pytest.approx((x, y), abs=1e-6)
    edges = np.linalg.norm(np.roll(mapped, -1, axis=0) - mapped, axis=1)
    assert edges == pytest.approx([side] * 4)


@given(
    x=coordinates, y=coordinates, side=sides, roll=angles, point=st.tuples(coordinates, coordinates)
)
def test_frame_to_portrait_and_back_is_the_identity(
    x: float, y: float, side: float, roll: float, point: tuple[float, float]
):
    matrix = np.vstack([CropSquare((x, y), side, roll).frame_to_portrait(512), [0, 0, 1]])
    there = matrix @ [*point, 1.0]
    assert np.linalg.inv(matrix) @ there == pytest.approx([*point, 1.0], abs=1e-6)
    # A similarity without reflection: its columns are orthogonal, of equal length, right-handed.
    right, down = matrix[:2, 0], matrix[:2, 1]
    assert right @ down == pytest.approx(0, abs=1e-6)
    assert right @ right == pytest.approx(down @ down)
    assert right[0] * down[1] - right[1] * down[0] > 0
