"""Where a persona's picture changes by itself (lips, eyes) and where it changes at all."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from lp_models.baking import SourceFace
from lp_models.lite_dims import WINDOW_STRIDE, Box, LiteGeneratorDims
from lp_models.motion import EYE_KEYPOINTS, LIP_KEYPOINTS
from lp_pack.distillation.frame_cache import FrameCache

# Room around the keypoints in frame halves: left and right, above, below. The jaw moves with
# the lips, the brows with the eyes.
LIP_MARGIN = (0.24, 0.12, 0.42)
EYE_MARGIN = (0.20, 0.20, 0.10)
# A pixel moves if it ever differs from the typical picture by more than this, in 1/255.
MOVING_ABOVE = 6
MOVING_MARGIN = 16
LOOKED_AT = 128


def fitted_dims(preset: str, face: SourceFace, frame_size: int) -> LiteGeneratorDims:
    """A preset with windows around a face's lips and eyes, for frames of `frame_size`."""
    dims = LiteGeneratorDims.preset(preset)
    return dataclasses.replace(
        dims,
        frame_size=frame_size,
        flow_grid=min(dims.flow_grid, frame_size // 4),
        windows=windows_around(face, frame_size),
        moving_box=(0, 0, frame_size, frame_size),
        refiner_size=frame_size // 4,
    )


def windows_around(face: SourceFace, frame_size: int) -> tuple[Box, ...]:
    """Boxes around eyes and lips in the source frame, rows apart, sides multiples of 16."""
    points = face.keypoints[0, :, :2].numpy()
    eyes = _box(points[list(EYE_KEYPOINTS)], EYE_MARGIN, frame_size)
    lips = _box(points[list(LIP_KEYPOINTS)], LIP_MARGIN, frame_size)
    upper, lower = sorted((eyes, lips), key=lambda box: box[0])
    if upper[0] + upper[2] > lower[0]:
        # Whole strides above the lower box; the upper one gives way.
        height = (lower[0] - upper[0]) // WINDOW_STRIDE * WINDOW_STRIDE
        upper = (upper[0], upper[1], height, upper[3])
    return tuple(box for box in (upper, lower) if box[2] > 0)


def moving_box(cache: FrameCache) -> Box:
    """The part of the frame that changes anywhere in the teacher's frames, with some room."""
    size = cache.frames.shape[1]
    chosen = np.linspace(0, len(cache.frames) - 1, min(LOOKED_AT, len(cache.frames))).astype(int)
    frames = np.stack([cache.frames[index] for index in chosen])
    typical = np.median(frames, axis=0).astype(np.int16)
    moving = (np.abs(frames.astype(np.int16) - typical) > MOVING_ABOVE).any(axis=(0, 3))
    rows, columns = np.nonzero(moving.any(axis=1))[0], np.nonzero(moving.any(axis=0))[0]
    if len(rows) == 0:
        return (0, 0, size, size)
    top, left = max(0, rows[0] - MOVING_MARGIN), max(0, columns[0] - MOVING_MARGIN)
    bottom = min(size, rows[-1] + 1 + MOVING_MARGIN)
    right = min(size, columns[-1] + 1 + MOVING_MARGIN)
    return (int(top), int(left), int(bottom - top), int(right - left))


def _box(points: NDArray[np.float32], margin: tuple[float, float, float], size: int) -> Box:
    sideways, above, below = margin
    low = points.min(axis=0) - np.array([sideways, above])
    high = points.max(axis=0) + np.array([sideways, below])
    left, top = ((low + 1) * size / 2).clip(0, size - WINDOW_STRIDE)
    right, bottom = ((high + 1) * size / 2).clip(WINDOW_STRIDE, size)
    height, width = (
        max(1, round(float(span) / WINDOW_STRIDE)) for span in (bottom - top, right - left)
    )
    height, width = height * WINDOW_STRIDE, width * WINDOW_STRIDE
    return (
        int(min(max(0, top), size - height)) // 8 * 8,
        int(min(max(0, left), size - width)) // 8 * 8,
        height,
        width,
    )
