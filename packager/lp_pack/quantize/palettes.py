"""The best palette for a tensor's values: k-means in one dimension.

A float16 tensor holds at most 65536 different values, so counting them replaces the tensor: a
round over sorted values with running sums costs the same for a million weights as for a hundred.
Source: Lloyd, "Least squares quantization in PCM", 1982; started at the densities of Panter and
Dite, 1951 (levels as dense as the cube root of the values' density), which is close to the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HISTOGRAM_BINS = 4096
ROUNDS = 200
# Levels that move less than this part of the range have settled.
SETTLED = 1e-6
PACKED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Palette:
    """values = levels[indices].

    levels: float16 (2**bits,), ascending.
    indices: uint8, the shape of the values.
    """

    levels: np.ndarray
    indices: np.ndarray

    @property
    def bits(self) -> int:
        """Of one index."""
        return len(self.levels).bit_length() - 1

    def values(self) -> np.ndarray:
        """What a runtime computes with."""
        result: np.ndarray = self.levels[self.indices]
        return result


def make_palette(values: np.ndarray, bits: int) -> Palette:
    """The palette with the least squared error.

    Args:
        values: float16, finite.
        bits: 2**bits levels.
    """
    codes = np.ascontiguousarray(values, np.float16).view(np.uint16).reshape(-1)
    counts = np.bincount(codes, minlength=1 << 16)
    present = np.flatnonzero(counts)
    numbers = present.astype(np.uint16).view(np.float16).astype(np.float64)
    order = np.argsort(numbers, kind="stable")
    numbers, weights = numbers[order], counts[present][order].astype(np.float64)
    levels = _settle(numbers, weights, _start(numbers, weights, 1 << bits)).astype(np.float16)
    levels = np.sort(levels)
    nearest = np.searchsorted(_midpoints(levels.astype(np.float64)), numbers)
    index_of = np.zeros(1 << 16, np.uint8)
    index_of[present[order]] = nearest
    return Palette(levels, index_of[codes].reshape(values.shape))


def packed(indices: np.ndarray, bits: int) -> np.ndarray:
    """Indices as one stream of bits in bytes, lowest bit first."""
    flat = indices.reshape(-1)
    places = np.arange(bits, dtype=np.uint8)
    parts = [
        np.packbits((flat[start : start + PACKED_AT_ONCE, None] >> places) & 1, bitorder="little")
        for start in range(0, len(flat), PACKED_AT_ONCE)
    ]
    return np.concatenate(parts)


def _start(numbers: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Levels as dense as the cube root of the values' density."""
    if len(numbers) <= count:
        return np.pad(numbers, (0, count - len(numbers)), mode="edge")
    low, high = numbers[0], numbers[-1]
    density, edges = np.histogram(numbers, HISTOGRAM_BINS, (low, high), weights=weights)
    share = np.concatenate([[0.0], np.cumsum(np.cbrt(density))])
    wanted = (np.arange(count) + 0.5) / count * share[-1]
    result: np.ndarray = np.interp(wanted, share, edges)
    return result


def _settle(numbers: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Move each level to the mean of the values nearest to it until all rest."""
    mass = np.concatenate([[0.0], np.cumsum(weights)])
    moment = np.concatenate([[0.0], np.cumsum(weights * numbers)])
    smallest = SETTLED * max(numbers[-1] - numbers[0], np.finfo(np.float64).tiny)
    for _ in range(ROUNDS):
        cuts = np.searchsorted(numbers, _midpoints(levels))
        cuts = np.concatenate([[0], cuts, [len(numbers)]])
        total, count = np.diff(moment[cuts]), np.diff(mass[cuts])
        moved = np.where(count > 0, total / np.maximum(count, 1.0), levels)
        largest = np.abs(moved - levels).max()
        levels = moved
        if largest <= smallest:
            break
    return levels


def _midpoints(levels: np.ndarray) -> np.ndarray:
    middle: np.ndarray = (levels[1:] + levels[:-1]) / 2
    return middle
