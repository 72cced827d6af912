"""Batches for the demo persona's Audio2Motion: espeak's speech, performed.

What is said comes from recorded streams; how it is performed (emotion, style, where the idle
oscillators stand) is drawn anew for every piece, and the motion computed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion
from lp_pack.speech.labels import SAMPLES_PER_FRAME
from lp_pack.speech.performance import motion
from lp_pack.speech.streams import SpeechStream
from lp_pack.training.audio_augmentation import augment
from lp_pack.training.batch import Batch

Array = NDArray[np.float32]
SAMPLE_RATE = 16000
NEUTRAL_PROBABILITY, CHANGE_PROBABILITY = 0.35, 0.25
# An emotion comes and goes with this time constant.
EMOTION_SECONDS = 0.25
VALIDATION_SEED = 1 << 20


@dataclass(frozen=True)
class HeardStream:
    """A stream as several microphones heard it: its voice, 16-bit samples, and controls."""

    voice: str
    versions: tuple[NDArray[np.int16], ...]
    controls: Array


def heard(stream: SpeechStream, versions: int, generator: np.random.Generator) -> HeardStream:
    """`versions` augmented recordings of one stream."""
    takes = [augment(stream.samples, SAMPLE_RATE, generator) for _ in range(versions)]
    return HeardStream(stream.voice, tuple(quantized(take) for take in takes), stream.controls)


def quantized(samples: Array) -> NDArray[np.int16]:
    """16-bit samples; espeak's loudest voices exceed full scale, and are clipped."""
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


class SpeechSource:
    """A `lp_pack.training.batch.BatchSource` over streams of espeak's speech."""

    def __init__(
        self,
        model: Audio2Motion,
        training: Sequence[HeardStream],
        validation: Sequence[HeardStream],
        *,
        batch_size: int = 24,
        frames: int = 160,
        seed: int = 0,
    ) -> None:
        self._dims = model.dims
        # A copy, so that the source's waves stay on the CPU and need no gradient.
        self._oscillators = Audio2Motion(model.dims).eval()
        self._training = list(training)
        self._validation = list(validation)
        self._batch_size = batch_size
        self._frames = frames
        self._seed = seed

    def training_batch(self, step: int) -> Batch:
        """Random pieces of random streams, a function of (seed, step)."""
        generator = np.random.default_rng([self._seed, step])
        chosen = generator.integers(0, len(self._training), self._batch_size)
        return self._batch([self._training[index] for index in chosen], self._frames, generator)

    def validation_batches(self) -> Sequence[Batch]:
        """Two batches with one long piece of every validation stream each."""
        generator = np.random.default_rng([self._seed, VALIDATION_SEED])
        longest = min(len(stream.controls) for stream in self._validation)
        frames = min(3 * self._frames, longest - self._dims.look_ahead_frames - 1)
        return [self._batch(self._validation, frames, generator) for _ in range(2)]

    def _batch(
        self, streams: Sequence[HeardStream], frames: int, generator: np.random.Generator
    ) -> Batch:
        dims = self._dims
        pcm, speech = [], []
        for stream in streams:
            start = int(generator.integers(dims.look_ahead_frames, len(stream.controls) - frames))
            version = stream.versions[int(generator.integers(len(stream.versions)))]
            piece = version[start * SAMPLES_PER_FRAME : (start + frames) * SAMPLES_PER_FRAME]
            pcm.append(piece.astype(np.float32) / 32767)
            before = start - dims.look_ahead_frames
            speech.append(stream.controls[before : before + frames])
        count = len(streams)
        emotion = np.stack([random_emotion(frames, generator) for _ in range(count)])
        style = generator.uniform(-1, 1, (count, dims.style_size)).astype(np.float32)
        phase = generator.uniform(0, 1, (count, dims.num_oscillators)).astype(np.float32)
        target = motion(np.stack(speech), eased(emotion), style, self.waves(phase, style, frames))
        arrays = (np.stack(pcm), emotion, style, phase, target)
        return Batch(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))

    def waves(self, phase: Array, style: Array, frames: int) -> Array:
        """(batch, frames, 3, oscillators) as the network sees them from `phase` (batch, K) on."""
        return idle_waves(self._oscillators, phase, style, frames)


@torch.no_grad()
def idle_waves(model: Audio2Motion, phase: Array, style: Array, frames: int) -> Array:
    """The network's idle waves over `frames` calls, (batch, frames, 3, oscillators)."""
    styles = torch.from_numpy(style)[:, None].expand(-1, frames, -1)
    steps = torch.arange(frames)[:, None]
    phases = model.idle.advance(torch.from_numpy(phase)[:, None], styles, steps)
    return np.asarray(torch.stack(model.idle.waves(phases, styles), dim=-2).numpy())


def random_emotion(frames: int, generator: np.random.Generator) -> Array:
    """(frames, 8): one emotion at a random intensity, which may change once."""
    weights = np.zeros((frames, 8), dtype=np.float32)
    change = int(generator.integers(1, frames)) if generator.random() < CHANGE_PROBABILITY else 0
    for span in (slice(0, change), slice(change, frames)):
        if generator.random() >= NEUTRAL_PROBABILITY:
            weights[span, int(generator.integers(8))] = generator.uniform(0.1, 1.0)
    return weights


def eased(emotion: Array) -> Array:
    """(batch, frames, 8) through a first-order low-pass that starts at its first value."""
    keep = np.float32(np.exp(-SAMPLES_PER_FRAME / SAMPLE_RATE / EMOTION_SECONDS))
    result = emotion.copy()
    for frame in range(1, emotion.shape[1]):
        result[:, frame] = keep * result[:, frame - 1] + (1 - keep) * emotion[:, frame]
    return result
