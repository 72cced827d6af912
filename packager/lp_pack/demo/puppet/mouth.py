"""The puppet's mouth: closes over the portrait's smile, opens, and changes shape.

Two steps, from the frame back to the portrait. A smooth field widens, narrows and lifts the mouth
and lowers the jaw. Then the face splits along the lips: above the seam the upper lip moves, below
it the lower lip, and between them lies the inside: the portrait's own teeth, fixed to the skull,
over a dark cavity with a tongue. At zero opening the two sides meet without a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lp_pack.demo.puppet import landmarks

# The part of the frame that the mouth changes: columns and rows.
LEFT, TOP, RIGHT, BOTTOM = 128, 286, 388, 484

CAVITY_COLOUR = np.array((46, 16, 18), dtype=np.float32)
TONGUE_COLOUR = np.array((150, 70, 72), dtype=np.float32)


@dataclass(frozen=True)
class MouthShape:
    """What the mouth does in one frame; lengths in pixels, the rest 0..1.

    `opening` is the gap between the lips (negative presses them together).
    """

    opening: float
    pucker: float
    wide: float
    smile: float


class Mouth:
    """Draws mouths into a head (RGB and coverage, 0..255), inside (TOP:BOTTOM, LEFT:RIGHT)."""

    def __init__(self, head: np.ndarray) -> None:
        self._head = head
        axis_x = np.arange(LEFT, RIGHT, dtype=np.float32)
        axis_y = np.arange(TOP, BOTTOM, dtype=np.float32)
        self._x, self._y = np.meshgrid(axis_x, axis_y)
        self._teeth, self._teeth_alpha = self._inside_of_mouth()
        centre_x, centre_y = landmarks.MOUTH_CENTRE
        # Where widening and lifting act: whole at the lips, nothing at nose and jaw line.
        self._near = _fade(np.abs(self._x - centre_x), 22.0, 84.0) * np.exp(
            -(((self._y - centre_y - 6) / 40.0) ** 4)
        )
        self._left_corner = self._corner(*landmarks.MOUTH_CORNERS[0])
        self._right_corner = self._corner(*landmarks.MOUTH_CORNERS[1])
        # The jaw: full below the lips, gone at the collar and beyond the jaw line.
        sideways = _fade(np.abs(self._x - centre_x), 50.0, 118.0)
        self._jaw = sideways * _fade(self._y, landmarks.CHIN_Y + 4.0, 478.0)

    def draw(self, shape: MouthShape) -> np.ndarray:
        """(BOTTOM - TOP, RIGHT - LEFT, 4): the head inside the mouth's rectangle."""
        x, y = self._smooth_field(shape)
        upper_edge = landmarks.interpolate(landmarks.UPPER_LIP_EDGE, x)
        lower_edge = landmarks.interpolate(landmarks.LOWER_LIP_EDGE, x)
        # The closed lips meet where the upper lip has come down by a third of the smile's gap.
        seam = upper_edge + 0.36 * (lower_edge - upper_edge)
        opening, press = max(shape.opening, 0.0), max(-shape.opening, 0.0)
        profile = _lip_profile(x)
        up, down = 0.16 * opening * profile, 0.84 * opening * profile
        upper_now, lower_now = seam - up, seam + down
        press_shift = press * profile
        upper = self._layer(
            x, y - (upper_now + press_shift - upper_edge) * _fade(upper_now - y, 0.0, 26.0)
        )
        lower = self._layer(
            x, y - self._lower_shift(x, y, lower_now, lower_edge, press_shift, opening)
        )
        inside = self._inside(x, y, opening, shape.pucker)
        above = np.clip(upper_now - y + 0.5, 0.0, 1.0)[..., None]
        below = np.minimum(np.clip(y - lower_now + 0.5, 0.0, 1.0)[..., None], 1.0 - above)
        face = upper * above + lower * below + inside * (1.0 - above - below)
        # Lips that touch leave a line of shade between them.
        touch = np.exp(-(((y - seam) / 1.5) ** 2)) * profile * max(0.0, 1.0 - opening / 3.0)
        face[..., :3] *= (1.0 - 0.42 * touch)[..., None]
        return face

    def _smooth_field(self, shape: MouthShape) -> tuple[np.ndarray, np.ndarray]:
        """Frame pixel -> pixel of the face before widening and lifting."""
        centre_x, centre_y = landmarks.MOUTH_CENTRE
        # The portrait smiles: a neutral mouth is narrower and its corners are lower.
        width = 0.89 + 0.10 * shape.smile + 0.08 * shape.wide - 0.24 * shape.pucker
        # A dropped jaw pulls the corners together.
        width -= 0.0022 * max(shape.opening, 0.0)
        height = 1.0 + 0.14 * shape.pucker - 0.06 * shape.smile
        stretch_x = (self._x - centre_x) * (1.0 / max(width, 0.5) - 1.0)
        stretch_y = (self._y - centre_y) * (1.0 / max(height, 0.5) - 1.0)
        lift = 5.5 * (shape.smile - 0.7) - 2.0 * shape.pucker
        corners = (self._left_corner + self._right_corner) * lift
        x = self._x + stretch_x * self._near
        y = self._y + stretch_y * self._near + corners
        return x.astype(np.float32), y.astype(np.float32)

    def _lower_shift(
        self,
        x: np.ndarray,
        y: np.ndarray,
        lower_now: np.ndarray,
        lower_edge: np.ndarray,
        press_shift: np.ndarray,
        opening: float,
    ) -> np.ndarray:
        """How far the face below the seam has moved down."""
        lip = lower_now - press_shift - lower_edge
        near_lip = _fade(y - lower_now, 0.0, 44.0)
        return lip * near_lip + 0.60 * opening * self._jaw * (1.0 - near_lip)

    def _layer(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return cv2.remap(
            self._head,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _inside(self, x: np.ndarray, y: np.ndarray, opening: float, pucker: float) -> np.ndarray:
        """The inside of the mouth: teeth, cavity, tongue."""
        column, row = x - LEFT, y - TOP
        teeth = cv2.remap(self._teeth, column, row, cv2.INTER_LINEAR)
        alpha = cv2.remap(self._teeth_alpha, column, row, cv2.INTER_LINEAR)[..., None]
        centre_x, _ = landmarks.MOUTH_CENTRE
        tongue_y = 352.0 + 0.62 * opening
        tongue = np.exp(
            -(((x - centre_x) / 27.0) ** 2) - ((y - tongue_y) / (5.0 + 0.22 * opening)) ** 2
        )[..., None] * min(1.0, opening / 24.0)
        cavity = CAVITY_COLOUR + 0.75 * tongue * (TONGUE_COLOUR - CAVITY_COLOUR)
        # Rounded lips hide the teeth, and nearly closed ones shade them.
        light = (0.55 + 0.45 * min(1.0, opening / 12.0)) * (1.0 - 0.75 * min(1.0, pucker))
        alpha = alpha * (1.0 - 0.6 * min(1.0, pucker))
        colour = teeth * light * alpha + cavity * (1.0 - alpha)
        return np.dstack([colour, np.full_like(x, 255.0)])

    def _inside_of_mouth(self) -> tuple[np.ndarray, np.ndarray]:
        """The portrait's teeth, continued upwards under the lip, and their coverage."""
        upper = landmarks.interpolate(landmarks.UPPER_LIP_EDGE, self._x)
        lower = landmarks.interpolate(landmarks.LOWER_LIP_EDGE, self._x)
        row = np.clip(self._y, upper + 3.0, np.maximum(lower - 3.0, upper + 3.0))
        teeth = self._layer(self._x, row.astype(np.float32))[..., :3]
        # The gums' shadow above, a rounded lower edge, dark corners at both sides.
        shade = _fade(upper + 2.0 - self._y, 0.0, 9.0)[..., None]
        teeth = teeth * (0.45 + 0.55 * shade)
        alpha = np.clip(lower - 2.0 - self._y, 0.0, 1.0)
        alpha = alpha * _fade(np.abs(self._x - 253.0), 30.0, 40.0)
        return teeth.astype(np.float32), cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), 0.7)

    def _corner(self, x: float, y: float) -> np.ndarray:
        return np.exp(-(((self._x - x) / 26.0) ** 2) - ((self._y - y) / 22.0) ** 2)


def _fade(value: np.ndarray, start: float, stop: float) -> np.ndarray:
    """1 up to `start`, 0 from `stop`, smooth in between (cubic)."""
    t = np.clip((value - start) / (stop - start), 0.0, 1.0)
    return 1.0 - t * t * (3.0 - 2.0 * t)


def _lip_profile(x: np.ndarray) -> np.ndarray:
    """How far the lips part along the mouth: 1 in the middle, 0 at the corners."""
    (left, _), (right, _) = landmarks.MOUTH_CORNERS
    middle, half = (left + right) / 2, (right - left) / 2
    u = np.clip(np.abs(x - middle) / half, 0.0, 1.0)
    return (1.0 - u**2.2) ** 0.7
