"""Chroma key: replaces a picture's plain background by a colour or another picture."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from lp_runtime.compositing import read_picture
from lp_runtime.errors import InputError

NAMED_COLORS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "gray": (128, 128, 128),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
}
# Distances in YCrCb, of a scale of 255, between which a pixel fades from background to figure.
INNER_DISTANCE, OUTER_DISTANCE = 24.0, 60.0
# The figure is opaque from this share of its own typical distance on: nearer pixels are mixtures.
OPAQUE_SHARE = 0.75
# Shadows and light on a plain background change its brightness more than its colour.
LUMA_WEIGHT = 0.4
# A background counts as plain when its samples differ by no more than this (mean distance).
PLAIN_DEVIATION = 14.0
# A key colour is saturated, and spills, when one channel exceeds the others by this much.
SATURATED = 64


class ChromaKey:
    """Separates a figure from a background of one colour."""

    def __init__(
        self,
        color: tuple[int, int, int],
        inner: float = INNER_DISTANCE,
        outer: float = OUTER_DISTANCE,
    ) -> None:
        """`color` is RGB; pixels nearer than `inner` are background, beyond `outer` figure."""
        if not 0 <= inner < outer:
            raise InputError(
                "The chroma key's distances are out of order.",
                expected="0 <= inner < outer",
                got=f"{inner:g}, {outer:g}",
            )
        self.color = color
        self._key = _ycrcb(np.array([[color]], np.uint8))[0, 0]
        self._inner, self._outer = inner, outer

    @staticmethod
    def from_picture(picture: np.ndarray) -> ChromaKey:
        """The key for the colour of a picture's upper corners, (height, width, 3) uint8 RGB.

        Raises InputError when the corners do not show one plain colour.
        """
        size = max(2, min(picture.shape[:2]) // 16)
        corners = np.concatenate(
            [picture[:size, :size].reshape(-1, 3), picture[:size, -size:].reshape(-1, 3)]
        )
        color = np.median(corners, axis=0).astype(np.uint8)
        distance = _distance(corners[None], _ycrcb(color[None, None])[0, 0])
        if distance.mean() > PLAIN_DEVIATION:
            raise InputError(
                "The portrait's background is not plain enough to be replaced.",
                expected="one colour in the upper corners",
                got=f"colours that differ by {distance.mean():.0f} of 255 on average",
                remedy="use a portrait with a plain background, or leave the background as it is",
            )
        distances = _distance(picture, _ycrcb(color[None, None])[0, 0])
        figure = distances[distances > INNER_DISTANCE]
        typical = float(np.median(figure)) if figure.size else OUTER_DISTANCE
        outer = max(OPAQUE_SHARE * typical, INNER_DISTANCE + 4.0)
        return ChromaKey((int(color[0]), int(color[1]), int(color[2])), outer=outer)

    def figure_weight(self, picture: np.ndarray) -> np.ndarray:
        """(height, width) float32: 1 where the figure is, 0 where the background is."""
        distance = _distance(picture, self._key)
        weight = (distance - self._inner) / (self._outer - self._inner)
        return np.clip(weight, 0.0, 1.0, dtype=np.float32)

    def replace(self, picture: np.ndarray, background: np.ndarray) -> np.ndarray:
        """`picture` with its background replaced; both (height, width, 3) uint8 RGB.

        Where the figure is half transparent, the key colour's share is taken out before the new
        background is put in, so that hair has no fringe of the old colour.
        """
        if picture.shape != background.shape:
            raise InputError(
                "Picture and background differ in size.",
                expected=list(picture.shape),
                got=list(background.shape),
            )
        transparent = 1.0 - self.figure_weight(picture)[..., None]
        figure = picture.astype(np.float32) - transparent * np.array(self.color, np.float32)
        mixed = self._without_spill(figure) + transparent * background
        # Fully transparent pixels are the background itself, without the old one's texture.
        mixed = np.where(transparent == 1.0, background, mixed)
        return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)

    def _without_spill(self, figure: np.ndarray) -> np.ndarray:
        """Take the key's light off the figure: its channel may not exceed both of the others."""
        channel = int(np.argmax(self.color))
        others = [other for other in range(3) if other != channel]
        if self.color[channel] - max(self.color[other] for other in others) < SATURATED:
            return figure
        limit = np.maximum(figure[..., others[0]], figure[..., others[1]])
        figure[..., channel] = np.minimum(figure[..., channel], limit)
        return figure


def parse_color(text: str) -> tuple[int, int, int] | None:
    """RGB of a name or #rrggbb; None when the text is neither."""
    if text.lower() in NAMED_COLORS:
        return NAMED_COLORS[text.lower()]
    if re.fullmatch(r"#?[0-9a-fA-F]{6}", text):
        digits = text.removeprefix("#")
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    return None


def make_background(text: str, width: int, height: int) -> np.ndarray:
    """A background (height, width, 3) uint8 RGB from a colour or a picture's path.

    A picture is scaled to cover the size and cut about its centre. Raises InputError when the
    text is neither a colour nor a readable picture.
    """
    color = parse_color(text)
    if color is not None:
        return np.full((height, width, 3), color, np.uint8)
    if not Path(text).exists():
        raise InputError(
            "The background is neither a colour nor a file.",
            expected=f"#rrggbb, one of {', '.join(sorted(NAMED_COLORS))}, or a picture",
            got=text,
        )
    picture = read_picture(text)
    scale = max(width / picture.shape[1], height / picture.shape[0])
    scaled_size = (
        max(width, round(picture.shape[1] * scale)),
        max(height, round(picture.shape[0] * scale)),
    )
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, scaled_size, interpolation=mode)
    left, top = (scaled_size[0] - width) // 2, (scaled_size[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def _ycrcb(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)


def _distance(picture: np.ndarray, key: np.ndarray) -> np.ndarray:
    difference = _ycrcb(picture) - key
    difference[..., 0] *= LUMA_WEIGHT
    return np.sqrt(np.square(difference).sum(axis=-1))
