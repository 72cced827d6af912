"""Batches from a dataset on disk: pieces of its clips, of any length, one after the other.

Each stream of a batch is a row of clips with a short pause between two, in which the face glides
from one to the next, until it is as long as the batch; so sentences of half a second and takes of
an hour train together. Only the frames of a piece are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.dataset.clip_jobs import emotion_index
from lp_pack.dataset.dataset import Segment
from lp_pack.dataset.record import SAMPLE_RATE, SAMPLES_PER_FRAME
from lp_pack.demo.speech_source import idle_waves
from lp_pack.errors import TrainingError
from lp_pack.training.audio_augmentation import augment
from lp_pack.training.batch import Batch
from lp_pack.training.idle_motion import idle_motion, styled

Array = NDArray[np.float32]
IDLE_OSCILLATORS = 8
PAUSE_FRAMES = (4, 12)
VALIDATION_SEED = 1 << 20
MEAN_FRAMES = 20_000


@dataclass(frozen=True)
class SourceOptions:
    """How batches are cut. idle: blinks, breathing and sway; augmentation: many microphones."""

    batch_size: int = 16
    frames: int = 150
    seed: int = 0
    idle: bool = True
    augmentation: bool = True


@dataclass(frozen=True)
class _Stream:
    """pcm (frames * 640,) float, motion (frames, 70), emotion (frames, 8)."""

    pcm: Array
    motion: Array
    emotion: Array


class DatasetSource:
    """A `lp_pack.training.batch.BatchSource` over the segments of a dataset."""

    def __init__(
        self,
        dims: Audio2MotionDims,
        training: Sequence[Segment],
        validation: Sequence[Segment],
        options: SourceOptions | None = None,
    ) -> None:
        """Raises TrainingError when there are no segments, or idle motion does not fit the dims."""
        self._options = options or SourceOptions()
        self._dims = dims
        self._training, self._validation = list(training), list(validation)
        if not self._training or not self._validation:
            raise TrainingError(
                "there is nothing to learn from",
                expected="clips with usable frames for training and for validation",
                got=f"{len(self._training)} and {len(self._validation)} usable spans",
            )
        if self._options.idle and dims.num_oscillators != IDLE_OSCILLATORS:
            raise TrainingError(
                "idle motion needs other dims",
                expected=f"{IDLE_OSCILLATORS} oscillators",
                got=dims.num_oscillators,
            )
        self._oscillators = Audio2Motion(dims).eval()
        lengths = np.array([len(segment) for segment in self._training], np.float64)
        self._weights = lengths / lengths.sum()
        self.mean = mean_motion(self._training)

    def training_batch(self, step: int) -> Batch:
        """Random pieces of random clips, a function of (seed, step)."""
        generator = np.random.default_rng([self._options.seed, step])
        count = self._options.batch_size
        streams = [self._random_stream(generator) for _ in range(count)]
        size = self._dims.style_size
        style = generator.uniform(-1, 1, (count, size)).astype(np.float32)
        return self._batch(streams, style, generator, self._options.augmentation)

    def validation_batches(self) -> Sequence[Batch]:
        """The validation clips from end to end, in one batch, as they are heard."""
        generator = np.random.default_rng([self._options.seed, VALIDATION_SEED])
        frames = self._options.frames + self._dims.look_ahead_frames
        streams: list[_Stream] = []
        pieces: list[Segment] = []
        length = 0
        for segment in self._validation:
            at = segment.start
            while at < segment.stop and len(streams) < self._options.batch_size:
                stop = min(segment.stop, at + frames - length)
                pieces.append(Segment(segment.clip, at, stop))
                length += stop - at
                at = stop
                if length >= frames:
                    streams.append(self._joined(pieces, frames, generator))
                    pieces, length = [], 0
        if pieces and not streams:
            while length < frames:
                pieces.append(self._validation[0])
                length += len(pieces[-1])
            streams.append(self._joined(pieces, frames, generator))
        style = np.zeros((len(streams), self._dims.style_size), np.float32)
        return [self._batch(streams, style, generator, False)]

    def _random_stream(self, generator: np.random.Generator) -> _Stream:
        frames = self._options.frames + self._dims.look_ahead_frames
        pieces, length = [], 0
        while length < frames:
            segment = self._training[int(generator.choice(len(self._weights), p=self._weights))]
            start = segment.start
            if len(segment) > frames:
                start += int(generator.integers(len(segment) - frames + 1))
            stop = min(segment.stop, start + frames - length)
            pieces.append(Segment(segment.clip, start, stop))
            length += stop - start
        return self._joined(pieces, frames, generator)

    def _joined(
        self, pieces: Sequence[Segment], frames: int, generator: np.random.Generator
    ) -> _Stream:
        """Pieces in a row, cut to `frames`; in the pauses between them the face glides."""
        pcm: list[Array] = []
        motion: list[Array] = []
        emotion: list[Array] = []
        for piece in pieces:
            sound = piece.clip.samples(piece.start, piece.stop)
            labels = piece.clip.motion(piece.start, piece.stop)
            weights = emotion_weights(piece, generator)
            if motion:
                pause = int(generator.integers(*PAUSE_FRAMES))
                pcm.append(np.zeros(pause * SAMPLES_PER_FRAME, np.float32))
                motion.append(glide(motion[-1][-1], labels[0], pause))
                emotion.append(np.repeat(weights[:1], pause, axis=0))
            pcm.append(sound)
            motion.append(labels)
            emotion.append(weights)
        return _Stream(
            np.concatenate(pcm)[: frames * SAMPLES_PER_FRAME],
            np.concatenate(motion)[:frames],
            np.concatenate(emotion)[:frames],
        )

    def _batch(
        self,
        streams: Sequence[_Stream],
        style: Array,
        generator: np.random.Generator,
        augmented: bool,
    ) -> Batch:
        delay, frames = self._dims.look_ahead_frames, self._options.frames
        heard = [stream.pcm[delay * SAMPLES_PER_FRAME :] for stream in streams]
        if augmented:
            heard = [augment(samples, SAMPLE_RATE, generator) for samples in heard]
        emotion = np.stack([stream.emotion[delay:] for stream in streams])
        target = np.stack([stream.motion[:frames] for stream in streams])
        target = styled(target, self.mean, style)
        shape = (len(streams), self._dims.num_oscillators)
        phase = generator.uniform(0, 1, shape).astype(np.float32)
        if self._options.idle:
            waves = idle_waves(self._oscillators, phase, style, frames)
            target = target + idle_motion(style, waves)
        arrays = (np.stack(heard), emotion, style, phase, target)
        return Batch(*(torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in arrays))


def emotion_weights(piece: Segment, generator: np.random.Generator | None = None) -> Array:
    """(frames, 8) of a piece. Neutral is taught both ways: as its own weight and as none."""
    record = piece.record
    weights = np.zeros((len(piece), 8), np.float32)
    if record.emotion != "neutral" or (generator is not None and generator.random() < 0.5):
        weights[:, emotion_index(record.emotion, record.id)] = record.intensity
    return weights


def glide(first: Array, last: Array, frames: int) -> Array:
    """(frames, 70) from one motion to another, slow at both ends."""
    share = (np.arange(frames, dtype=np.float32)[:, None] + 1) / (frames + 1)
    share = share * share * (3 - 2 * share)
    return np.asarray((1 - share) * first + share * last, np.float32)


def mean_motion(segments: Sequence[Segment]) -> Array:
    """Mean motion (70,) over some MEAN_FRAMES frames spread over the segments."""
    stride = max(1, sum(map(len, segments)) // MEAN_FRAMES)
    total, count = np.zeros(70, np.float64), 0
    for segment in segments:
        rows = segment.clip.motion(segment.start, segment.stop)[::stride]
        total += rows.sum(axis=0, dtype=np.float64)
        count += len(rows)
    return (total / count).astype(np.float32)
