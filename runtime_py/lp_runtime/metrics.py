"""How far two versions of a tensor are apart, frame by frame.

The metrics that a manifest's thresholds name. All take arrays (frames, ...) of equal shape, the
trusted one first, and return one figure for each frame, (frames,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lp_runtime.manifest import MotionPart

IDENTICAL_DB = 200.0
# A part that hardly moves in a sequence is judged by the range that it has in life.
SMALLEST_RANGE = {"degrees": 10.0}
SMALLEST_RANGE_OTHERWISE = 0.1


def max_abs(expected: np.ndarray, got: np.ndarray, parts: Sequence[MotionPart] = ()) -> np.ndarray:
    """Largest absolute difference of each frame."""
    return np.abs(_rows(expected) - _rows(got)).max(axis=1)


def psnr_db(expected: np.ndarray, got: np.ndarray, parts: Sequence[MotionPart] = ()) -> np.ndarray:
    """Peak signal to noise ratio of each frame for values in [0, 1]; 200 dB means identical."""
    mean_square = np.square(_rows(expected) - _rows(got)).mean(axis=1)
    return -10.0 * np.log10(np.maximum(mean_square, 10.0 ** (-IDENTICAL_DB / 10.0)))


def range_fraction(
    expected: np.ndarray, got: np.ndarray, parts: Sequence[MotionPart] = ()
) -> np.ndarray:
    """Largest difference of each frame as a fraction of the range of its part of the vector.

    A part's range is what the expected values span over the whole sequence; the worst part counts.
    Without parts the whole vector is one.
    """
    before, after = _rows(expected), _rows(got)
    whole = MotionPart(name="all", start=0, stop=before.shape[1], unit="")
    worst = np.zeros(len(before))
    for part in parts or (whole,):
        columns = slice(part.start, part.stop)
        smallest = SMALLEST_RANGE.get(part.unit, SMALLEST_RANGE_OTHERWISE)
        span = max(float(np.ptp(before[:, columns])), smallest)
        difference = np.abs(before[:, columns] - after[:, columns]).max(axis=1)
        worst = np.maximum(worst, difference / span)
    return worst


def _rows(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64).reshape(len(array), -1)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, Sequence[MotionPart]], np.ndarray]] = {
    "max_abs": max_abs,
    "psnr_db": psnr_db,
    "range_fraction": range_fraction,
}
