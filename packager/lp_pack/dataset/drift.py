"""Whether labels drift: canonical keypoints belong to a person and should not move with time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
WINDOW_SECONDS = 1.0
# Distance of a second's mean from the clip's median, relative to the face's own size.
LARGEST_DRIFT = 0.1


@dataclass(frozen=True)
class Drift:
    """The furthest that canonical keypoints wander, in face sizes, and the frame where."""

    distance: float
    frame: int

    @property
    def is_large(self) -> bool:
        """Whether a person should look at the clip."""
        return self.distance > LARGEST_DRIFT


def measure_drift(canonical_keypoints: Array, valid: NDArray[np.bool_], frame_rate: float) -> Drift:
    """Compare each second's mean keypoints (frames, 21, 3) with the clip's median.

    A jump means another person or a lost face, a slope a crop that slides.
    """
    window = max(1, round(WINDOW_SECONDS * frame_rate))
    usable = canonical_keypoints[valid]
    if not len(usable):
        return Drift(0.0, 0)
    median = np.median(usable, axis=0)
    size = float(np.sqrt(np.mean(np.square(median - median.mean(axis=0))))) or 1.0
    worst = Drift(0.0, 0)
    for start in range(0, len(valid), window):
        part = canonical_keypoints[start : start + window][valid[start : start + window]]
        if len(part):
            off = float(np.sqrt(np.mean(np.square(part.mean(axis=0) - median)))) / size
            worst = max(worst, Drift(off, start), key=lambda drift: drift.distance)
    return worst
