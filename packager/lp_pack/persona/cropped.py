"""The cropped portrait on disk: what the networks see, and how a frame returns to its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

SOURCE_NAME = "source.npy"
PORTRAIT_NAME = "portrait.png"
MASK_NAME = "mask.png"
FACTS_NAME = "crop.json"
PNG_COMPRESSION = 6

Row = tuple[float, float, float]


@dataclass(frozen=True)
class CroppedPortrait:
    """A portrait, its crop, and the way back.

    source: (3, size, size) float32 RGB in [0, 1], what the networks see.
    portrait: (height, width, 3) uint8 RGB, upright.
    mask: (frame, frame) uint8, 255 where the frame replaces the portrait.
    frame_to_portrait: 2x3, frame pixel (x, y, 1) -> portrait pixel.
    notices: what the user should know about the picture.
    """

    source: np.ndarray
    portrait: np.ndarray
    mask: np.ndarray
    frame_to_portrait: tuple[Row, Row]
    notices: tuple[str, ...] = ()


class CropFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manifest takes from a crop."""

    frame_to_portrait: tuple[Row, Row]
    notices: tuple[str, ...]


def write_cropped(cropped: CroppedPortrait, folder: Path) -> None:
    """Store a crop; equal crops give equal bytes."""
    np.save(folder / SOURCE_NAME, cropped.source, allow_pickle=False)
    for name, pixels in ((PORTRAIT_NAME, cropped.portrait), (MASK_NAME, cropped.mask)):
        Image.fromarray(pixels).save(folder / name, format="PNG", compress_level=PNG_COMPRESSION)
    facts = CropFacts(frame_to_portrait=cropped.frame_to_portrait, notices=cropped.notices)
    (folder / FACTS_NAME).write_bytes(msgspec.json.encode(facts))


def read_source(folder: Path) -> np.ndarray:
    """(3, size, size) float32 RGB in [0, 1]."""
    source: np.ndarray = np.load(folder / SOURCE_NAME, allow_pickle=False)
    return source


def read_facts(folder: Path) -> CropFacts:
    """The way back into the portrait, and the notices."""
    return msgspec.json.decode((folder / FACTS_NAME).read_bytes(), type=CropFacts)
