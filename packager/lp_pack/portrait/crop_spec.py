"""The `--crop` option, parsed once: `auto`, `none`, `X,Y,SIZE` or a landmarks file.

A landmarks file is JSON: `{"landmarks": [[x, y], ...]}` with 5, 68, 106 or 203 points in pixels of
the upright portrait (after EXIF rotation), in the order of `face_geometry.LAYOUTS`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from lp_pack.errors import PortraitError
from lp_pack.portrait.face_geometry import LAYOUTS, CropSquare, FaceFrame, crop_square
from lp_pack.portrait.loading import MIN_SIDE

MAX_LANDMARKS_BYTES = 1024 * 1024
# Beyond any portrait that loading admits, by far.
MAX_COORDINATE = 1e6
USAGE = "auto, none, X,Y,SIZE (pixels, e.g. 120,40,600) or the path of a landmarks .json file"


@dataclass(frozen=True)
class AutoCrop:
    """Find the face and frame it as LivePortrait does."""

    def describe(self) -> str:
        """The option as recorded in a bundle's provenance."""
        return "auto"


@dataclass(frozen=True)
class WholePicture:
    """`none`: the picture is framed already; its largest centred square is used."""

    def describe(self) -> str:
        """The option as recorded in a bundle's provenance."""
        return "none"


@dataclass(frozen=True)
class BoxCrop:
    """A given upright square: left and top edge and side, in portrait pixels."""

    x: float
    y: float
    size: float

    def describe(self) -> str:
        """The option as recorded in a bundle's provenance."""
        return f"{self.x:g},{self.y:g},{self.size:g}"

    def square(self) -> CropSquare:
        """The square, with the pixel in column x and row y as its first."""
        middle = (self.size - 1) / 2
        return CropSquare((self.x + middle, self.y + middle), self.size)


@dataclass(frozen=True)
class LandmarkCrop:
    """Given landmarks, framed as LivePortrait does."""

    points: tuple[tuple[float, float], ...]

    def describe(self) -> str:
        """The option as recorded in a bundle's provenance: count and hash, no path."""
        digest = hashlib.sha256(msgspec.json.encode(self.points)).hexdigest()
        return f"landmarks({len(self.points)}, sha256 {digest})"

    def square(self) -> CropSquare:
        """The square around the landmarks."""
        return crop_square(FaceFrame.from_landmarks(np.asarray(self.points, dtype=np.float64)))


CropSpec = AutoCrop | WholePicture | BoxCrop | LandmarkCrop


class LandmarksFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The schema of a landmarks file."""

    landmarks: list[tuple[float, float]]


def parse_crop(text: str) -> CropSpec:
    """Parse the value of `--crop`; raises PortraitError for anything it cannot mean."""
    value = text.strip()
    if value == "auto":
        return AutoCrop()
    if value == "none":
        return WholePicture()
    if value.lower().endswith(".json"):
        return read_landmarks(Path(value))
    parts = value.split(",")
    if len(parts) != 3:
        raise crop_error("the --crop value is not understood", USAGE, repr(text))
    try:
        x, y, size = (float(part) for part in parts)
    except ValueError as error:
        raise crop_error("--crop X,Y,SIZE is not three numbers", USAGE, repr(text)) from error
    if not all(math.isfinite(v) and abs(v) <= MAX_COORDINATE for v in (x, y, size)):
        raise crop_error("--crop X,Y,SIZE is out of any picture", "pixels", repr(text))
    if size < MIN_SIDE:
        raise crop_error("--crop SIZE is too small", f"at least {MIN_SIDE} pixels", f"{size:g}")
    return BoxCrop(x, y, size)


def crop_error(what: str, expected: str, got: str) -> PortraitError:
    """A PortraitError about the option itself."""
    return PortraitError(
        what,
        where="--crop",
        expected=expected,
        got=got,
        remedy="X and Y are the left and top edge of the square, SIZE is its side",
    )


def read_landmarks(path: Path) -> LandmarkCrop:
    """Read and check a landmarks file; raises PortraitError with the path of a bad value."""
    expected = 'JSON {"landmarks": [[x, y], ...]} with ' + counts_text() + " points"
    try:
        if not path.is_file():
            raise landmarks_error(path, expected, "no such file")
        with path.open("rb") as stream:
            data = stream.read(MAX_LANDMARKS_BYTES + 1)
    except (OSError, ValueError) as error:
        raise landmarks_error(path, expected, getattr(error, "strerror", str(error))) from error
    if len(data) > MAX_LANDMARKS_BYTES:
        raise landmarks_error(path, expected, f"more than {MAX_LANDMARKS_BYTES} bytes")
    try:
        points = msgspec.json.decode(data, type=LandmarksFile).landmarks
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise landmarks_error(path, expected, str(error)) from error
    if len(points) not in LAYOUTS:
        raise landmarks_error(path, expected, f"{len(points)} points")
    if any(abs(v) > MAX_COORDINATE for point in points for v in point):
        raise landmarks_error(path, expected, f"a coordinate beyond {MAX_COORDINATE:g}")
    check_order(path, np.asarray(points, dtype=np.float64))
    return LandmarkCrop(tuple(points))


def check_order(path: Path, points: np.ndarray) -> None:
    """Refuse points that span no face, or are mirrored (x and y, or left and right, swapped)."""
    layout = LAYOUTS[len(points)]
    left, right, lips = (
        points[list(part)].mean(axis=0) for part in (layout.left_eye, layout.right_eye, layout.lips)
    )
    across, down = right - left, lips - (left + right) / 2
    if np.linalg.norm(down) < 1.0 or np.linalg.norm(across) < 1.0:
        raise landmarks_error(path, "eyes and mouth apart", "points that coincide")
    # 5 and 68 points have one agreed order of left and right.
    if len(points) in (5, 68) and across[0] * down[1] - across[1] * down[0] <= 0:
        raise landmarks_error(
            path, "[x, y] pairs, the picture's left eye before its right", "a mirrored face"
        )


def counts_text() -> str:
    """The numbers of points that are understood, as text."""
    *first, last = (str(count) for count in LAYOUTS)
    return f"{', '.join(first)} or {last}"


def landmarks_error(path: Path, expected: str, got: str) -> PortraitError:
    """A PortraitError about a landmarks file."""
    return PortraitError(
        "the landmarks file cannot be used",
        where=path,
        expected=expected,
        got=got,
        remedy="write pixels of the upright portrait; 5 points are left eye, right eye, nose, "
        "left and right mouth corner",
    )
