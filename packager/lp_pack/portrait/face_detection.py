"""Find upright and tilted faces with OpenCV's Haar cascades, which ship inside its wheel.

One cascade alone sees faces in coins and leaves. Here one frontal cascade proposes, two others
must agree, and eyes are looked for where eyes belong. What tells a face from an accident best is
how many of a cascade's overlapping windows fired: dozens on a face, a handful on coins. The
picture is searched as it stands first; only if nothing is found there, in turned copies.

Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from cv2.data import haarcascades

from lp_pack.errors import PortraitError

PROPOSING_CASCADE = "haarcascade_frontalface_alt2"
CONFIRMING_CASCADES = ("haarcascade_frontalface_alt", "haarcascade_frontalface_default")
EYE_CASCADES = ("haarcascade_eye_tree_eyeglasses", "haarcascade_eye")

# The picture is searched at these longest sides, in pixels, with faces from MIN_FACE up; turned
# copies at a smaller one, as there are many.
SEARCH_SIDES = (640, 1280, 2560)
TURNED_SEARCH_SIDE = 480
MIN_FACE = 32
# A cascade still sees a face tilted by about 15 degrees, so these steps close the circle.
TURNS = (0, 30, -30, 60, -60, 90, -90, 120, -120, 150, -150, 180)

# A face box is scaled to this side before eyes are searched in its upper part.
EYE_SEARCH_SIDE = 256
EYE_BAND = 0.62

# Scores are windows that fired in the least convinced cascade. Measured on three photographs, a
# painting, a video and turned copies: 13 to 93 on a face within 15 degrees of upright, at most 7
# on coins, a cat, gravel, cells, landscapes, and faces upside down.
SCORE_WITHOUT_EYES = 20
SCORE_WITH_EYES = 10
# Enough with both eyes, upright, where nothing better is found anywhere.
SCORE_LAST_RESORT = 4
SAME_FACE_OVERLAP = 0.35

# Mouth below the eyes, in distances between the eyes (65 mm to 62 mm in adult faces).
MOUTH_DROP = 1.05


@dataclass(frozen=True)
class Box:
    """A square in portrait pixels: left, top, side."""

    x: float
    y: float
    size: float

    @property
    def centre(self) -> tuple[float, float]:
        """Its centre (x, y)."""
        return self.x + self.size / 2, self.y + self.size / 2

    def overlap(self, other: Box) -> float:
        """Area of the intersection over area of the union, 0..1."""
        width = min(self.x + self.size, other.x + other.size) - max(self.x, other.x)
        height = min(self.y + self.size, other.y + other.size) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.size**2 + other.size**2 - shared)


@dataclass(frozen=True)
class DetectedFace:
    """One face in portrait pixels. Left and right are the picture's, seen with the face upright.

    `box` is the cascades' square, brows to chin and a little more, laid around the face's centre
    without its tilt. `roll` is the tilt in degrees, positive clockwise as seen on the screen.
    `mouth` is estimated from the eyes. `score` is the number of windows that fired in the least
    convinced of the three face cascades.
    """

    box: Box
    left_eye: tuple[float, float] | None
    right_eye: tuple[float, float] | None
    mouth: tuple[float, float] | None
    roll: float
    score: int


@cache
def load_cascade(name: str) -> cv2.CascadeClassifier:
    """A cascade from OpenCV's data folder; PortraitError where this OpenCV carries none."""
    path = Path(haarcascades) / f"{name}.xml"
    cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise PortraitError(
            "this OpenCV has no face detector",
            where=path,
            expected="the cascade files of opencv-python-headless 4.x",
            got=f"OpenCV {cv2.__version__} without them",
            remedy="pip install 'opencv-python-headless>=4.10,<5', or pass --crop X,Y,SIZE",
        )
    return cascade


def detect_faces(rgb: np.ndarray) -> list[DetectedFace]:
    """All faces of `rgb` (height, width, 3) uint8, largest first; empty where there is none."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    longest = max(grey.shape)
    weak: list[DetectedFace] = []
    for side in SEARCH_SIDES:
        if side > SEARCH_SIDES[0] and side > longest:
            break
        candidates = search_turned(grey, side / longest, 0)
        faces = [face for face in candidates if is_convincing(face)]
        if faces:
            return by_size(without_duplicates(faces))
        weak += [face for face in candidates if has_both_eyes(face)]
    turned = [
        face
        for turn in TURNS[1:]
        for face in search_turned(grey, TURNED_SEARCH_SIDE / longest, turn)
        if is_convincing(face)
    ]
    return by_size(without_duplicates(turned or weak))


def has_both_eyes(face: DetectedFace) -> bool:
    """Whether both eyes were found where eyes belong."""
    return face.left_eye is not None and face.right_eye is not None


def is_convincing(face: DetectedFace) -> bool:
    """Whether `face` stands on its own; a turned copy always needs that."""
    needed = SCORE_WITH_EYES if has_both_eyes(face) else SCORE_WITHOUT_EYES
    return face.score >= needed


def by_size(faces: list[DetectedFace]) -> list[DetectedFace]:
    """Largest first; ties from left to right, so that the order is reproducible."""
    return sorted(faces, key=lambda face: (-face.box.size, face.box.x, face.box.y))


def without_duplicates(faces: list[DetectedFace]) -> list[DetectedFace]:
    """Of detections of the same place, keep the best score, then the one least turned."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda f: (-f.score, abs(f.roll), f.box.x, f.box.y)):
        if all(face.box.overlap(other.box) < SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def search_turned(grey: np.ndarray, scale: float, turn: float) -> list[DetectedFace]:
    """Faces that stand upright after the picture is scaled and turned by `turn` degrees.

    A positive `turn` turns the picture anticlockwise, and so uprights faces tilted clockwise.
    """
    to_search = turning_matrix(grey.shape[1], grey.shape[0], scale, turn)
    search = turned_picture(grey, to_search, scale, turn)
    back = cv2.invertAffineTransform(to_search)
    return [
        in_portrait(located(search, box, score), back, scale, turn)
        for box, score in propose(search)
    ]


def turning_matrix(width: int, height: int, scale: float, turn: float) -> np.ndarray:
    """2x3 matrix portrait -> search picture: scaled, turned, shifted so that nothing is cut."""
    matrix = cv2.getRotationMatrix2D((0.0, 0.0), turn, scale)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64)
    turned = corners @ matrix[:, :2].T
    matrix[:, 2] = -turned.min(axis=0)
    return matrix


def turned_picture(grey: np.ndarray, matrix: np.ndarray, scale: float, turn: float) -> np.ndarray:
    """The search picture; shrinking averages areas. Cascades normalise contrast themselves."""
    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    if turn == 0:
        return scaled
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T
    extent = np.ceil(corners.max(axis=0) - corners.min(axis=0)).astype(int)
    of_scaled = matrix.copy()
    of_scaled[:, :2] /= scale
    return cv2.warpAffine(scaled, of_scaled, (int(extent[0]), int(extent[1])))


def propose(search: np.ndarray) -> list[tuple[Box, int]]:
    """Boxes that all face cascades report, averaged over the cascades, with their score."""
    proposed, windows = load_cascade(PROPOSING_CASCADE).detectMultiScale2(
        search, scaleFactor=1.1, minNeighbors=SCORE_LAST_RESORT, minSize=(MIN_FACE, MIN_FACE)
    )
    confirmed = []
    for (x, y, size, _), count in zip(proposed, windows, strict=True):
        boxes = [Box(float(x), float(y), float(size))]
        scores = [int(count)]
        for name in CONFIRMING_CASCADES:
            agreeing = confirm(search, boxes[0], name)
            if agreeing is None:
                break
            boxes.append(agreeing[0])
            scores.append(agreeing[1])
        else:
            confirmed.append((mean_box(boxes), min(scores)))
    return confirmed


def confirm(search: np.ndarray, box: Box, cascade: str) -> tuple[Box, int] | None:
    """What `cascade` finds at the place of `box`, looking only around it; None if nothing."""
    margin = box.size / 2
    left, top = max(0, int(box.x - margin)), max(0, int(box.y - margin))
    around = search[top : int(box.y + box.size + margin), left : int(box.x + box.size + margin)]
    found, windows = load_cascade(cascade).detectMultiScale2(
        np.ascontiguousarray(around),
        scaleFactor=1.1,
        minNeighbors=SCORE_LAST_RESORT,
        minSize=(int(box.size * 0.6), int(box.size * 0.6)),
        maxSize=(int(box.size * 1.6), int(box.size * 1.6)),
    )
    agreeing = [
        (int(count), Box(float(left + x), float(top + y), float(size)))
        for (x, y, size, _), count in zip(found, windows, strict=True)
    ]
    agreeing = [(n, other) for n, other in agreeing if box.overlap(other) >= SAME_FACE_OVERLAP]
    if not agreeing:
        return None
    # OpenCV searches in threads: the order of what it finds may differ from run to run.
    count, best = max(agreeing, key=lambda pair: (pair[0], pair[1].size, pair[1].x, pair[1].y))
    return best, count


def mean_box(boxes: list[Box]) -> Box:
    """The average of boxes around one face."""
    x, y, size = np.mean([(box.x, box.y, box.size) for box in boxes], axis=0)
    return Box(float(x), float(y), float(size))


def located(search: np.ndarray, box: Box, score: int) -> DetectedFace:
    """Look for eyes in `box`; all coordinates are still those of the search picture."""
    left, right = find_eyes(search, box)
    roll, mouth = 0.0, None
    if left is not None and right is not None:
        across = (right[0] - left[0], right[1] - left[1])
        roll = math.degrees(math.atan2(across[1], across[0]))
        mouth = (
            (left[0] + right[0]) / 2 - MOUTH_DROP * across[1],
            (left[1] + right[1]) / 2 + MOUTH_DROP * across[0],
        )
    return DetectedFace(box, left, right, mouth, roll, score)


def find_eyes(
    search: np.ndarray, box: Box
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Centres of the left and right eye in `box`, each None where not found."""
    x, y, size = round(box.x), round(box.y), round(box.size)
    patch = search[max(0, y) : y + round(size * EYE_BAND), max(0, x) : x + size]
    if min(patch.shape) < 8:
        return None, None
    zoom = EYE_SEARCH_SIDE / size
    patch = cv2.resize(patch, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    for name in EYE_CASCADES:
        found = load_cascade(name).detectMultiScale(
            patch, scaleFactor=1.05, minNeighbors=3, minSize=(28, 28), maxSize=(110, 110)
        )
        centres = [(ex + ew / 2, ey + eh / 2) for ex, ey, ew, eh in found]
        left, right = choose_pair(centres)
        if left is not None and right is not None:
            break

    def to_search(eye: tuple[float, float] | None) -> tuple[float, float] | None:
        return None if eye is None else (max(0, x) + eye[0] / zoom, max(0, y) + eye[1] / zoom)

    return to_search(left), to_search(right)


def choose_pair(
    centres: list[tuple[float, float]],
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Of eye candidates in a 256-pixel face box, the one nearest each eye's usual place.

    Usual places (0.30, 0.39) and (0.70, 0.39) of the box, within 0.17; the pair must be 0.25 to
    0.6 of the box apart and tilted by less than 27 degrees, or else only the nearer one counts.
    """
    side = EYE_SEARCH_SIDE
    chosen: list[tuple[float, tuple[float, float]] | None] = []
    for place in (0.30 * side, 0.70 * side):
        ranked = sorted((math.hypot(x - place, y - 0.39 * side), (x, y)) for x, y in centres)
        chosen.append(ranked[0] if ranked and ranked[0][0] < 0.17 * side else None)
    left, right = chosen
    if left is None or right is None:
        return (left[1] if left else None), (right[1] if right else None)
    across, down = right[1][0] - left[1][0], right[1][1] - left[1][1]
    if 0.25 * side <= math.hypot(across, down) <= 0.6 * side and abs(down) < 0.5 * across:
        return left[1], right[1]
    return (left[1], None) if left[0] <= right[0] else (None, right[1])


def in_portrait(face: DetectedFace, back: np.ndarray, scale: float, turn: float) -> DetectedFace:
    """Map a face from the search picture to the portrait's pixels."""

    def point(position: tuple[float, float]) -> tuple[float, float]:
        x, y = back @ (*position, 1.0)
        return float(x), float(y)

    centre_x, centre_y = point(face.box.centre)
    size = face.box.size / scale
    roll = (face.roll + turn + 180) % 360 - 180
    return replace(
        face,
        box=Box(centre_x - size / 2, centre_y - size / 2, size),
        left_eye=None if face.left_eye is None else point(face.left_eye),
        right_eye=None if face.right_eye is None else point(face.right_eye),
        mouth=None if face.mouth is None else point(face.mouth),
        roll=roll,
    )
