"""How far two plays of the same sound are apart: over time, over the picture, at the lips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lp_pack.frame_regions import Region, keypoint_region
from lp_pack.report.playing import Played

# Bands of the picture in the heat map over time.
BANDS = 24
# Room around the lip keypoints, in frame halves.
LIP_MARGIN = 0.12
PEAK = 255.0
IDENTICAL_DB = 99.0


@dataclass(frozen=True)
class Differences:
    """One variant against the reference; differences in steps of 255."""

    # (bands, frames): mean difference within each horizontal band of each frame.
    bands: np.ndarray
    # (height, width): mean difference over the frames.
    where: np.ndarray
    # (frames,) decibels.
    psnr: np.ndarray
    largest: int
    # Decibels within the lips' box over the whole clip; None where lips are not known.
    lip_psnr: float | None
    # Mean absolute difference of the frame-to-frame changes, and the reference's own mean change.
    flicker: float
    motion: float


def compare(reference: Played, other: Played, lips: Region | None) -> Differences:
    """Differences of two variants that played the same sound."""
    height = reference.frames.shape[1]
    edges = np.linspace(0, height, min(BANDS, height) + 1).astype(int)[:-1]
    rows = np.diff(np.append(edges, height))
    bands, squares, lip_squares, largest = [], [], [], 0
    total = np.zeros(reference.frames.shape[1:3])
    for before, after in zip(reference.frames, other.frames, strict=True):
        difference = np.abs(before.astype(np.int16) - after.astype(np.int16))
        each = difference.mean(axis=2)
        bands.append(np.add.reduceat(each.mean(axis=1), edges) / rows)
        total += each
        largest = max(largest, int(difference.max()))
        squares.append(np.square(difference, dtype=np.float64).mean())
        if lips is not None:
            lip_squares.append(np.square(difference[lips], dtype=np.float64).mean())
    flicker, motion = _temporal(reference, other)
    return Differences(
        bands=np.stack(bands, axis=1),
        where=total / len(reference.frames),
        psnr=_decibels(np.array(squares)),
        largest=largest,
        lip_psnr=float(_decibels(np.array([np.mean(lip_squares)]))[0]) if lip_squares else None,
        flicker=flicker,
        motion=motion,
    )


def lip_region(played: Played, lips: tuple[int, ...] | None) -> Region | None:
    """The box around the lip keypoints over the whole clip, or None where it cannot be known."""
    if played.keypoints is None or not lips:
        return None
    height, width = played.frames.shape[1:3]
    return keypoint_region(played.keypoints, lips, height, width, LIP_MARGIN)


def _temporal(reference: Played, other: Played) -> tuple[float, float]:
    changes = list(zip(_changes(reference.frames), _changes(other.frames), strict=True))
    if not changes:
        return 0.0, 0.0
    flicker = [np.abs(before - after).mean() for before, after in changes]
    return float(np.mean(flicker)), float(np.mean([np.abs(before).mean() for before, _ in changes]))


def _changes(frames: np.ndarray) -> Iterator[np.ndarray]:
    for before, after in pairwise(frames):
        yield after.astype(np.int16) - before.astype(np.int16)


def _decibels(mean_squares: np.ndarray) -> np.ndarray:
    floor = PEAK**2 * 10 ** (-IDENTICAL_DB / 10)
    return 10 * np.log10(PEAK**2 / np.maximum(mean_squares, floor))
