"""How good a predicted motion is: errors per group, lip opening, lag, jitter, closures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
# Groups of the 70 numbers with their unit.
LIP_KEYPOINTS = (6, 12, 14, 17, 19, 20)
EYE_KEYPOINTS = (11, 13, 15, 16, 18)
LARGEST_LAG = 5  # frames
# The upper lip is keypoints 17 and 20, the lower one 19; y points down.
UPPER_LIP, LOWER_LIP = (17, 20), 19
# A frame counts as closed when its opening is below this share of the clip's wide openings.
CLOSED_SHARE = 0.25


@dataclass(frozen=True)
class GroupError:
    """Root mean square error of one group, and that of always answering the mean motion."""

    unit: str
    error: float
    mean_baseline: float


@dataclass(frozen=True)
class ClipAgreement:
    """How well the lips of one clip follow the truth; see `MotionMetrics`."""

    clip: str
    frames: int
    lip_correlation: float
    lag_frames: int


@dataclass(frozen=True)
class MotionMetrics:
    """Agreement of predicted with true motion over some clips."""

    groups: dict[str, GroupError]
    lip_correlation: float
    lip_correlation_worst_clip: float
    # Frames by which the prediction trails the truth where their correlation is best.
    lag_frames: int
    # Mean absolute second difference of the lip opening, prediction over truth.
    lip_jitter_ratio: float
    # Share of the truth's closed frames, b, p and m, that are closed in the prediction.
    closures_kept: float


def motion_groups() -> dict[str, tuple[NDArray[np.int64], str]]:
    """Name -> indices into the 70 numbers, and unit."""
    lips = _keypoint_columns(LIP_KEYPOINTS)
    eyes = _keypoint_columns(EYE_KEYPOINTS)
    rest = np.setdiff1d(np.arange(63), np.concatenate([lips, eyes]))
    return {
        "lips": (lips, "keypoint units"),
        "eyes": (eyes, "keypoint units"),
        "rest of expression": (rest, "keypoint units"),
        "scale": (np.array([63]), "factor"),
        "translation": (np.array([64, 65]), "keypoint units"),
        "pitch": (np.array([67]), "degrees"),
        "yaw": (np.array([68]), "degrees"),
        "roll": (np.array([69]), "degrees"),
    }


def _keypoint_columns(keypoints: tuple[int, ...]) -> NDArray[np.int64]:
    return np.concatenate([np.arange(3 * k, 3 * k + 3) for k in keypoints])


def lip_opening(motion: Array) -> Array:
    """Distance of lower from upper lip beyond the neutral one, (..., 70) -> (...,); keypoint units.

    Negative where the lips are pressed together.
    """
    lower = motion[..., 3 * LOWER_LIP + 1]
    upper = sum(motion[..., 3 * keypoint + 1] for keypoint in UPPER_LIP) / len(UPPER_LIP)
    return np.asarray(lower - upper)


def correlation(first: Array, second: Array) -> float:
    """Pearson's correlation; 0 where one of the two does not move."""
    if first.std() < 1e-9 or second.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def best_lag(predicted: Array, truth: Array) -> int:
    """Frames by which `predicted` (n,) trails `truth` (n,), by the best correlation."""
    scores = {}
    for lag in range(-LARGEST_LAG, LARGEST_LAG + 1):
        start, stop = max(0, lag), len(truth) + min(0, lag)
        scores[lag] = correlation(predicted[start:stop], truth[start - lag : stop - lag])
    return max(scores, key=lambda lag: (scores[lag], -abs(lag)))


def measure(predicted: list[Array], truth: list[Array], mean_motion: Array) -> MotionMetrics:
    """Compare clips of motion, each (n, 70)."""
    all_predicted, all_truth = np.concatenate(predicted), np.concatenate(truth)
    groups = {}
    for name, (columns, unit) in motion_groups().items():
        error = _rms(all_predicted[:, columns] - all_truth[:, columns])
        baseline = _rms(mean_motion[columns] - all_truth[:, columns])
        groups[name] = GroupError(unit, error, baseline)
    ours, true = [lip_opening(clip) for clip in predicted], [lip_opening(clip) for clip in truth]
    correlations = [correlation(*pair) for pair in zip(ours, true, strict=True)]
    lags = [best_lag(*pair) for pair in zip(ours, true, strict=True)]
    jitter = sum(_jitter(clip) for clip in ours) / max(sum(_jitter(clip) for clip in true), 1e-9)
    return MotionMetrics(
        groups=groups,
        lip_correlation=correlation(np.concatenate(ours), np.concatenate(true)),
        lip_correlation_worst_clip=min(correlations),
        lag_frames=int(np.median(lags)),
        lip_jitter_ratio=float(jitter),
        closures_kept=closures_kept(np.concatenate(ours), np.concatenate(true)),
    )


def agreement(clip: str, predicted: Array, truth: Array) -> ClipAgreement:
    """Of one clip, (n, 70) each."""
    ours, true = lip_opening(predicted), lip_opening(truth)
    return ClipAgreement(clip, len(true), correlation(ours, true), best_lag(ours, true))


def closures_kept(predicted: Array, truth: Array) -> float:
    """Share of pressed-lip moments of the truth in which the prediction's lips are shut too.

    A moment is a run of frames with negative opening; its tightest frame counts.
    """
    pressed = truth < -1e-3
    edges = np.flatnonzero(np.diff(np.concatenate([[False], pressed, [False]]).astype(np.int8)))
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    if not runs:
        return 1.0
    shut = CLOSED_SHARE * float(np.percentile(truth, 95))
    return float(np.mean([predicted[start:stop].min() < shut for start, stop in runs]))


def _jitter(opening: Array) -> float:
    return float(np.abs(np.diff(opening, 2)).sum())


def _rms(difference: Array) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))
