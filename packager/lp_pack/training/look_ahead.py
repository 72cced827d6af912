"""What a look-ahead is worth: how well the lips follow from so many frames of future sound.

A linear map from cepstra to the lips' numbers, solved in closed form on the training clips and
scored on the held-out ones, for every look-ahead from 0 to 8 frames. It takes seconds, and tells
how much of the motion is in the sound that has not been heard yet; the network's own figures are
better, their differences alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion
from lp_pack.dataset.dataset import Segment
from lp_pack.dataset.record import FRAME_RATE
from lp_pack.training.mel_features import context, frame_features
from lp_pack.training.motion_metrics import correlation, lip_opening

Array = NDArray[np.float32]
LARGEST_LOOK_AHEAD = 8
BEFORE = 8
RIDGE = 10.0
LONGEST_SPAN = 3000
MAX_FRAMES = 60_000


@dataclass(frozen=True)
class LookAheadCost:
    """One look-ahead: its delay, and the correlation of the lip opening that it allows."""

    frames: int
    delay_ms: float
    lip_correlation: float


def look_ahead_costs(
    model: Audio2Motion, training: Sequence[Segment], held_out: Sequence[Segment]
) -> tuple[LookAheadCost, ...]:
    """The probe for 0 to 8 frames."""
    known, heard = _read(model, training), _read(model, held_out)
    costs = []
    for frames in range(LARGEST_LOOK_AHEAD + 1):
        weights = _solve(known, frames)
        truth = np.concatenate([opening for _, opening in heard])
        predicted = np.concatenate([_design(features, frames) @ weights for features, _ in heard])
        costs.append(
            LookAheadCost(
                frames,
                frames * 1000 / FRAME_RATE,
                round(correlation(predicted.astype(np.float32), truth), 4),
            )
        )
    return tuple(costs)


def _read(model: Audio2Motion, segments: Sequence[Segment]) -> list[tuple[Array, Array]]:
    """Features and lip opening of each span, up to a total that fits easily."""
    spans, total = [], 0
    for segment in segments:
        stop = min(segment.stop, segment.start + LONGEST_SPAN)
        pcm = segment.clip.samples(segment.start, stop)
        opening = lip_opening(segment.clip.motion(segment.start, stop)).astype(np.float32)
        spans.append((frame_features(model, pcm), opening))
        total += len(opening)
        if total >= MAX_FRAMES:
            break
    return spans


def _design(features: Array, after: int) -> NDArray[np.float64]:
    rows = context(features, BEFORE, after).astype(np.float64)
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def _solve(spans: list[tuple[Array, Array]], after: int) -> NDArray[np.float64]:
    """Ridge regression; normal equations are summed span by span."""
    size = _design(spans[0][0][:1], after).shape[1]
    gram, moment = RIDGE * np.eye(size), np.zeros(size)
    for features, opening in spans:
        rows = _design(features, after)
        gram += rows.T @ rows
        moment += rows.T @ opening
    return np.asarray(np.linalg.solve(gram, moment))
