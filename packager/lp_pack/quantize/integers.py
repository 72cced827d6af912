"""Numbers to integers and back, as every target's formats store them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# The smallest scale: a row of zeros must not divide by zero.
TINY = 1e-12


@dataclass(frozen=True)
class ChannelIntegers:
    """values = integers * scale along one axis; zero is exact.

    integers: int8, in -(2**(bits - 1) - 1) ... 2**(bits - 1) - 1, the shape of the values.
    scale: float32 (channels,); one number where the tensor shares it.
    axis: of the channels.
    """

    integers: np.ndarray
    scale: np.ndarray
    axis: int

    def values(self) -> np.ndarray:
        """What a runtime computes with, float32."""
        shape = [1] * self.integers.ndim
        if len(self.scale) > 1:
            shape[self.axis] = -1
        wide: np.ndarray = self.integers.astype(np.float32) * self.scale.reshape(shape)
        return wide


def channel_integers(values: np.ndarray, axis: int | None, bits: int = 8) -> ChannelIntegers:
    """Round to symmetric integers, one scale for each slice of an axis (None: one for all)."""
    rest = tuple(a for a in range(values.ndim) if a != axis)
    largest = np.abs(values).max(axis=None if axis is None else rest, keepdims=True)
    limit = float(2 ** (bits - 1) - 1)
    scale = np.maximum(largest.astype(np.float32) / limit, TINY).astype(np.float32)
    integers = np.clip(np.rint(values / scale), -limit, limit).astype(np.int8)
    return ChannelIntegers(integers, scale.reshape(-1), axis or 0)
