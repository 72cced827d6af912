"""What a face does by itself: blinks, breathing, sway, by construction and not by learning.

Oscillators are phases in [0, 1) that advance by incommensurate rates. The network sees their sine,
cosine and a pulse as short as a blink once a turn; a linear map of the same waves, set before
training (`IdleGenerator.weights`), is added to the motion. So a face blinks in silence however
little the network has learned; the motion does not repeat within hours, and cannot drift, because
a phase wraps and nothing else of it is remembered.

A style shifts the oscillators against each other; its first number scales sway and breathing, its
last one quickens or slows all of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Square roots of distinct primes are linearly independent over the rationals: the idle rates never
# come back to the same combination.
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)
IDLE_HZ = 0.05  # times the square root of a prime: 0.07 Hz and up
PULSE_SECONDS = 0.07  # standard deviation of the pulse: a blink of about 0.25 s
# Oscillators whose pulses are blinks, 0.17 and 0.09 Hz: 15 blinks a minute at the middle pace.
# People at rest blink 10 to 20 times a minute (Bentivoglio et al., Movement Disorders, 1997).
BLINK_OSCILLATORS = (4, 1)
PACE_SPREAD = 0.3  # the last number of a style: 10.6 to 19.8 blinks a minute
GOLDEN_RATIO = (1.0 + math.sqrt(5.0)) / 2.0


class IdleGenerator(nn.Module):
    """Phases to waves, waves to motion, phases to the next phases."""

    rates: Tensor
    sharpness: Tensor
    offsets: Tensor
    weights: Tensor

    def __init__(
        self, num_oscillators: int, style_size: int, frame_rate: float, motion_size: int
    ) -> None:
        super().__init__()
        # With fewer oscillators, as in tests, the slower ones blink.
        self.blinking = tuple(index % num_oscillators for index in BLINK_OSCILLATORS)
        rates = idle_rates(num_oscillators, frame_rate)
        radians = 2 * math.pi * rates * frame_rate * PULSE_SECONDS
        self.register_buffer("rates", rates)
        self.register_buffer("sharpness", 1 / (radians * radians))
        self.register_buffer("offsets", style_offsets(style_size, num_oscillators))
        self.register_buffer("weights", torch.zeros(4 * num_oscillators + 1, motion_size))

    def waves(self, phase: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sine, cosine, and a von Mises pulse in [0, 1], each (..., num_oscillators).

        A pulse peaks at half a turn: a stream that starts at phase 0 does not start with a blink.

        Args:
            phase: (..., num_oscillators) in turns.
            style: (..., style_size).
        """
        angle = 2 * math.pi * (phase + torch.matmul(style, self.offsets))
        # 1 + cos(x) = 2 cos(x / 2)^2, without the cancellation.
        half_cosine = torch.cos(angle / 2)
        pulse = torch.exp(-2 * self.sharpness * half_cosine * half_cosine)
        return torch.sin(angle), torch.cos(angle), pulse

    def features(self, waves: tuple[Tensor, Tensor, Tensor], style: Tensor) -> Tensor:
        """What `weights` multiply, (..., 4 * num_oscillators + 1).

        Sines and cosines, the same times the style's first number, and the blink: the larger of
        two pulses, so that two at once close the lids once.
        """
        sine, cosine, pulse = waves
        first, second = (pulse[..., index : index + 1] for index in self.blinking)
        turning = torch.cat([sine, cosine], dim=-1)
        blink = torch.maximum(first, second)
        return torch.cat([turning, style[..., :1] * turning, blink], dim=-1)

    def motion(self, waves: tuple[Tensor, Tensor, Tensor], style: Tensor) -> Tensor:
        """Idle motion (..., motion_size) of what `waves` gave."""
        return torch.matmul(self.features(waves, style), self.weights)

    def advance(self, phase: Tensor, style: Tensor, frames: Tensor | float = 1.0) -> Tensor:
        """Phases `frames` later, (..., num_oscillators) in [0, 1)."""
        pace = 1 + PACE_SPREAD * style[..., -1:]
        later = phase + frames * (pace * self.rates)
        return later - torch.floor(later)


def idle_rates(num_oscillators: int, frame_rate: float) -> Tensor:
    """Turns a frame of each idle oscillator at the middle pace, (num_oscillators,)."""
    hertz = [IDLE_HZ * math.sqrt(prime) for prime in PRIMES[:num_oscillators]]
    return torch.tensor(hertz, dtype=torch.float64).div(frame_rate).float()


def style_offsets(style_size: int, num_oscillators: int) -> Tensor:
    """Turns by which one unit of style shifts each oscillator, (style_size, num_oscillators)."""
    numbers = torch.arange(1, style_size * num_oscillators + 1, dtype=torch.float64)
    spread = numbers * GOLDEN_RATIO
    spread = spread - torch.floor(spread) - 0.5
    return spread.reshape(style_size, num_oscillators).float()
