"""Another voice has other formants, and the same pitch, timing and loudness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from lp_pack.training import other_voice as module
from lp_pack.training.other_voice import other_voice

RATE = 16_000


def vowel(formants: tuple[float, ...] = (700, 1200, 2600), pitch: int = 100) -> np.ndarray:
    """A pulse train through resonances, one second."""
    sound = (np.arange(RATE) % (RATE // pitch) == 0).astype(np.float64)
    for hertz in formants:
        radius = np.exp(-np.pi * 120 / RATE)
        angle = 2 * np.pi * hertz / RATE
        sound = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], sound)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def centroid(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float((power * hertz).sum() / power.sum())


def pitch_of(samples: np.ndarray) -> float:
    middle = samples[4000:8000].astype(np.float64)
    lags = np.correlate(middle, middle, "full")[len(middle) :]
    return RATE / (60 + int(np.argmax(lags[59:300])))


def test_without_a_change_of_formants_it_is_the_same_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMON", 0.0)
    monkeypatch.setattr(module, "OWN", 0.0)
    sound = vowel()
    heard = other_voice(sound, RATE, np.random.default_rng(0))
    np.testing.assert_allclose(heard, sound, atol=1e-5)


def test_formants_move_both_ways_and_the_pitch_stays() -> None:
    sound = vowel()
    shifts = []
    for seed in range(12):
        heard = other_voice(sound, RATE, np.random.default_rng(seed))
        assert heard.shape == sound.shape
        assert pitch_of(heard) == pytest.approx(100, abs=2)
        shifts.append(centroid(heard) / centroid(sound))
    assert min(shifts) < 0.93
    assert max(shifts) > 1.07


def test_sound_stays_where_it_was() -> None:
    sound = np.zeros(RATE, np.float32)
    sound[6000:6800] = vowel()[:800]
    for seed in range(5):
        heard = other_voice(sound, RATE, np.random.default_rng(seed))
        outside = np.concatenate([heard[:5400], heard[7400:]])
        assert np.square(outside).sum() < 0.01 * np.square(heard).sum()


def test_silence_stays_silent() -> None:
    assert not other_voice(np.zeros(1000, np.float32), RATE, np.random.default_rng(0)).any()
