"""Sound as it arrives: cut anyhow, of any rate and form, it is the same sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lp_runtime import InputError
from lp_runtime.pcm_stream import PcmStream

RATE = 16_000


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(
        np.float32
    )


def converted(stream: PcmStream, chunks: list) -> np.ndarray:
    return np.concatenate([*(stream.push(chunk) for chunk in chunks), stream.finish()])


@settings(max_examples=30, deadline=None)
@given(
    rate=st.sampled_from([8000, 11_025, 22_050, 44_100, 48_000, 96_000]),
    cuts=st.lists(st.integers(0, 4000), max_size=12),
)
def test_chunked_equals_whole(rate: int, cuts: list[int]) -> None:
    samples = tone(rate, 0.1)
    chunks = np.split(samples, np.sort(np.minimum(cuts, len(samples))))
    whole = converted(PcmStream(rate, RATE), [samples])
    cut = converted(PcmStream(rate, RATE), chunks)
    assert len(cut) == len(whole)
    np.testing.assert_allclose(cut, whole, atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000])
def test_a_tone_keeps_pitch_duration_and_level(rate: int) -> None:
    heard = converted(PcmStream(rate, RATE), [tone(rate)])
    assert abs(len(heard) - RATE // 2) <= 2
    middle = heard[2000:6000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(440, abs=4)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.01)


def test_the_same_rate_passes_through() -> None:
    samples = tone(RATE)
    np.testing.assert_array_equal(converted(PcmStream(RATE, RATE), [samples]), samples)


def test_16_bit_and_bytes_and_float_are_the_same_sound() -> None:
    integers = np.round(tone(RATE) * 32768).astype(np.int16)
    expected = integers.astype(np.float32) / 32768
    data = integers.astype("<i2").tobytes()
    # Bytes are cut inside a sample on purpose.
    torn = [data[:7], data[7:1000], data[1000:1001], data[1001:]]
    for chunks in ([integers], [data], torn, [memoryview(data)], [expected.astype(np.float64)]):
        np.testing.assert_array_equal(converted(PcmStream(RATE, RATE), chunks), expected)


def test_stereo_is_the_mean_of_both_channels() -> None:
    left, right = tone(RATE), tone(RATE, hertz=700)
    pairs = np.stack([left, right], axis=1)
    expected = (left + right) / 2
    for chunk in (pairs, pairs.reshape(-1)):
        heard = converted(PcmStream(RATE, RATE, 2), [chunk])
        np.testing.assert_allclose(heard, expected, atol=1e-7)


def test_what_is_too_loud_is_clipped() -> None:
    assert PcmStream(RATE, RATE).push(np.array([3.0, -3.0])).tolist() == [1.0, -1.0]


def test_clearing_forgets_what_waits() -> None:
    stream = PcmStream(48_000, RATE)
    stream.push(tone(48_000))
    stream.push(b"\x01")
    stream.clear()
    fresh = converted(PcmStream(48_000, RATE), [tone(48_000)])
    np.testing.assert_array_equal(converted(stream, [tone(48_000)]), fresh)


@pytest.mark.parametrize(
    "chunk",
    [
        np.zeros(4, np.int32),
        np.zeros((4, 2), np.float32),
        np.array([np.nan], np.float32),
        np.array(["x"]),
    ],
)
def test_other_chunks_are_refused(chunk: np.ndarray) -> None:
    with pytest.raises(InputError):
        PcmStream(RATE, RATE).push(chunk)


@pytest.mark.parametrize(("rate", "channels"), [(100, 1), (10**6, 1), (RATE, 0), (RATE, 99)])
def test_formats_out_of_range_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(InputError, match="out of range"):
        PcmStream(rate, RATE, channels)
