"""What was measured by hand on the demo portrait, in pixels of its 512x512 crop.

The portrait is scikit-image's `astronaut`: Eileen Collins, NASA, public domain. x points right and
y down; pixel centres lie on whole numbers.
"""

from __future__ import annotations

import numpy as np

FRAME_SIZE = 512
# The crop: a square of CROP_SIDE portrait pixels whose corner lies at CROP_CORNER.
CROP_SIDE = 232
CROP_CORNER = (107, -10)

Curve = tuple[tuple[float, float], ...]

# Bottom edge of the upper lip and top edge of the lower lip, corner to corner; teeth between.
UPPER_LIP_EDGE: Curve = (
    (210, 329.5), (218, 332.5), (225, 334), (232, 335.5), (240, 337), (250, 338.5), (258, 339),
    (266, 338), (275, 336.5), (283, 334.5), (290, 333), (304, 332),
)  # fmt: skip
LOWER_LIP_EDGE: Curve = (
    (210, 329.5), (218, 337.5), (225, 343), (232, 347), (240, 350.5), (250, 352.5), (257, 353),
    (265, 351.5), (275, 350), (283, 346.5), (290, 342.5), (297, 337.5), (304, 332),
)  # fmt: skip
MOUTH_CENTRE = (257.0, 338.0)
MOUTH_CORNERS = ((210.0, 329.5), (304.0, 332.0))
NOSE_BASE_Y = 316.0
CHIN_Y = 412.0
NECKLINE_Y = 436.0

# Edge of the upper lid under its lashes, and of the lower lid, corner to corner.
LEFT_UPPER_LID: Curve = (
    (187, 245), (191, 242), (196, 239.5), (203, 237.5), (211, 237), (219, 239), (226, 243.5),
    (231, 247.5),
)  # fmt: skip
LEFT_LOWER_LID: Curve = (
    (187, 245), (195, 248), (203, 250.5), (211, 252), (219, 252), (226, 250), (231, 247.5),
)  # fmt: skip
RIGHT_UPPER_LID: Curve = (
    (284, 252.5), (288, 249.5), (293, 245.5), (300, 242.5), (307, 241), (315, 242.5), (323, 245.5),
    (330, 248.5), (335, 251),
)  # fmt: skip
RIGHT_LOWER_LID: Curve = (
    (284, 252.5), (292, 255), (300, 257), (307, 258), (315, 257.5), (323, 255.5), (330, 252.5),
    (335, 251),
)  # fmt: skip
LEFT_PUPIL = (212.0, 244.5)
RIGHT_PUPIL = (307.0, 249.5)
LEFT_BROW = (209.0, 219.0)
RIGHT_BROW = (314.0, 226.0)

NOSE_TIP = (257.0, 292.0)
# Where the head turns about: the origin of the canonical keypoints.
HEAD_PIVOT = (260.0, 262.0)

# Outline of the layer that turns with the head: hair, face and neck down into the black collar.
HEAD_OUTLINE: Curve = (
    (92, 40), (440, 40), (440, 310), (384, 318), (356, 326), (351, 338), (345, 355), (336, 370),
    (331, 380), (327, 395), (324, 415), (320, 433), (318, 470), (190, 470), (181, 424), (176, 415),
    (174, 405), (174, 380), (173, 354), (170, 346), (167, 335), (164, 316), (120, 312), (92, 250),
)  # fmt: skip

# LivePortrait's 21 keypoints on this face: (x, y, depth) with depth in pixels, negative towards
# the camera. 6, 8, 9, 12 and 18 never move with expression in real templates, so they carry the
# pose; the others lie on what they move.
KEYPOINTS: np.ndarray = np.array(
    [
        (260, 130, -40),  # 0 forehead and hair
        (209, 219, -78),  # 1 brow, image left
        (314, 226, -78),  # 2 brow, image right
        (200, 318, -66),  # 3 cheek, image left
        (182, 372, -20),  # 4 jaw, image left
        (256, 418, -48),  # 5 chin
        (210, 330, -72),  # 6 mouth corner, image left
        (316, 320, -66),  # 7 cheek, image right
        (110, 215, 25),  # 8 side of the head, image left
        (420, 220, 25),  # 9 side of the head, image right
        (257, 292, -112),  # 10 tip of the nose
        (211, 238, -80),  # 11 upper lid, image left
        (304, 332, -72),  # 12 mouth corner, image right
        (211, 252, -80),  # 13 lower lid, image left
        (257, 322, -94),  # 14 above the upper lip
        (307, 242, -80),  # 15 upper lid, image right
        (307, 258, -80),  # 16 lower lid, image right
        (257, 374, -84),  # 17 below the lower lip
        (260, 243, -90),  # 18 between the eyes
        (257, 356, -92),  # 19 lower lip
        (257, 334, -94),  # 20 upper lip
    ],
    dtype=np.float64,
)
RIGID_KEYPOINTS: tuple[int, ...] = (6, 8, 9, 12, 18)

# Scale of the demo's source motion; canonical units are frame halves divided by it.
SOURCE_SCALE = 1.4


def canonical_keypoints() -> np.ndarray:
    """(21, 3): the portrait's keypoints as LivePortrait's canonical ones (x, y, z)."""
    half = FRAME_SIZE / 2
    points = KEYPOINTS - np.array([*HEAD_PIVOT, 0.0])
    return (points / (half * SOURCE_SCALE)).astype(np.float32)


def source_translation() -> np.ndarray:
    """(3,): where the head pivot lies in the frame, in frame halves from its centre."""
    half = FRAME_SIZE / 2
    x, y = HEAD_PIVOT
    return np.array([(x + 0.5) / half - 1, (y + 0.5) / half - 1, 0.0], dtype=np.float32)


def interpolate(curve: Curve, x: np.ndarray) -> np.ndarray:
    """Height of a measured curve at `x`; constant beyond its ends."""
    points = np.array(curve, dtype=np.float64)
    return np.interp(x, points[:, 0], points[:, 1]).astype(np.float32)
