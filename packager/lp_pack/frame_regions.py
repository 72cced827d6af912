"""Where a group of keypoints lies in a frame.

Keypoints are in LivePortrait's picture coordinates: x to the right and y downwards, from -1 to 1
over the frame. Distillation, the parity gate and the report all look at lips through this file.
"""

from __future__ import annotations

import numpy as np

# Rows and columns of a frame.
Region = tuple[slice, slice]

# Room around the keypoints, in frame halves: what distillation and the parity gate judge lips by.
CLOSE_MARGIN = 0.08
# A box that the frame's edge cuts down further is not in the picture: pixels, share of a side.
SMALLEST_SIDE, SMALLEST_SHARE = 2, 0.5


def keypoint_region(
    keypoints: np.ndarray,
    group: tuple[int, ...],
    height: int,
    width: int,
    margin: float = CLOSE_MARGIN,
) -> Region | None:
    """The box around some keypoints in one frame or over several.

    Args:
        keypoints: (..., 21, at least 2); all leading axes share one box.
        group: which of the keypoints.
        height: of the frame in pixels.
        width: of the frame in pixels.
        margin: room on every side, in frame halves.

    Returns:
        The box, or None where it lies outside the frame or the keypoints are not numbers.
    """
    if not group or max(group) >= keypoints.shape[-2]:
        return None
    points = keypoints[..., list(group), :2].reshape(-1, 2)
    if not len(points) or not np.isfinite(points).all():
        return None
    sizes = np.array([width, height])
    begin = (points.min(axis=0) - margin + 1) / 2 * sizes
    end = (points.max(axis=0) + margin + 1) / 2 * sizes
    low = np.clip(begin, 0, sizes).astype(int)
    high = np.clip(np.ceil(end), 0, sizes).astype(int)
    if (high - low < np.maximum(SMALLEST_SIDE, SMALLEST_SHARE * (end - begin))).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
