"""The same words from another mouth: formants moved, pitch and timing as they were.

The spectral envelope, a cepstrally smoothed log spectrum, is warped along the frequency axis by
factors that differ between its regions; the fine structure, which carries the pitch, stays. This is
vocal tract length perturbation (Jaitly and Hinton, 2013) with more than one factor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
WINDOW, HOP = 512, 128
SMOOTHNESS = 28  # cepstral coefficients of the envelope
# Where the factors are drawn, their common deviation, each one's own, and their range.
KNOTS_HZ = (700.0, 1800.0, 3500.0)
COMMON, OWN, RANGE = 0.10, 0.08, (0.72, 1.36)
MOST_GAIN = 2.3  # nepers, 20 dB


def other_voice(samples: Array, sample_rate: int, generator: np.random.Generator) -> Array:
    """Another voice for `samples` (n,)."""
    knots = np.array(KNOTS_HZ)
    drawn = generator.normal(0, COMMON) + generator.normal(0, OWN, len(knots))
    factors = np.clip(np.exp(drawn), *RANGE)
    nyquist = sample_rate / 2
    frequencies = np.linspace(0, nyquist, WINDOW // 2 + 1)
    targets = np.maximum.accumulate(np.minimum(knots * factors, 0.95 * nyquist))
    heard_at = np.interp(frequencies, [0, *targets, nyquist], [0, *knots, nyquist])
    padded = np.pad(samples.astype(np.float64), (WINDOW, WINDOW + -len(samples) % HOP))
    window = np.hanning(WINDOW + 1)[:-1]
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * window)
    envelopes = _envelopes(spectra)
    source = heard_at / nyquist * (len(frequencies) - 1)
    low = np.minimum(source.astype(int), len(frequencies) - 2)
    share = source - low
    warped = (1 - share) * envelopes[:, low] + share * envelopes[:, low + 1]
    spectra *= np.exp(np.clip(warped - envelopes, -MOST_GAIN, MOST_GAIN))
    return _overlapped(np.fft.irfft(spectra) * window, len(padded))[WINDOW:][: len(samples)]


def _envelopes(spectra: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Smooth log magnitudes of (frames, bins)."""
    cepstra = np.fft.irfft(np.log(np.abs(spectra) + 1e-5))
    cepstra[:, SMOOTHNESS:-SMOOTHNESS] = 0
    return np.asarray(np.fft.rfft(cepstra).real)


def _overlapped(frames: NDArray[np.float64], length: int) -> Array:
    """Frames added at their places; squared Hann windows at a quarter's hop sum to 1.5."""
    result = np.zeros(length + WINDOW)
    for offset in range(0, WINDOW, HOP):
        part = frames[offset // HOP :: WINDOW // HOP].reshape(-1)
        result[offset : offset + len(part)] += part
    return (result[:length] / 1.5).astype(np.float32)
