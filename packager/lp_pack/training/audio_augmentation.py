"""Make clean speech sound like many voices, microphones, rooms and levels; timing stays as it is.

Everything linear (equaliser, band limits, room) is one product in the frequency domain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lp_pack.training.other_voice import other_voice

Array = NDArray[np.float32]
# Ranges and probabilities of each effect.
GAIN_DB = (-16.0, 6.0)
EQUALISER_DB = 5.0  # standard deviation at each of 8 points, logarithmic in frequency
EQUALISER_HZ = (60.0, 7600.0)
HIGH_PASS_HZ, LOW_PASS_HZ = (40.0, 250.0), (3400.0, 7800.0)
ROOM_SECONDS, ROOM_SHARE = (0.08, 0.40), 0.5  # reverberation time, largest reverberant amplitude
NOISE_BELOW_SPEECH_DB, MUSIC_BELOW_SPEECH_DB = (5.0, 50.0), (5.0, 30.0)
VOICE_PROBABILITY = 0.6
CLEAN_PROBABILITY, BAND_PROBABILITY, ROOM_PROBABILITY, MUSIC_PROBABILITY = 0.15, 0.4, 0.4, 0.25
# Music is chords of harmonic notes.
NOTE_SECONDS, NOTE_HZ, NOTES, HARMONICS = (0.15, 0.8), (80.0, 900.0), 3, 6


def augment(samples: Array, sample_rate: int, generator: np.random.Generator) -> Array:
    """A heard version of `samples` (n,): voice, equaliser, band limits, room, noise, level."""
    if generator.random() < VOICE_PROBABILITY:
        samples = other_voice(samples, sample_rate, generator)
    if generator.random() < CLEAN_PROBABILITY:
        return samples * _decibels(generator.uniform(-6.0, 3.0))
    # Room to decay, so that the end does not wrap round to the start.
    size = len(samples) + int(ROOM_SECONDS[1] * sample_rate)
    frequencies = np.asarray(np.fft.rfftfreq(size, 1 / sample_rate), dtype=np.float64)
    response = _equaliser(frequencies, generator).astype(np.complex128)
    if generator.random() < ROOM_PROBABILITY:
        response *= np.fft.rfft(_room(sample_rate, generator), size)
    heard = np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: len(samples)]
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
    heard *= level / max(float(np.sqrt(np.mean(heard**2))), 1e-6)
    below = _decibels(-generator.uniform(*NOISE_BELOW_SPEECH_DB))
    heard += below * level * _noise(len(samples), generator)
    if generator.random() < MUSIC_PROBABILITY:
        below = _decibels(-generator.uniform(*MUSIC_BELOW_SPEECH_DB))
        heard += below * level * _music(len(samples), sample_rate, generator)
    heard *= _decibels(generator.uniform(*GAIN_DB))
    return np.clip(heard, -1.0, 1.0).astype(np.float32)


def _decibels(value: float) -> float:
    return float(10 ** (value / 20))


def _equaliser(
    frequencies: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    points = np.geomspace(*EQUALISER_HZ, 8)
    curve = np.interp(
        np.log(np.maximum(frequencies, 1.0)), np.log(points), generator.normal(0, EQUALISER_DB, 8)
    )
    gains: NDArray[np.float64] = 10 ** (curve / 20)
    if generator.random() < BAND_PROBABILITY:
        low, high = generator.uniform(*HIGH_PASS_HZ), generator.uniform(*LOW_PASS_HZ)
        gains /= np.sqrt(1 + (low / np.maximum(frequencies, 1.0)) ** 4)
        gains /= np.sqrt(1 + (frequencies / high) ** 8)
    return gains


def _room(sample_rate: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """The direct sound and an exponentially decaying tail of noise."""
    seconds = generator.uniform(*ROOM_SECONDS)
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    # Reverberation time is the fall by 60 dB.
    tail = generator.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    tail *= generator.uniform(0, ROOM_SHARE) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return np.asarray(tail)


def _noise(size: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Noise of unit level whose spectrum falls with a random slope between white and brown."""
    spectrum = np.fft.rfft(generator.standard_normal(size))
    slope = generator.uniform(0.0, 1.0)
    spectrum /= np.maximum(np.arange(len(spectrum)), 1.0) ** slope
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(noise / max(float(noise.std()), 1e-12))


def _music(size: int, sample_rate: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Chords of decaying harmonic notes, one after the other, at unit level."""
    music = np.zeros(size)
    start = 0
    while start < size:
        stop = min(size, start + int(generator.uniform(*NOTE_SECONDS) * sample_rate))
        time = np.arange(stop - start) / sample_rate
        for octave in generator.uniform(0, np.log2(NOTE_HZ[1] / NOTE_HZ[0]), NOTES):
            fundamental = NOTE_HZ[0] * 2**octave
            for harmonic in range(1, HARMONICS + 1):
                music[start:stop] += np.sin(2 * np.pi * fundamental * harmonic * time) / harmonic
        music[start:stop] *= np.exp(-2 * time)
        start = stop
    return np.asarray(music / max(float(music.std()), 1e-12))
