"""Augmented speech sounds different, stays in range, and stays where it was in time."""

from __future__ import annotations

import numpy as np

from lp_pack.training.audio_augmentation import augment


def click_train() -> np.ndarray:
    samples = np.zeros(16000, np.float32)
    samples[4000:4400] = 0.5 * np.sin(np.arange(400) * 0.3)
    return samples


def test_augmentation_changes_the_sound_and_keeps_its_place() -> None:
    clean = click_train()
    different = 0
    for seed in range(30):
        heard = augment(clean, 16000, np.random.default_rng(seed))
        assert heard.shape == clean.shape
        assert heard.dtype == np.float32
        assert np.abs(heard).max() <= 1.0
        energy = np.convolve(heard.astype(np.float64) ** 2, np.ones(400), "valid")
        assert abs(int(energy.argmax()) - 4000) < 400
        different += not np.allclose(heard / np.abs(heard).max(), clean / clean.max(), atol=1e-3)
    assert different >= 18


def test_silence_stays_finite_and_a_seed_repeats() -> None:
    silence = np.zeros(8000, np.float32)
    for seed in range(5):
        heard = augment(silence, 16000, np.random.default_rng(seed))
        np.testing.assert_array_equal(heard, augment(silence, 16000, np.random.default_rng(seed)))
        assert np.isfinite(heard).all()
