"""Log-mel features as matrix products: no FFT, fixed shapes, one 40 ms frame of audio a call.

Framing convention: a window of `window_samples` ends every `hop_samples`, the last one exactly at
the end of the call's samples, so nothing after the call is seen. With `window - hop` zeros as the
first history this equals librosa.feature.melspectrogram(center=False) of the signal with that many
zeros in front. Periodic Hann window, power spectrum, Slaney's mel scale and area normalisation
(Slaney, Auditory Toolbox, 1998), then decibels relative to 1.

The floor of -60 dB lies 80 dB under the loudest speech: above what float32 sums can resolve beside
a full-scale tone, below what shapes a mouth. Keep this part in float32 also where the rest of a
graph is float16: powers span more than float16's range.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .errors import LpModelError

# Slaney's scale: linear below 1 kHz (200/3 Hz per mel), then 27 mels for each factor of 6.4.
HZ_PER_MEL = 200.0 / 3.0
BREAK_HZ = 1000.0
BREAK_MEL = BREAK_HZ / HZ_PER_MEL
LOG_STEP = math.log(6.4) / 27.0
DECIBELS_PER_NEPER = 10.0 / math.log(10.0)


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney mel of a frequency in Hz."""
    linear = hz / HZ_PER_MEL
    logarithmic = BREAK_MEL + np.log(np.maximum(hz, BREAK_HZ) / BREAK_HZ) / LOG_STEP
    return np.where(hz < BREAK_HZ, linear, logarithmic)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `hz_to_mel`."""
    linear = mel * HZ_PER_MEL
    logarithmic = BREAK_HZ * np.exp(LOG_STEP * (np.maximum(mel, BREAK_MEL) - BREAK_MEL))
    return np.where(mel < BREAK_MEL, linear, logarithmic)


def mel_filters(
    sample_rate: int, window_samples: int, mel_bins: int, low_hz: float, high_hz: float
) -> NDArray[np.float64]:
    """Triangular filters of unit area, (window_samples // 2 + 1, mel_bins)."""
    low, high = hz_to_mel(np.array([low_hz, high_hz]))
    edges = mel_to_hz(np.linspace(low, high, mel_bins + 2))
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(window_samples // 2 + 1)[:, None] * (sample_rate / window_samples)
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (upper - lower))


def windowed_dft(window_samples: int) -> NDArray[np.float64]:
    """Hann window times DFT, (window_samples, 2 * bins): real parts first, then imaginary parts."""
    time = np.arange(window_samples)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / window_samples)
    # The product is reduced modulo the period in integers, which keeps the angles exact.
    turns = np.outer(time, np.arange(window_samples // 2 + 1)) % window_samples
    angle = 2 * np.pi * turns / window_samples
    return window[:, None] * np.concatenate([np.cos(angle), -np.sin(angle)], axis=1)


class LogMel(nn.Module):
    """PCM to log-mel in dB, `columns` = samples_per_frame / hop_samples columns for each frame.

    The matrices are derived from the arguments and therefore not part of the state dict.

    Raises:
        LpModelError: the hop does not divide the frame, or the window is shorter than the hop.
    """

    dft: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        sample_rate: int = 16000,
        samples_per_frame: int = 640,
        mel_bins: int = 80,
        window_samples: int = 400,
        hop_samples: int = 160,
        low_hz: float = 0.0,
        high_hz: float = 8000.0,
        power_floor: float = 1e-6,
    ) -> None:
        super().__init__()
        if samples_per_frame % hop_samples or window_samples < hop_samples:
            raise LpModelError(
                "the mel windows do not tile a frame",
                expected="hop_samples divides samples_per_frame and is at most window_samples",
                got=f"frame {samples_per_frame}, hop {hop_samples}, window {window_samples}",
                remedy="for 40 ms frames at 16 kHz use hop 160 and window 400",
            )
        self.samples_per_frame = samples_per_frame
        self.window_samples = window_samples
        self.hop_samples = hop_samples
        self.columns = samples_per_frame // hop_samples
        self.history_samples = window_samples - hop_samples
        self.power_floor = power_floor
        filters = mel_filters(sample_rate, window_samples, mel_bins, low_hz, high_hz)
        dft = windowed_dft(window_samples)
        self.register_buffer("dft", torch.from_numpy(dft).float(), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)

    def forward(self, pcm: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """One frame: pcm (b, samples_per_frame), history (b, history_samples) of what came before.

        Returns:
            decibels (b, columns, mel_bins) and the next history (b, history_samples).
        """
        samples = torch.cat([history, pcm], dim=1)
        starts = [column * self.hop_samples for column in range(self.columns)]
        windows = torch.stack([samples[:, at : at + self.window_samples] for at in starts], dim=1)
        return self.decibels(windows), samples[:, self.samples_per_frame :]

    def sequence(self, pcm: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Many frames at once: pcm (b, n * samples_per_frame) -> (b, n, columns, mel_bins)."""
        samples = torch.cat([history, pcm], dim=1)
        windows = samples.unfold(1, self.window_samples, self.hop_samples)
        decibels = self.decibels(windows).unflatten(1, (-1, self.columns))
        return decibels, samples[:, samples.shape[1] - self.history_samples :]

    def decibels(self, windows: Tensor) -> Tensor:
        """Windows of samples (..., window_samples) to mel power in dB (..., mel_bins)."""
        spectrum = torch.matmul(windows, self.dft)
        real, imaginary = spectrum.chunk(2, dim=-1)
        power = torch.matmul(real * real + imaginary * imaginary, self.filters)
        return torch.log(power.clamp(min=self.power_floor)) * DECIBELS_PER_NEPER
