"""Pictures as data URLs: photographs as JPEG, heat maps as PNG."""

from __future__ import annotations

import base64

import cv2
import numpy as np

JPEG_QUALITY = 88
SMALLEST_SCALE = 2.0**-10
# A ramp whose lightness rises all the way, so that it survives printing in grey (RGB, 0..255).
RAMP = np.array(
    [(8, 8, 20), (62, 24, 96), (150, 38, 98), (222, 92, 48), (250, 178, 60), (255, 252, 210)],
    np.float32,
)


def jpeg_url(pixels: np.ndarray) -> str:
    """A data URL of (height, width, 3) uint8 RGB."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return _url("image/jpeg", cv2.imencode(".jpg", pixels[..., ::-1], options)[1])


def png_url(pixels: np.ndarray) -> str:
    """A data URL of (height, width, 3) uint8 RGB, exact."""
    return _url("image/png", cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1])


def heat_colors(values: np.ndarray, top: float) -> np.ndarray:
    """(..., 3) uint8 RGB of values between 0 (dark) and `top` (light)."""
    position = np.clip(values / top, 0.0, 1.0) * (len(RAMP) - 1)
    below = np.minimum(position.astype(int), len(RAMP) - 2)
    share = (position - below)[..., None]
    mixed = (1 - share) * RAMP[below] + share * RAMP[below + 1]
    return np.rint(mixed).astype(np.uint8)


def scale_top(largest: float) -> float:
    """The smallest power of two that `largest` does not exceed: a scale a reader can take in."""
    return float(2.0 ** np.ceil(np.log2(max(largest, SMALLEST_SCALE))))


def _url(kind: str, data: np.ndarray) -> str:
    return f"data:{kind};base64,{base64.b64encode(data.tobytes()).decode()}"
