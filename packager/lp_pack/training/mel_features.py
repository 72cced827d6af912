"""A few numbers that say what a frame sounds like, for baselines and probes without a network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct

from lp_models.audio2motion import Audio2Motion

Array = NDArray[np.float32]
COEFFICIENTS = 13
DECIBELS = 20.0


@torch.no_grad()
def frame_features(model: Audio2Motion, pcm: Array) -> Array:
    """Cepstral coefficients of every frame, (frames, 13), of samples (frames * 640,).

    The cosine transform of the mean log-mel column, in units of some 20 dB.
    """
    history = torch.zeros(1, model.mel.history_samples)
    decibels, _ = model.mel.sequence(torch.from_numpy(pcm)[None], history)
    columns = decibels[0].mean(dim=1).numpy()
    coefficients = dct(columns, type=2, norm="ortho", axis=1)[:, :COEFFICIENTS]
    return np.asarray(coefficients / (DECIBELS * np.sqrt(columns.shape[1])), np.float32)


def context(features: Array, before: int, after: int) -> Array:
    """Each frame with its neighbours, (frames, (before + 1 + after) * n); edges are repeated."""
    padded = np.pad(features, ((before, after), (0, 0)), mode="edge")
    shifted = [padded[at : at + len(features)] for at in range(before + 1 + after)]
    return np.concatenate(shifted, axis=1)
