"""The soft-edged mask with which a generated frame is laid back over its portrait.

A rounded square: fully the frame inside, fully the portrait along the frame's border, and a smooth
ramp between, so that neither a seam nor the frame's own corners show.
"""

from __future__ import annotations

import numpy as np

# All in units of the frame's side: the ramp starts at the border, and corners are round.
FEATHER = 0.125
CORNER_RADIUS = 0.25


def feather_mask(size: int = 512) -> np.ndarray:
    """The mask, (size, size) uint8: 255 takes the frame, 0 keeps the portrait.

    The ramp is a smoothstep over FEATHER of the side: its slope is zero at both ends.
    """
    # Distance of each pixel centre from the middle, in sides; 0.5 is the frame's edge. The outer
    # row of pixels counts as the edge itself, so that it is exactly zero.
    offset = np.abs(np.arange(size) - (size - 1) / 2) / (size - 1)
    beyond = np.maximum(offset - (0.5 - CORNER_RADIUS), 0.0)
    corner = np.hypot(beyond[:, None], beyond[None, :])
    depth = np.clip((CORNER_RADIUS - corner) / FEATHER, 0.0, 1.0)
    ramp = depth * depth * (3.0 - 2.0 * depth)
    return np.rint(255.0 * ramp).astype(np.uint8)
