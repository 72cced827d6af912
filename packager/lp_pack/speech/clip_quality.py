"""Whether a spoken clip is fit to learn from: duration, level, clipping, silence, rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SHORTEST_SECONDS, LONGEST_SECONDS = 0.3, 30.0
# Level of the loud parts (95th percentile of 20 ms steps) in dB relative to full scale.
TOO_QUIET_DB, SILENT_DB = -40.0, -60.0
CLIPPED_LEVEL, CLIPPED_RUN, CLIPPED_SHARE = 0.999, 3, 1e-3
# Below this under the loud parts nobody speaks.
PAUSE_BELOW_DB = 35.0
STEP_SECONDS = 0.02


@dataclass(frozen=True)
class QualityProblem:
    """One thing that is wrong with one file."""

    file: str
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} (expected {self.expected}, got {self.got})"


def check_clip(
    file: str, samples: Array, sample_rate: int, expected_rate: int
) -> tuple[QualityProblem, ...]:
    """What is wrong with mono samples (n,) of a file; empty where nothing is."""
    problems = []

    def report(what: str, expected: str, got: str) -> None:
        problems.append(QualityProblem(file, what, expected, got))

    if sample_rate != expected_rate:
        report("wrong rate", f"{expected_rate} Hz", f"{sample_rate} Hz")
    seconds = len(samples) / sample_rate
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        allowed = f"{SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s"
        report("duration out of range", allowed, f"{seconds:.2f} s")
    loud = loudness(samples, sample_rate)
    if loud < SILENT_DB:
        report("silent", f"speech above {SILENT_DB:g} dB", f"{loud:.0f} dB")
    elif loud < TOO_QUIET_DB:
        report("too quiet", f"speech above {TOO_QUIET_DB:g} dB", f"{loud:.0f} dB")
    share = clipped_share(samples)
    if share > CLIPPED_SHARE:
        report("clipped", f"at most {CLIPPED_SHARE:.1%} of the samples", f"{share:.1%}")
    return tuple(problems)


def loudness(samples: Array, sample_rate: int) -> float:
    """Level of the loud parts in dB relative to full scale; -120 for digital silence."""
    levels = step_levels(samples, sample_rate)
    return float(np.percentile(levels, 95)) if len(levels) else -120.0


def step_levels(samples: Array, sample_rate: int) -> NDArray[np.float64]:
    """Level of every 20 ms in dB, the last step filled up with silence."""
    step = round(STEP_SECONDS * sample_rate)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % step))
    power = np.square(padded).reshape(-1, step).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def clipped_share(samples: Array) -> float:
    """Share of samples in runs of three or more at full scale; a single peak is no clipping."""
    full = np.abs(samples) >= CLIPPED_LEVEL
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= CLIPPED_RUN].sum() / max(len(samples), 1))


def spoken_frames(samples: Array, sample_rate: int, frame_rate: float) -> tuple[int, int]:
    """Frames [start, end) between which somebody speaks; (0, 0) for silence."""
    levels = step_levels(samples, sample_rate)
    loud = loudness(samples, sample_rate)
    speaking = np.flatnonzero(levels > max(loud - PAUSE_BELOW_DB, SILENT_DB))
    if not len(speaking):
        return 0, 0
    per_frame = 1 / (frame_rate * STEP_SECONDS)
    return int(speaking[0] / per_frame), int(np.ceil((speaking[-1] + 1) / per_frame))
