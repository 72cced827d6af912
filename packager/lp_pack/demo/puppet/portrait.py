"""Cutting the demo portrait into a head and a body on a plain green background.

Deterministic: fixed seeds for the segmentation, no network, no download (scikit-image ships the
picture). Colours at the silhouette are pulled in from the inside, so that the photograph's own
background leaves no halo on the green one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from skimage import data

from lp_pack.demo.puppet import landmarks

# Pure chroma-key green (RGB).
BACKGROUND = (0, 177, 64)
COLLAR_COLOUR = (6, 5, 4)
RING_COLOUR = (112, 104, 124)
# Below this row the collar is black from edge to edge.
COLLAR_TOP_Y = 446


@dataclass(frozen=True)
class PortraitLayers:
    """The puppet's pictures, float32 RGB 0..255 and coverage 0..1, all 512x512."""

    # The head without holes behind its edge: (512, 512, 3), and where it is: (512, 512).
    head: np.ndarray
    head_alpha: np.ndarray
    # Everything that does not turn, already on the background: (512, 512, 3).
    body: np.ndarray


def portrait_to_frame() -> np.ndarray:
    """(2, 3): full portrait pixel (x, y, 1) -> pixel of the 512x512 crop."""
    factor = landmarks.FRAME_SIZE / landmarks.CROP_SIDE
    x, y = landmarks.CROP_CORNER
    # Pixel centres: (p - corner + 0.5) * factor - 0.5.
    return np.array(
        [[factor, 0, (0.5 - x) * factor - 0.5], [0, factor, (0.5 - y) * factor - 0.5]],
        dtype=np.float64,
    )


def cropped_portrait() -> np.ndarray:
    """(512, 512, 3) RGB: the face of scikit-image's astronaut, enlarged and lightly sharpened."""
    size = (landmarks.FRAME_SIZE, landmarks.FRAME_SIZE)
    crop = cv2.warpAffine(
        data.astronaut(),
        portrait_to_frame(),
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    blurred = cv2.GaussianBlur(crop, (0, 0), 2.0)
    return cv2.addWeighted(crop, 1.45, blurred, -0.45, 0.0)


def person_mask(crop: np.ndarray) -> np.ndarray:
    """(512, 512) 0 or 255: the person, by GrabCut from hand-set geometry."""
    size = landmarks.FRAME_SIZE
    labels = np.full((size, size), cv2.GC_PR_BGD, dtype=np.uint8)
    cv2.ellipse(labels, (264, 215), (185, 185), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.ellipse(labels, (236, 505), (230, 180), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.ellipse(labels, (264, 190), (135, 110), 0, 0, 360, cv2.GC_FGD, -1)
    cv2.ellipse(labels, (258, 330), (78, 90), 0, 0, 360, cv2.GC_FGD, -1)
    collar = np.array([(175, 410), (325, 410), (400, 512), (60, 512), (110, 400)])
    cv2.fillPoly(labels, [collar], cv2.GC_FGD)
    labels[:45] = cv2.GC_BGD
    labels[:330, :80] = cv2.GC_BGD
    labels[:380, 445:] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(crop, labels, (0, 0, 1, 1), *models, 6, cv2.GC_INIT_WITH_MASK)
    mask: np.ndarray = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    # One connected person without pinholes.
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    mask = (parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) * 255


def layers() -> PortraitLayers:
    """Segment the portrait and split it into what turns with the head and what stays."""
    crop = cropped_portrait()
    person = person_mask(crop)
    inside = cv2.erode(person, np.ones((7, 7), np.uint8))
    solid = _pull_colours_outwards(crop, inside)
    coverage = _soft(cv2.erode(person, np.ones((3, 3), np.uint8)), 1.6)
    outline = np.zeros_like(person)
    polygon = np.array(landmarks.HEAD_OUTLINE, dtype=np.int32)
    cv2.fillPoly(outline, [polygon], 255)
    head_region = _soft(outline, 1.0)
    # The collar is black, so the neck fades into it without a visible end.
    rows = np.arange(landmarks.FRAME_SIZE, dtype=np.float32)[:, None]
    head_region = head_region * np.clip((462.0 - rows) / 14.0, 0.0, 1.0)
    body = _body(crop, person, outline)
    return PortraitLayers(
        head=solid.astype(np.float32), head_alpha=coverage * head_region, body=body
    )


def _soft(mask: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(mask, (0, 0), sigma).astype(np.float32) / 255.0


def _pull_colours_outwards(image: np.ndarray, trusted: np.ndarray) -> np.ndarray:
    """Replace every pixel outside `trusted` by its nearest trusted one, slightly smoothed."""
    _, labels = cv2.distanceTransformWithLabels(
        255 - trusted, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup = np.zeros((int(labels.max()) + 1, 3), dtype=np.uint8)
    rows, columns = np.nonzero(trusted)
    lookup[labels[rows, columns]] = image[rows, columns]
    nearest = lookup[labels]
    smooth = cv2.GaussianBlur(nearest, (0, 0), 1.5)
    return np.where(trusted[..., None] > 0, image, smooth)


def _body(crop: np.ndarray, person: np.ndarray, head_outline: np.ndarray) -> np.ndarray:
    """The suit on green, with the place behind head and neck filled from its surroundings."""
    head = cv2.dilate(head_outline, np.ones((9, 9), np.uint8))
    body = cv2.bitwise_and(person, cv2.bitwise_not(head))
    trusted = cv2.erode(body, np.ones((5, 5), np.uint8))
    solid = _pull_colours_outwards(crop, trusted)
    # Behind the neck the suit's ring closes in an arc above its black inside.
    arc = np.array([(120, 354), (166, 353), (205, 362), (258, 376), (305, 394), (340, 416)])
    behind = np.zeros_like(person)
    cv2.fillPoly(behind, [np.vstack([arc, [(345, 512), (120, 512)]])], 255)
    filled = crop.copy()
    filled[:COLLAR_TOP_Y] = COLLAR_COLOUR
    cv2.polylines(filled, [arc], False, RING_COLOUR, 9, cv2.LINE_AA)
    filled = cv2.GaussianBlur(filled, (0, 0), 1.2)
    # Below COLLAR_TOP_Y head and body show the same collar.
    rows = np.arange(len(crop))[:, None]
    keep = (body > 0) | (rows >= COLLAR_TOP_Y + 4)
    original = np.where(
        (rows >= COLLAR_TOP_Y + 4)[..., None] & (person > 0)[..., None], crop, solid
    )
    filled = np.where(keep[..., None], original, filled)
    coverage = _soft(cv2.bitwise_or(body, cv2.bitwise_and(behind, head)), 1.6)[..., None]
    green = np.array(BACKGROUND, dtype=np.float32)
    return filled.astype(np.float32) * coverage + green * (1.0 - coverage)
