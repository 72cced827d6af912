"""A portrait file becomes an RGB array, its alpha and its provenance; or a PortraitError.

Files come from strangers: the size of the file and of the picture are bounded before anything is
decoded, only plain raster formats are opened, and the bytes are read once, so that the recorded
hash is the hash of what was decoded.
"""

from __future__ import annotations

import hashlib
import io
import stat
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from lp_pack.errors import PortraitError
from lp_pack.portrait.pixel_conversion import Pixels, UnsupportedPixelsError, to_pixels

MAX_FILE_BYTES = 256 * 1024 * 1024
# 240 MB as 8-bit RGB; above any phone's everyday picture.
MAX_PIXELS = 80_000_000
MIN_SIDE = 96
MAX_ASPECT = 10.0

# No vector, document or scientific formats: Pillow hands some of those to external programs.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
FORMATS_TEXT = "a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF picture"
# A phone's JPEG carries its preview or depth map as a second picture; that is no animation.
SINGLE_PICTURE_FORMATS = ("JPEG", "MPO")

EXIF_ORIENTATION = 0x0112
# EXIF orientation -> what turns the stored rows upright: swap rows and columns, then flip
# vertically, then horizontally (EXIF 2.32, tag 0x0112).
ORIENTATIONS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True)
class PortraitProvenance:
    """Which file a portrait came from and how it was stored."""

    # Of the file's bytes, in hexadecimal.
    sha256: str
    bytes: int
    # Pillow's names, e.g. "JPEG" and "CMYK".
    format: str
    mode: str
    # (width, height) as stored, and after EXIF rotation.
    stored_size: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True)
class Portrait:
    """An upright portrait: `rgb` (height, width, 3) uint8, `alpha` (height, width) uint8 or None.

    Where there is alpha, `rgb` is already composited over white.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    provenance: PortraitProvenance
    notices: tuple[str, ...]


def load_portrait(path: str | Path) -> Portrait:
    """Read, decode, rotate upright and convert the picture at `path`.

    Raises PortraitError when the file is absent, no picture, too large, too small or unreadable.
    """
    path = Path(path)
    data = read_bounded(path)
    with warnings.catch_warnings():
        # Size is bounded by open_header; the rest (odd EXIF, odd metadata) changes no pixel.
        warnings.simplefilter("ignore")
        image = open_header(path, data)
        stored_size, stored_mode, file_format = image.size, image.mode, image.format or "unknown"
        notices = animation_notices(image)
        pixels = decode(path, image)
    height, width = pixels.rgb.shape[:2]
    provenance = PortraitProvenance(
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format=file_format,
        mode=stored_mode,
        stored_size=stored_size,
        size=(width, height),
    )
    return Portrait(pixels.rgb, pixels.alpha, provenance, (*notices, *pixels.notices))


def read_bounded(path: Path) -> bytes:
    """The bytes of a regular file of at most MAX_FILE_BYTES."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PortraitError(
                "the portrait is not a file",
                where=path,
                expected=FORMATS_TEXT,
                got="a folder" if stat.S_ISDIR(status.st_mode) else "a special file",
                remedy="pass the path of the picture itself",
            )
        if not 0 < status.st_size <= MAX_FILE_BYTES:
            raise file_size_error(path, status.st_size)
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        # ValueError: a NUL byte in the path.
        reason = getattr(error, "strerror", None) or str(error)
        raise PortraitError(
            "the portrait cannot be read",
            where=path,
            expected=FORMATS_TEXT,
            got=reason,
            remedy="check the path and its permissions",
        ) from error
    if not 0 < len(data) <= MAX_FILE_BYTES:
        raise file_size_error(path, len(data))
    return data


def file_size_error(path: Path, size: int) -> PortraitError:
    """The error for an empty or oversized file."""
    return PortraitError(
        "the portrait file is empty" if size == 0 else "the portrait file is too large",
        where=path,
        expected=f"1 byte to {MAX_FILE_BYTES // 1024**2} MiB",
        got=f"{size} bytes",
        remedy="export the picture again" if size == 0 else "save it as JPEG or PNG, scaled down",
    )


def open_header(path: Path, data: bytes) -> Image.Image:
    """Identify the picture without decoding it, and check its dimensions."""
    try:
        image = Image.open(io.BytesIO(data), formats=readable_formats())
    except Image.UnidentifiedImageError as error:
        raise PortraitError(
            "the portrait is no picture that can be read",
            where=path,
            expected=FORMATS_TEXT,
            got=f"{len(data)} bytes that start with {data[:8].hex(' ')}",
            remedy="convert it to PNG or JPEG first (HEIC, SVG and PDF are not read)",
        ) from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels_error(path, str(error)) from error
    except Exception as error:
        # Header parsers raise whatever they stumble over; each means the same to a user.
        raise damaged_error(path, error) from error
    check_size(path, *image.size)
    return image


@lru_cache(maxsize=1)
def readable_formats() -> tuple[str, ...]:
    """Those of FORMATS that this build of Pillow knows (AVIF is optional)."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse dimensions that cannot hold a usable face, or that would exhaust memory."""
    if width * height > MAX_PIXELS:
        raise too_many_pixels_error(path, f"{width} x {height} pixels")
    if min(width, height) < MIN_SIDE:
        raise PortraitError(
            "the portrait is too small",
            where=path,
            expected=f"at least {MIN_SIDE} pixels on each side (512 or more for a sharp result)",
            got=f"{width} x {height} pixels",
            remedy="use a larger original; enlarging this one adds no detail",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PortraitError(
            "the portrait is too elongated",
            where=path,
            expected=f"sides within a ratio of {MAX_ASPECT:g} to 1",
            got=f"{width} x {height} pixels",
            remedy="cut out the part that shows the person",
        )


def too_many_pixels_error(path: Path, got: str) -> PortraitError:
    """The error for pictures whose decoded size is out of bounds."""
    return PortraitError(
        "the portrait has too many pixels",
        where=path,
        expected=f"at most {MAX_PIXELS // 10**6} megapixels",
        got=got,
        remedy="scale it down first; the face needs no more than about 1000 pixels",
    )


def damaged_error(path: Path, error: Exception) -> PortraitError:
    """The error for a file that starts like a picture and cannot be decoded."""
    return PortraitError(
        "the portrait is damaged or cut short",
        where=path,
        expected="a complete picture file",
        got=f"{type(error).__name__}: {error}",
        remedy="download or export the picture again",
    )


def animation_notices(image: Image.Image) -> tuple[str, ...]:
    """Say so when only the first of several frames is used."""
    if image.format in SINGLE_PICTURE_FORMATS:
        return ()
    try:
        frames = int(getattr(image, "n_frames", 1))
    except (OSError, SyntaxError, ValueError, EOFError):
        # The later frames are damaged; the first one may well be whole.
        frames = 2
    if frames < 2:
        return ()
    return (f"the {image.format} file holds several frames or pages; the first one is used",)


def decode(path: Path, image: Image.Image) -> Pixels:
    """Decode the first frame, convert to RGB and alpha, turn upright."""
    try:
        image.seek(0)
        image.load()
        return turned_upright(to_pixels(image), exif_orientation(image))
    except UnsupportedPixelsError as error:
        raise PortraitError(
            "the portrait's pixel format cannot be used",
            where=path,
            expected="8- or 16-bit grey or colour",
            got=str(error),
            remedy="export it as an 8-bit PNG or JPEG",
        ) from error
    except Exception as error:
        # Decoders raise whatever they stumble over in hostile bytes; each means the same here.
        raise damaged_error(path, error) from error


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or it cannot be read."""
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:
        # EXIF is a TIFF file within the file and as hostile; it may not spoil a good picture.
        return 1
    return orientation if orientation in ORIENTATIONS else 1


def turned_upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation on colour and alpha alike."""
    swap_axes, flip_vertical, flip_horizontal = ORIENTATIONS[orientation]

    def turn(plane: np.ndarray) -> np.ndarray:
        if swap_axes:
            plane = plane.swapaxes(0, 1)
        if flip_vertical:
            plane = plane[::-1]
        if flip_horizontal:
            plane = plane[:, ::-1]
        return np.ascontiguousarray(plane)

    alpha = None if pixels.alpha is None else turn(pixels.alpha)
    return Pixels(turn(pixels.rgb), alpha, pixels.notices)
