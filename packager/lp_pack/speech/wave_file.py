"""16-bit mono WAV files, written whole or not at all."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write

LARGEST = 32767


def write_wave(path: Path, samples: NDArray[np.float32], sample_rate: int) -> None:
    """Write mono samples (n,) in [-1, 1]."""
    quantized = np.round(np.clip(samples, -1, 1) * LARGEST).astype("<i2")
    with atomic_write(path) as stream, wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(quantized.tobytes())
