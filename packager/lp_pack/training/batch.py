"""What a trainer of Audio2Motion is fed, whatever the labels came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """A batch of equally long pieces of speech and the motion that belongs to them.

    pcm: (batch, frames * samples_per_frame) in [-1, 1].
    emotion: (batch, frames, num_emotions), the control as it stands at each call.
    style: (batch, style_size) in [-1, 1].
    idle_phase: (batch, num_oscillators), the oscillators at the first call.
    motion: (batch, frames, motion_size), row n the target of call n: the motion of audio frame
        n - look_ahead. The first look_ahead rows are not used.
    """

    pcm: Tensor
    emotion: Tensor
    style: Tensor
    idle_phase: Tensor
    motion: Tensor


class BatchSource(Protocol):
    """Where batches come from; equal seeds must give equal batches, so that a run can resume."""

    def training_batch(self, step: int) -> Batch:
        """The batch of a step, a function of (seed, step) alone."""

    def validation_batches(self) -> Sequence[Batch]:
        """Pieces of clips that no training batch contains; the same at every call."""
