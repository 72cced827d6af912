"""From a face (a detection or landmarks) to the square that LivePortrait crops around it.

LivePortrait (KwaiVGI/LivePortrait, `src/utils/crop.py`) turns a face upright by the axis from the
middle of the eyes to the middle of the lips, encloses the turned landmarks in a square, enlarges
it 2.3 times and shifts it up by 0.125 of its side. Its 203 landmarks span eyebrows to chin and
ear to ear; detections and 5-point landmarks do not, so their span is estimated.

All positions are pixels with pixel centres at whole numbers, x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lp_pack.portrait.face_detection import DetectedFace

CROP_SCALE = 2.3
# Of the square's side, along the face's downward axis.
VERTICAL_OFFSET = -0.125

# Span and centre of the dense landmarks, measured on a photograph and a painting (0.93 and 0.85;
# 0.33 and 0.31): in widths of the detector's box, centre below the middle of the eyes.
SPAN_OF_BOX = 0.90
CENTRE_BELOW_EYES_OF_BOX = 0.32
# Where the eyes lie in the detector's box when they were not found, from its top.
EYES_IN_BOX = 0.385

# The same from 5 points, in the larger of: eyes apart, eyes to mouth (measured 2.05 and 1.92;
# 0.73 and 0.70).
SPAN_OF_FEATURES = 2.05
CENTRE_BELOW_EYES_OF_FEATURES = 0.72


@dataclass(frozen=True)
class LandmarkLayout:
    """Which points of a landmark convention mark the left eye, the right eye and the lips."""

    left_eye: tuple[int, ...]
    right_eye: tuple[int, ...]
    lips: tuple[int, ...]


# By number of points: 5 as InsightFace orders them (left eye, right eye, nose, left and right
# mouth corner), 68 as iBUG 300-W, 106 as InsightFace, 203 as LivePortrait. Left and right are the
# picture's.
LAYOUTS = {
    5: LandmarkLayout((0,), (1,), (3, 4)),
    68: LandmarkLayout((36, 39), (42, 45), (48, 54)),
    106: LandmarkLayout((33, 35, 40, 39), (87, 89, 94, 93), (52, 61)),
    203: LandmarkLayout((0, 6, 12, 18), (24, 30, 36, 42), (48, 66)),
}


@dataclass(frozen=True)
class FaceFrame:
    """A face's upright square: its centre, its side (`span`) and its tilt in degrees, clockwise."""

    centre: tuple[float, float]
    span: float
    roll: float

    @staticmethod
    def from_detection(face: DetectedFace) -> FaceFrame:
        """Estimate LivePortrait's landmark square from a detector's box and eyes."""
        size = face.box.size
        down = down_axis(face.roll)
        if face.left_eye is not None and face.right_eye is not None:
            eyes = (np.asarray(face.left_eye) + np.asarray(face.right_eye)) / 2
        else:
            eyes = np.asarray(face.box.centre) + down * (EYES_IN_BOX - 0.5) * size
        centre = eyes + down * CENTRE_BELOW_EYES_OF_BOX * size
        return FaceFrame((float(centre[0]), float(centre[1])), SPAN_OF_BOX * size, face.roll)

    @staticmethod
    def from_landmarks(points: np.ndarray) -> FaceFrame:
        """The upright square around landmarks (n, 2), n one of LAYOUTS.

        Raises ValueError where eyes and lips coincide, so that no direction is up.
        """
        layout = LAYOUTS[len(points)]
        left, right, lips = (
            points[list(part)].mean(axis=0)
            for part in (layout.left_eye, layout.right_eye, layout.lips)
        )
        eyes = (left + right) / 2
        eyes_to_lips = lips - eyes
        length = float(np.linalg.norm(eyes_to_lips))
        if length < 1e-3:
            raise ValueError("the middle of the eyes and the middle of the lips coincide")
        # The axis points down in an upright face: x sin(-roll), y cos(roll).
        roll = math.degrees(math.atan2(-eyes_to_lips[0], eyes_to_lips[1]))
        down = down_axis(roll)
        if len(points) == 5:
            unit = max(float(np.linalg.norm(right - left)), length)
            span = SPAN_OF_FEATURES * unit
            centre = eyes + down * CENTRE_BELOW_EYES_OF_FEATURES * unit
        else:
            axes = np.stack([right_axis(roll), down])
            turned = points @ axes.T
            low, high = turned.min(axis=0), turned.max(axis=0)
            span = float((high - low).max())
            centre = (low + high) / 2 @ axes
        return FaceFrame((float(centre[0]), float(centre[1])), span, roll)


@dataclass(frozen=True)
class CropSquare:
    """The square of the portrait that becomes the frame: centre, side, tilt in degrees."""

    centre: tuple[float, float]
    side: float
    roll: float = 0.0

    def frame_to_portrait(self, frame_size: int) -> np.ndarray:
        """The 2x3 float64 similarity that maps a frame pixel (x, y, 1) to a portrait pixel.

        The frame's outer edges meet the square's: pixel centres lie at whole numbers, so the
        frame's middle is at (frame_size - 1) / 2.
        """
        zoom = self.side / frame_size
        axes = zoom * np.stack([right_axis(self.roll), down_axis(self.roll)], axis=1)
        middle = (frame_size - 1) / 2
        shift = np.asarray(self.centre) - axes @ np.array([middle, middle])
        return np.concatenate([axes, shift[:, None]], axis=1)


def right_axis(roll: float) -> np.ndarray:
    """Unit vector to the right of a face tilted clockwise by `roll` degrees."""
    angle = math.radians(roll)
    return np.array([math.cos(angle), math.sin(angle)])


def down_axis(roll: float) -> np.ndarray:
    """Unit vector from the eyes to the lips of a face tilted clockwise by `roll` degrees."""
    angle = math.radians(roll)
    return np.array([-math.sin(angle), math.cos(angle)])


def crop_square(face: FaceFrame) -> CropSquare:
    """LivePortrait's crop around a face: 2.3 times its span, shifted up by 0.125 of the side."""
    side = CROP_SCALE * face.span
    centre = np.asarray(face.centre) + down_axis(face.roll) * VERTICAL_OFFSET * side
    return CropSquare((float(centre[0]), float(centre[1])), side, face.roll)
