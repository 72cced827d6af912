"""Clips as data URLs: the reference alone, or reference, variant and difference side by side."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

import cv2
import numpy as np

from lp_pack.report.playing import Performance, Played
from lp_runtime.audio import read_audio
from lp_runtime.video import Sound, VideoWriter

QUALITY = 24
SOUND_RATE = 48_000
# One panel's side, beside others; a page with four variants stays a few megabytes.
PANEL = 288
# A difference of 1 in 255 is invisible; of this many it is plain.
MAGNIFICATION = 16


def reference_clip(performance: Performance) -> str:
    """The reference variant at full size, with sound."""
    return _encode(performance, list(performance.variants[0].frames))


def comparison_clip(performance: Performance, other: Played) -> str:
    """Reference, `other` and their magnified difference, with sound."""
    frames = []
    for before, after in zip(performance.variants[0].frames, other.frames, strict=True):
        difference = np.abs(before.astype(np.int16) - after.astype(np.int16)) * MAGNIFICATION
        panels = (before, after, np.minimum(difference, 255).astype(np.uint8))
        frames.append(np.concatenate([_panel(panel) for panel in panels], axis=1))
    return _encode(performance, frames)


def _panel(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[0] <= PANEL:
        return pixels
    width = round(pixels.shape[1] * PANEL / pixels.shape[0])
    return cv2.resize(pixels, (width, PANEL), interpolation=cv2.INTER_AREA)


def _encode(performance: Performance, frames: list[np.ndarray]) -> str:
    rate = performance.frame_rate
    samples = read_audio(performance.sound, SOUND_RATE)[: round(len(frames) / rate * SOUND_RATE)]
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        sound = Sound(samples, SOUND_RATE)
        with VideoWriter(path, width, height, rate, sound, QUALITY) as writer:
            for frame in frames:
                writer.write(frame)
        return f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"
