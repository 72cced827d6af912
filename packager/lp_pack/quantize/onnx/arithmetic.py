"""Rounding real numbers to integers and back.

    q = clip(round(x / scale) + zero_point, lowest, highest)        x' = (q - zero_point) * scale

Scales are float32, as ONNX's QuantizeLinear and DequantizeLinear compute with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWEST_U8, HIGHEST_U8 = 0, 255
# Shares of the largest magnitude at which a range may be cut.
CUTS = np.linspace(1.0, 0.4, 25)
SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Affine:
    """Scale and zero point of an unsigned 8-bit tensor."""

    scale: np.float32
    zero_point: np.uint8

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Real numbers to uint8; half goes to even, as QuantizeLinear rounds."""
        rounded = np.rint(values / self.scale) + np.float32(self.zero_point)
        return np.clip(rounded, LOWEST_U8, HIGHEST_U8).astype(np.uint8)

    def dequantize(self, stored: np.ndarray) -> np.ndarray:
        """The inverse, up to rounding and clipping."""
        whole = stored.astype(np.int32) - np.int32(self.zero_point)
        return np.asarray(whole.astype(np.float32) * self.scale)


def affine(low: float, high: float) -> Affine:
    """The unsigned 8-bit range that holds [low, high] and represents zero exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max((high - low) / HIGHEST_U8, SMALLEST_SCALE))
    zero = np.clip(np.rint(-low / scale), LOWEST_U8, HIGHEST_U8)
    return Affine(scale, np.uint8(zero))


def best_affine(values: np.ndarray, low: float, high: float) -> Affine:
    """The range within [low, high] that rounds `values` with the least squared error.

    Outliers may be clipped where that refines the steps of all others enough. Both ends are cut to
    the same share, so that a map without negative numbers keeps its zero point at zero.

    Args:
        values: a sample of the tensor.
        low: of all its values, not of the sample alone.
        high: likewise.
    """
    candidates = [affine(low * cut, high * cut) for cut in CUTS]
    errors = [_squared_error(values, candidate) for candidate in candidates]
    return candidates[int(np.argmin(errors))]


def _squared_error(values: np.ndarray, chosen: Affine) -> float:
    error = chosen.dequantize(chosen.quantize(values)) - values
    return float(np.square(error, dtype=np.float64).mean())


def quantize_channels(weight: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed integers, symmetric around zero, with one scale for each index of the first axis.

    Args:
        weight: (out, ...) float32.
        bits: 2 to 8; the most negative number is not used.

    Returns:
        int8 of the same shape, and scales (out,) float32. With fewer than eight bits each channel's
        range is cut where that lowers its squared error.
    """
    highest = 2 ** (bits - 1) - 1
    rows = weight.reshape(len(weight), -1).astype(np.float32)
    largest = np.abs(rows).max(axis=1)
    best = np.maximum(largest / highest, SMALLEST_SCALE).astype(np.float32)
    if bits < 8:
        best = _cut_channels(rows, best, highest)
    stored = _round_rows(rows, best, highest)
    return stored.reshape(weight.shape).astype(np.int8), best


def dequantize_channels(stored: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The inverse of `quantize_channels`, up to rounding."""
    shape = (len(scales), *[1] * (stored.ndim - 1))
    return np.asarray(stored.astype(np.float32) * scales.reshape(shape))


def _round_rows(rows: np.ndarray, scales: np.ndarray, highest: int) -> np.ndarray:
    return np.asarray(np.clip(np.rint(rows / scales[:, None]), -highest, highest))


def _cut_channels(rows: np.ndarray, full: np.ndarray, highest: int) -> np.ndarray:
    best, least = full, np.full(len(rows), np.inf)
    for cut in CUTS:
        scales = np.maximum(full * np.float32(cut), SMALLEST_SCALE).astype(np.float32)
        error = _round_rows(rows, scales, highest) * scales[:, None] - rows
        squared = np.square(error, dtype=np.float64).sum(axis=1)
        best = np.where(squared < least, scales, best).astype(np.float32)
        least = np.minimum(squared, least)
    return best
