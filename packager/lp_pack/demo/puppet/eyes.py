"""The puppet's eyes and brows: lids that close, a gaze that shifts, brows that rise and frown.

A closing lid is the skin between brow and lashes, stretched down to the lower lid, lashes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lp_pack.demo.puppet import landmarks

# The part of the frame that eyes and brows change: columns and rows.
LEFT, TOP, RIGHT, BOTTOM = 168, 186, 356, 270
# Skin above the lashes that a closing lid stretches, in pixels.
LID_SKIN = 16.0


@dataclass(frozen=True)
class EyeShape:
    """What eyes and brows do in one frame.

    `closed_left` and `closed_right` run from 0 (as in the portrait) to 1; gaze is in pixels of the
    iris; raise and frown run over 0..1.
    """

    closed_left: float
    closed_right: float
    gaze_x: float
    gaze_y: float
    brow_raise: float
    brow_frown: float


@dataclass(frozen=True)
class _Eye:
    upper: np.ndarray
    lower: np.ndarray
    iris: np.ndarray
    # 1 between the lids' corners, else 0.
    within: np.ndarray


class Eyes:
    """Draws eyes and brows, inside the rectangle (TOP:BOTTOM, LEFT:RIGHT)."""

    def __init__(self, head: np.ndarray) -> None:
        self._head = head
        axis_x = np.arange(LEFT, RIGHT, dtype=np.float32)
        axis_y = np.arange(TOP, BOTTOM, dtype=np.float32)
        self._x, self._y = np.meshgrid(axis_x, axis_y)
        self._left = self._measure(
            landmarks.LEFT_UPPER_LID, landmarks.LEFT_LOWER_LID, landmarks.LEFT_PUPIL
        )
        self._right = self._measure(
            landmarks.RIGHT_UPPER_LID, landmarks.RIGHT_LOWER_LID, landmarks.RIGHT_PUPIL
        )
        # Brows move whole; the field ends above the lashes and under the hair.
        self._left_brow = self._bump(landmarks.LEFT_BROW)
        self._right_brow = self._bump(landmarks.RIGHT_BROW)

    def draw(self, shape: EyeShape) -> np.ndarray:
        """(BOTTOM - TOP, RIGHT - LEFT, 3): the face inside the eyes' rectangle."""
        x, y = self._x.copy(), self._y.copy()
        rise = 6.0 * shape.brow_raise - 4.0 * shape.brow_frown
        y += rise * (self._left_brow + self._right_brow)
        # A frown pulls the brows together.
        x += 5.0 * shape.brow_frown * (self._right_brow - self._left_brow)
        picture = self._sample(
            x - shape.gaze_x * (self._left.iris + self._right.iris),
            y - shape.gaze_y * (self._left.iris + self._right.iris),
        )
        for eye, closed in ((self._left, shape.closed_left), (self._right, shape.closed_right)):
            picture = self._close(picture, eye, float(np.clip(closed, 0.0, 1.0)), x, y)
        return picture

    def _close(
        self,
        picture: np.ndarray,
        eye: _Eye,
        closed: float,
        x: np.ndarray,
        y: np.ndarray,
    ) -> np.ndarray:
        """Lay the lid over the eye; the lid's edge moves from the upper to the lower curve."""
        if closed <= 0.0:
            return picture
        reach = (eye.lower - eye.upper) * 1.08 + 0.6 * eye.within
        drop = reach * max(closed, 0.0)
        edge = eye.upper + drop
        top = eye.upper - LID_SKIN
        inside_lid = (self._y > top) & (self._y <= edge + 1.0)
        squeezed = top + (self._y - top) * (LID_SKIN / (LID_SKIN + drop))
        lid = self._sample(x, np.where(inside_lid, squeezed + (y - self._y), y))
        cover = np.clip(edge - self._y + 0.5, 0.0, 1.0) * eye.within * min(1.0, closed * 8.0)
        return picture + (lid - picture) * cover[..., None]

    def _measure(
        self,
        upper: landmarks.Curve,
        lower: landmarks.Curve,
        pupil: tuple[float, float],
    ) -> _Eye:
        upper_edge = landmarks.interpolate(upper, self._x)
        lower_edge = landmarks.interpolate(lower, self._x)
        start, stop = upper[0][0], upper[-1][0]
        within = (self._x >= start) & (self._x <= stop)
        opening = (self._y > upper_edge) & (self._y < lower_edge) & within
        reach = np.exp(-(((self._x - pupil[0]) / 12.0) ** 4) - ((self._y - pupil[1]) / 9.0) ** 4)
        soft = cv2.GaussianBlur(opening.astype(np.float32), (0, 0), 1.0)
        return _Eye(
            upper_edge, lower_edge, (reach * soft).astype(np.float32), within.astype(np.float32)
        )

    def _bump(self, centre: tuple[float, float]) -> np.ndarray:
        return np.exp(
            -(((self._x - centre[0]) / 42.0) ** 4) - ((self._y - centre[1]) / 13.0) ** 4
        ).astype(np.float32)

    def _sample(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return cv2.remap(
            self._head,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
