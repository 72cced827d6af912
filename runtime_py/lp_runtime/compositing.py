"""Paste-back: a generated frame returns into the portrait that it was cut from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lp_runtime.errors import InputError

MAX_PIXELS = 64_000_000


@dataclass(frozen=True)
class _Box:
    """A rectangle of pixels; bottom and right are exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


class PasteBack:
    """Blends frames into a portrait. Everything that does not change is computed once.

    portrait: (height, width, 3) uint8 RGB.
    mask: (frame height, frame width) uint8; 255 shows the frame, 0 the portrait.
    frame_to_portrait: 2x3; maps frame pixel centres (x, y, 1) to portrait pixel centres.
    """

    def __init__(
        self,
        portrait: np.ndarray,
        mask: np.ndarray,
        frame_to_portrait: Sequence[Sequence[float]] | np.ndarray,
    ) -> None:
        """Raise InputError when shapes or types differ or the frame misses the portrait."""
        transform = np.asarray(frame_to_portrait, dtype=np.float64)
        _check_picture(portrait, "portrait", 3)
        _check_picture(mask, "mask", 2)
        if transform.shape != (2, 3) or not np.isfinite(transform).all():
            raise InputError(
                "The paste-back transform is not a finite 2x3 matrix.", got=transform.tolist()
            )
        if abs(np.linalg.det(transform[:, :2])) < 1e-9:
            raise InputError("The paste-back transform is singular.", got=transform.tolist())
        self._portrait = np.array(portrait, order="C")
        self._frame_shape = (*mask.shape, 3)
        box = _affected_box(transform, mask.shape, portrait.shape)
        weight = cv2.warpAffine(
            mask.astype(np.float32) / 255.0,
            _with_origin(transform, box),
            (box.right - box.left, box.bottom - box.top),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0.0,
        )
        self._box, self._weight = _tightened(box, weight)
        self._to_box = _with_origin(transform, self._box)
        self._portrait_weight = 1.0 - self._weight
        self._portrait_box = self._portrait[self._box.slices].copy()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the result."""
        return self._portrait.shape[1], self._portrait.shape[0]

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """The portrait with this frame in it; a new (height, width, 3) uint8 RGB array.

        `pixels` is (frame height, frame width, 3) uint8 RGB; InputError when it is not.
        """
        if pixels.shape != self._frame_shape or pixels.dtype != np.uint8:
            raise InputError(
                "The frame does not fit the paste-back mask.",
                expected=f"uint8 {list(self._frame_shape)}",
                got=f"{pixels.dtype} {list(pixels.shape)}",
            )
        warped = cv2.warpAffine(
            pixels,
            self._to_box,
            (self._box.right - self._box.left, self._box.bottom - self._box.top),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        result = self._portrait.copy()
        result[self._box.slices] = cv2.blendLinear(
            warped, self._portrait_box, self._weight, self._portrait_weight
        )
        return result


def read_picture(path: str | Path, channels: int = 3) -> np.ndarray:
    """An 8-bit picture: (height, width, 3) RGB, or (height, width) for `channels` 1.

    Raises InputError when the file is missing, damaged, not a picture, or too large.
    """
    where = Path(path)
    try:
        data = np.frombuffer(where.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError("The picture cannot be read.", where=where, got=error.strerror) from error
    mode = cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE
    try:
        picture = cv2.imdecode(data, mode) if data.size else None
    except cv2.error as error:
        raise InputError("The picture cannot be decoded.", where=where, got=error.err) from error
    if picture is None:
        raise InputError(
            "The picture cannot be decoded.",
            where=where,
            expected="an intact picture, such as PNG or JPEG",
            remedy="check that it was copied whole",
        )
    if picture.shape[0] * picture.shape[1] > MAX_PIXELS:
        raise InputError(
            "The picture is too large.",
            where=where,
            expected=f"{MAX_PIXELS} pixels at most",
            got=f"{picture.shape[1]} x {picture.shape[0]}",
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if channels == 3 else picture


def _affected_box(
    transform: np.ndarray, frame_shape: Sequence[int], portrait_shape: Sequence[int]
) -> _Box:
    """The portrait's pixels that the frame can reach."""
    height, width = frame_shape[:2]
    # Half a pixel beyond the centres of the outermost pixels is where a pixel's influence ends;
    # one whole pixel, because the warp interpolates towards the border value.
    corners = np.array([[x, y, 1.0] for x in (-1, width) for y in (-1, height)])
    reached = corners @ transform.T
    left, top = np.floor(reached.min(axis=0)).astype(int)
    right, bottom = np.ceil(reached.max(axis=0)).astype(int) + 1
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, portrait_shape[1]), min(bottom, portrait_shape[0])
    if left >= right or top >= bottom:
        raise InputError(
            "The frame would be pasted outside the portrait.",
            expected=f"inside {portrait_shape[1]} x {portrait_shape[0]} pixels",
            got=f"corners at {reached.round(1).tolist()}",
        )
    return _Box(int(top), int(bottom), int(left), int(right))


def _tightened(box: _Box, weight: np.ndarray) -> tuple[_Box, np.ndarray]:
    """The part of the box in which the frame shows at all, and its weights."""
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    if not len(rows):
        return box, weight
    tight = _Box(
        int(box.top + rows[0]),
        int(box.top + rows[-1] + 1),
        int(box.left + columns[0]),
        int(box.left + columns[-1] + 1),
    )
    shown = weight[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return tight, np.ascontiguousarray(shown)


def _with_origin(transform: np.ndarray, box: _Box) -> np.ndarray:
    """The same transform into coordinates whose origin is the box's upper left corner."""
    return transform - np.array([[0, 0, box.left], [0, 0, box.top]])


def _check_picture(picture: np.ndarray, name: str, axes: int) -> None:
    wrong_colour = axes == 3 and picture.shape[-1] != 3
    if picture.ndim != axes or picture.dtype != np.uint8 or wrong_colour or picture.size == 0:
        raise InputError(
            f"The {name} is not an 8-bit picture.",
            expected="uint8 (height, width, 3)" if axes == 3 else "uint8 (height, width)",
            got=f"{picture.dtype} {picture.shape}",
        )
