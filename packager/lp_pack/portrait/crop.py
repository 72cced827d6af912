"""Cut the square out of the portrait: the frame, the networks' input, and the way back.

One similarity transform does everything: rotation, scale and position. Where it shrinks, areas
are averaged; where it enlarges, it interpolates linearly, as LivePortrait does. What lies outside
the portrait is black, as in LivePortrait's own crops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lp_pack.errors import PortraitError
from lp_pack.portrait.crop_spec import AutoCrop, CropSpec, WholePicture
from lp_pack.portrait.face_detection import DetectedFace, detect_faces
from lp_pack.portrait.face_geometry import CropSquare, FaceFrame, crop_square
from lp_pack.portrait.face_selection import choose_face
from lp_pack.portrait.loading import MIN_SIDE, Portrait, PortraitProvenance

# Below this many portrait pixels the frame is visibly soft.
SHARP_SIDE = 256
# Samples per frame pixel and axis when shrinking; beyond that a little aliasing is accepted.
MAX_SUPERSAMPLING = 8
# A square this much wider than the portrait holds mostly black.
MAX_SIDE_OF_PORTRAIT = 3.0
# Black beyond this part of the frame is worth a notice; it is measured on CELLS x CELLS points.
NOTABLE_OUTSIDE = 0.02
CELLS = 64


@dataclass(frozen=True)
class PortraitCrop:
    """A portrait ready for baking, and everything that puts a generated frame back into it."""

    # (frame_size, frame_size, 3) uint8 RGB, frame_size 512 for the published networks.
    frame: np.ndarray
    # (1, 3, image_size, image_size) float32 RGB in [0, 1], image_size 256.
    network_input: np.ndarray
    # (2, 3) float64: frame pixel (x, y, 1) -> portrait pixel, pixel centres at whole numbers.
    frame_to_portrait: np.ndarray
    square: CropSquare
    # The upright portrait, (height, width, 3) uint8 RGB, and its alpha (height, width) or None.
    portrait: np.ndarray
    alpha: np.ndarray | None
    provenance: PortraitProvenance
    # The detected face; None unless the crop was automatic.
    face: DetectedFace | None
    notices: tuple[str, ...]


def crop_portrait(
    portrait: Portrait, spec: CropSpec, where: Path, frame_size: int = 512, image_size: int = 256
) -> PortraitCrop:
    """Cut `spec` out of `portrait`; `where` is named in errors.

    Raises PortraitError where no face is found, several are, or the square does not fit.
    """
    notices = list(portrait.notices)
    height, width = portrait.rgb.shape[:2]
    face = None
    if isinstance(spec, AutoCrop):
        chosen = choose_face(detect_faces(portrait.rgb), where)
        face = chosen.face
        notices += chosen.notices
        square = crop_square(FaceFrame.from_detection(face))
    elif isinstance(spec, WholePicture):
        square = centre_square(width, height)
        if width != height:
            notices.append(
                f"the portrait is {width} x {height}, not square: "
                f"its middle {square.side:g} x {square.side:g} pixels are the frame"
            )
    else:
        square = spec.square()
    check_square(square, width, height, where)
    frame_to_portrait = square.frame_to_portrait(frame_size)
    frame = sample(portrait.rgb, frame_to_portrait, frame_size)
    return PortraitCrop(
        frame=frame,
        network_input=to_network_input(frame, image_size),
        frame_to_portrait=frame_to_portrait,
        square=square,
        portrait=portrait.rgb,
        alpha=portrait.alpha,
        provenance=portrait.provenance,
        face=face,
        notices=(*notices, *crop_notices(square, frame_to_portrait, frame_size, width, height)),
    )


def centre_square(width: int, height: int) -> CropSquare:
    """The largest square in the middle of a picture."""
    return CropSquare(((width - 1) / 2, (height - 1) / 2), float(min(width, height)))


def check_square(square: CropSquare, width: int, height: int, where: Path) -> None:
    """Refuse a square that is too small, far too large, or centred outside the portrait."""
    x, y = square.centre
    problem = None
    if square.side < MIN_SIDE:
        problem = "the face is too small in the portrait"
    elif square.side > MAX_SIDE_OF_PORTRAIT * max(width, height):
        problem = "the crop is far larger than the portrait"
    elif not (0 <= x < width and 0 <= y < height):
        problem = "the crop is centred outside the portrait"
    if problem is not None:
        raise PortraitError(
            problem,
            where=where,
            expected=f"a square of at least {MIN_SIDE} pixels around a head, "
            f"centred within {width} x {height} pixels",
            got=f"{square.side:.0f} x {square.side:.0f} pixels centred at {x:.0f},{y:.0f}",
            remedy="use a picture that shows the person larger, or pass another --crop X,Y,SIZE",
        )


def sample(rgb: np.ndarray, frame_to_portrait: np.ndarray, frame_size: int) -> np.ndarray:
    """The frame (frame_size, frame_size, 3) uint8 that `frame_to_portrait` cuts out of `rgb`."""
    zoom = float(np.linalg.norm(frame_to_portrait[:, 0]))
    finer = min(MAX_SUPERSAMPLING, max(1, math.ceil(zoom - 1e-6)))
    # Pixel centres of a raster that is `finer` times denser over the same square.
    dense_to_frame = np.array(
        [[1 / finer, 0, (1 / finer - 1) / 2], [0, 1 / finer, (1 / finer - 1) / 2], [0, 0, 1]]
    )
    size = frame_size * finer
    dense = cv2.warpAffine(
        rgb,
        frame_to_portrait @ dense_to_frame,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    if finer == 1:
        return dense
    return cv2.resize(dense, (frame_size, frame_size), interpolation=cv2.INTER_AREA)


def to_network_input(frame: np.ndarray, image_size: int) -> np.ndarray:
    """The frame as the networks read it: (1, 3, image_size, image_size) float32 in [0, 1]."""
    shrink = image_size < frame.shape[0]
    interpolation = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    small = cv2.resize(frame, (image_size, image_size), interpolation=interpolation)
    scaled = small.astype(np.float32) / np.float32(255.0)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def outside_fraction(
    frame_to_portrait: np.ndarray, frame_size: int, width: int, height: int
) -> float:
    """The part of the frame, 0..1, that lies outside the portrait."""
    # The middles of a grid of cells.
    steps = (np.arange(CELLS) + 0.5) * frame_size / CELLS - 0.5
    x, y = np.meshgrid(steps, steps)
    points = frame_to_portrait @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    inside = (
        (points[0] >= -0.5)
        & (points[0] <= width - 0.5)
        & (points[1] >= -0.5)
        & (points[1] <= height - 0.5)
    )
    return 1.0 - float(inside.mean())


def crop_notices(
    square: CropSquare, frame_to_portrait: np.ndarray, frame_size: int, width: int, height: int
) -> tuple[str, ...]:
    """What a user should know about a crop that works but could be better."""
    notices = []
    if square.side < SHARP_SIDE:
        notices.append(
            f"the crop is only {square.side:.0f} pixels wide and is enlarged to {frame_size}: "
            "a portrait that shows the face larger gives a sharper result"
        )
    outside = outside_fraction(frame_to_portrait, frame_size, width, height)
    if outside > NOTABLE_OUTSIDE:
        notices.append(
            f"{outside:.0%} of the crop lies outside the portrait and is black, "
            "as in LivePortrait's own crops"
        )
    return tuple(notices)
