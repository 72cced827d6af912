"""Palettes in one dimension: exact where few values exist, close to the theoretical best else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lp_pack.quantize.integers import channel_integers
from lp_pack.quantize.palettes import make_palette, packed

HALVES = st.floats(-4, 4, width=16)


def noise_ratio(values: np.ndarray, kept: np.ndarray) -> float:
    """Signal to noise in dB."""
    error = kept.astype(np.float64) - values.astype(np.float64)
    return float(10 * np.log10(np.mean(values.astype(np.float64) ** 2) / np.mean(error**2)))


@given(arrays.arrays(np.float16, st.integers(1, 200), elements=st.sampled_from([-1.5, 0, 0.25, 2])))
def test_few_values_are_kept_exactly(values: np.ndarray) -> None:
    palette = make_palette(values, 2)
    assert palette.levels.shape == (4,)
    np.testing.assert_array_equal(palette.values(), values)


@given(arrays.arrays(np.float16, st.integers(1, 300), elements=HALVES), st.sampled_from([2, 4, 6]))
def test_every_value_takes_its_nearest_level(values: np.ndarray, bits: int) -> None:
    palette = make_palette(values, bits)
    distances = np.abs(values[:, None].astype(float) - palette.levels[None].astype(float))
    taken = np.abs(values.astype(float) - palette.values().astype(float))
    np.testing.assert_allclose(taken, distances.min(axis=1), atol=1e-12)


@pytest.mark.parametrize(("bits", "best"), [(4, 20.22), (6, 31.89)])
def test_normal_weights_come_close_to_the_best_there_is(bits: int, best: float) -> None:
    # The bounds are Max's quantizer of a normal distribution, Lloyd (1982).
    values = np.random.default_rng(0).normal(size=400_000).astype(np.float16)
    assert noise_ratio(values, make_palette(values, bits).values()) > best - 0.15


@given(arrays.arrays(np.uint8, st.integers(1, 100), elements=st.integers(0, 63)))
def test_bits_are_packed_lowest_first(indices: np.ndarray) -> None:
    stream = np.unpackbits(packed(indices, 6), bitorder="little")[: 6 * len(indices)]
    np.testing.assert_array_equal(stream.reshape(-1, 6) @ (1 << np.arange(6)), indices)


@given(arrays.arrays(np.float32, (3, 4, 5), elements=st.floats(-9, 9, width=32)))
def test_integers_lie_within_half_a_step(values: np.ndarray) -> None:
    numbers = channel_integers(values, axis=1)
    assert numbers.integers.min(initial=0) >= -127
    steps = numbers.scale.reshape(1, 4, 1)
    assert (np.abs(numbers.values() - values) <= 0.5001 * steps + 1e-12).all()
    assert channel_integers(np.zeros((2, 2), np.float32), None).values().max() == 0
