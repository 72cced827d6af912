"""The last step before a screen: from a frame value to the picture that is shown."""

from __future__ import annotations

import numpy as np

from lp_runtime.background import ChromaKey, make_background
from lp_runtime.bundle import Bundle
from lp_runtime.compositing import PasteBack, read_picture
from lp_runtime.errors import InputError
from lp_runtime.frames import rgb_pixels
from lp_runtime.pipeline import Session


class Composer:
    """Turns frame values into pixels: conversion, paste-back, background, in this order."""

    def __init__(
        self,
        bundle: Bundle,
        session: Session,
        paste_back: bool = True,
        background: str | None = None,
    ) -> None:
        """Prepare everything that does not change from frame to frame.

        paste_back: put the frame back into the portrait, where the bundle has one.
        background: a colour or a picture's path that replaces the portrait's plain background.

        Raises BundleError or InputError when an asset or the background cannot be used.
        """
        frame = session.pipeline.frame
        self._layout = session.values[frame.value].layout
        self._value_range = frame.value_range
        self._paste = _paste_back(bundle) if paste_back else None
        self.size = self._paste.size if self._paste else (frame.width, frame.height)
        self._key: ChromaKey | None = None
        self._background = None if background is None else make_background(background, *self.size)
        self._key_source = _portrait(bundle) if background is not None else None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The picture (height, width, 3) uint8 RGB of one frame value, a new array."""
        pixels = rgb_pixels(frame, self._layout, self._value_range)
        if self._paste is not None:
            pixels = self._paste(pixels)
        if self._background is None:
            return pixels
        if self._key is None:
            # Without a portrait the first frame says what the background's colour is.
            source = pixels if self._key_source is None else self._key_source
            self._key = ChromaKey.from_picture(source)
        return self._key.replace(pixels, self._background)


def _portrait(bundle: Bundle) -> np.ndarray | None:
    paste_back = bundle.manifest.paste_back
    return None if paste_back is None else read_picture(bundle.asset(paste_back.portrait))


def _paste_back(bundle: Bundle) -> PasteBack | None:
    record = bundle.manifest.paste_back
    if record is None:
        return None
    frame = bundle.manifest.pipeline.frame
    mask = read_picture(bundle.asset(record.mask), channels=1)
    if mask.shape != (frame.height, frame.width):
        raise InputError(
            "The paste-back mask has another size than the frame.",
            where=bundle.path / record.mask,
            expected=f"{frame.width} x {frame.height}",
            got=f"{mask.shape[1]} x {mask.shape[0]}",
        )
    return PasteBack(read_picture(bundle.asset(record.portrait)), mask, record.frame_to_portrait)
