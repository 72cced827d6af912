"""The mel front end: agrees with librosa, streams exactly, exports without an FFT."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lp_models.errors import LpModelError
from lp_models.mel import LogMel, hz_to_mel, mel_filters, mel_to_hz

RATE = 16000
FRAMES = 20
SAMPLES = 640 * FRAMES


def librosa_decibels(signal: NDArray[np.float32], mel: LogMel) -> NDArray[np.float64]:
    padded = np.concatenate([np.zeros(mel.history_samples), signal.astype(np.float64)])
    power = librosa.feature.melspectrogram(
        y=padded, sr=RATE, n_fft=400, hop_length=160, center=False, n_mels=80, window="hann"
    )
    decibels = librosa.power_to_db(power, ref=1.0, amin=mel.power_floor, top_db=None)
    return np.asarray(decibels.T)


def signals() -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE
    noise = generator.standard_normal(SAMPLES)
    harmonics = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 40))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, 1)
    return {
        "noise": (0.1 * noise).astype(np.float32),
        "chirp": (0.5 * np.sin(2 * np.pi * (100 + 3000 * time) * time)).astype(np.float32),
        "speech-like": (0.1 * harmonics * syllables + 0.001 * noise).astype(np.float32),
        "silence": np.zeros(SAMPLES, np.float32),
    }


def no_history(mel: LogMel, batch: int = 1) -> torch.Tensor:
    return torch.zeros(batch, mel.history_samples)


def test_the_filters_are_librosas() -> None:
    ours = mel_filters(RATE, 400, 80, 0.0, 8000.0)
    np.testing.assert_allclose(
        ours.T, librosa.filters.mel(sr=RATE, n_fft=400, n_mels=80), atol=1e-8
    )


def test_mel_scale_round_trip() -> None:
    hz = np.linspace(0, 8000, 100)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


@pytest.mark.parametrize("name", ["noise", "chirp", "speech-like", "silence"])
def test_agrees_with_librosa_to_a_thousandth_of_a_decibel(name: str) -> None:
    mel = LogMel()
    signal = signals()[name]
    ours, _ = mel.sequence(torch.from_numpy(signal)[None], no_history(mel))
    expected = librosa_decibels(signal, mel)
    assert np.abs(ours.flatten(0, 2).numpy() - expected).max() <= 1e-3


def test_frame_by_frame_equals_the_whole() -> None:
    mel = LogMel()
    pcm = torch.from_numpy(signals()["speech-like"])[None]
    whole, last = mel.sequence(pcm, no_history(mel))
    history = no_history(mel)
    frames = []
    for frame in pcm.split(640, dim=1):
        decibels, history = mel(frame, history)
        frames.append(decibels)
    assert (torch.stack(frames, dim=1) - whole).abs().max() <= 1e-4
    assert torch.equal(history, last)


def test_silence_is_finite_and_at_the_floor() -> None:
    mel = LogMel(power_floor=1e-6)
    decibels, _ = mel(torch.zeros(1, 640), no_history(mel))
    assert decibels.shape == (1, 4, 80)
    torch.testing.assert_close(decibels, torch.full_like(decibels, -60.0))


def test_a_hop_that_does_not_tile_the_frame_is_refused() -> None:
    with pytest.raises(LpModelError, match="do not tile"):
        LogMel(hop_samples=150)
