"""A trained Audio2Motion on clips that it never saw, beside two baselines that know no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion
from lp_pack.dataset.dataset import Segment
from lp_pack.demo.speech_source import idle_waves
from lp_pack.errors import TrainingError
from lp_pack.training.dataset_source import emotion_weights
from lp_pack.training.idle_motion import idle_motion
from lp_pack.training.mel_features import context, frame_features
from lp_pack.training.motion_metrics import (
    ClipAgreement,
    MotionMetrics,
    agreement,
    lip_opening,
    measure,
)

Array = NDArray[np.float32]
NEIGHBOUR_FRAMES, QUERY_FRAMES = 12_000, 2000
NEIGHBOUR_BEFORE, NEIGHBOUR_AFTER = 3, 2
SHORTEST_CLIP = 12


@dataclass(frozen=True)
class HeldOutClip:
    """One clip: name, true and predicted motion (n, 70), and the nearest neighbour's."""

    identifier: str
    truth: Array
    predicted: Array
    neighbour: Array


@dataclass(frozen=True)
class HeldOutReport:
    """Figures of the network and of the nearest neighbour; the mean's are inside both."""

    network: MotionMetrics
    neighbour: MotionMetrics
    clips: tuple[HeldOutClip, ...]

    def per_clip(self) -> tuple[ClipAgreement, ...]:
        """Agreement of every clip, worst first."""
        clips = [agreement(clip.identifier, clip.predicted, clip.truth) for clip in self.clips]
        return tuple(sorted(clips, key=lambda clip: clip.lip_correlation))

    def jitter(self) -> dict[str, float]:
        """Mean absolute second difference of the lip opening: truth's and the network's."""
        return {
            name: float(
                np.mean([np.abs(np.diff(lip_opening(getattr(c, name)), 2)).mean()
                         for c in self.clips])
            )
            for name in ("truth", "predicted")
        }  # fmt: skip


def long_enough(held_out: Sequence[Segment], look_ahead_frames: int) -> list[Segment]:
    """The spans that can be judged by.

    Raises:
        TrainingError: there is none.
    """
    shortest = SHORTEST_CLIP + look_ahead_frames
    spans = [span for span in held_out if len(span) >= shortest]
    if not spans:
        raise TrainingError(
            "no held-out clip is long enough to judge by",
            expected=f"{shortest} usable frames in a row",
            got=f"{max(map(len, held_out), default=0)} at most",
            remedy="extract longer clips, or hold out others with --held-out",
        )
    return spans


def judge(
    model: Audio2Motion,
    training: Sequence[Segment],
    held_out: Sequence[Segment],
    idle: bool,
) -> HeldOutReport:
    """Play every held-out span through the network, streaming from rest, and measure.

    Raises:
        TrainingError: no held-out span is long enough.
    """
    spans = long_enough(held_out, model.dims.look_ahead_frames)
    neighbours = _Neighbours(model, training)
    clips = tuple(_play(model, span, neighbours, idle) for span in spans)
    mean = model.motion_mean.numpy()
    truth = [clip.truth for clip in clips]
    return HeldOutReport(
        measure([clip.predicted for clip in clips], truth, mean),
        measure([clip.neighbour for clip in clips], truth, mean),
        clips,
    )


@torch.no_grad()
def _play(model: Audio2Motion, span: Segment, neighbours: _Neighbours, idle: bool) -> HeldOutClip:
    dims = model.dims
    delay, frames = dims.look_ahead_frames, len(span)
    pcm = span.clip.samples(span.start, span.stop)
    style = np.zeros((1, dims.style_size), np.float32)
    emotion = torch.from_numpy(emotion_weights(span))[None]
    output, _ = model.forward_sequence(
        torch.from_numpy(pcm)[None], emotion, torch.from_numpy(style)
    )
    truth = span.clip.motion(span.start, span.stop - delay)
    neighbour = neighbours.motion_for(pcm)[: frames - delay]
    if idle:
        phase = np.zeros((1, dims.num_oscillators), np.float32)
        waves = idle_waves(model, phase, style, frames)[:, delay:]
        truth = truth + idle_motion(style, waves)[0]
    name = f"{span.record.id}:{span.start}"
    return HeldOutClip(name, truth, output[0, delay:].numpy(), neighbour)


class _Neighbours:
    """Answers with the motion of the training frame that sounds most alike."""

    def __init__(self, model: Audio2Motion, training: Sequence[Segment]) -> None:
        self._model = model
        # Whole segments, spread over all of them.
        stride = max(1, sum(map(len, training)) // NEIGHBOUR_FRAMES)
        chosen = training[::stride]
        features, motions = [], []
        for segment in chosen:
            stop = min(segment.stop, segment.start + max(50, 2 * NEIGHBOUR_FRAMES // len(chosen)))
            features.append(self._features(segment.clip.samples(segment.start, stop)))
            motions.append(segment.clip.motion(segment.start, stop))
        self._motion = np.concatenate(motions)[:NEIGHBOUR_FRAMES]
        self._known = np.concatenate(features)[:NEIGHBOUR_FRAMES]
        self._known_squares = np.square(self._known).sum(axis=1)

    def motion_for(self, pcm: Array) -> Array:
        """(frames, 70) for samples (frames * 640,)."""
        # |a - b|^2 without |a|^2, which does not change which b is nearest. A matrix product is
        # faster than a tree in this many dimensions.
        features = self._features(pcm)
        nearest = [
            (self._known_squares - 2 * (features[at : at + QUERY_FRAMES] @ self._known.T)).argmin(1)
            for at in range(0, len(features), QUERY_FRAMES)
        ]
        return np.asarray(self._motion[np.concatenate(nearest)])

    def _features(self, pcm: Array) -> Array:
        return context(frame_features(self._model, pcm), NEIGHBOUR_BEFORE, NEIGHBOUR_AFTER)
