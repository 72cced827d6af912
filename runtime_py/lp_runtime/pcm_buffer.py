"""Sound that waits to fill a frame."""

from __future__ import annotations

import numpy as np

from lp_runtime.errors import InputError


class PcmBuffer:
    """Cuts pushed samples of any length into frames of a fixed length."""

    def __init__(self, samples_per_frame: int) -> None:
        self._samples_per_frame = samples_per_frame
        self._samples = np.zeros(0, np.float32)
        self._start = 0
        # Samples pushed since the last clear.
        self.pushed = 0

    def clear(self) -> None:
        """Forget everything."""
        self._samples = np.zeros(0, np.float32)
        self._start = 0
        self.pushed = 0

    def push(self, samples: np.ndarray) -> None:
        """Append a copy of mono samples; raises InputError when they are not finite mono float."""
        given = np.asarray(samples)
        if given.ndim != 1 or given.dtype.kind != "f":
            raise InputError(
                "The sound is not a plain array of samples.",
                expected="mono float samples, shape (n,)",
                got=f"{given.dtype}, shape {given.shape}",
                remedy="mix to mono and convert to float32 in [-1, 1]",
            )
        if not np.isfinite(given).all():
            raise InputError("The sound holds NaN or infinity.", expected="finite samples")
        self._append(given.astype(np.float32, copy=False))
        self.pushed += len(given)

    def pad(self, extra_frames: int) -> None:
        """Fill the last frame with silence and append `extra_frames` silent frames."""
        to_fill = -(len(self._samples) - self._start) % self._samples_per_frame
        self._append(np.zeros(to_fill + extra_frames * self._samples_per_frame, np.float32))

    def take(self) -> np.ndarray | None:
        """The next full frame, or None while there is none."""
        end = self._start + self._samples_per_frame
        if end > len(self._samples):
            return None
        frame = self._samples[self._start : end]
        self._start = end
        return frame

    def _append(self, samples: np.ndarray) -> None:
        # Concatenating copies: what the caller does to `samples` later changes nothing here.
        self._samples = np.concatenate([self._samples[self._start :], samples])
        self._start = 0
