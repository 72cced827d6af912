"""What a style does to recorded motion: how lively it is, and blinks, breathing and sway.

A recording's own blinks cannot be foretold from its sound, and a network that is asked to do so
learns a mean without blinks. Therefore idle motion is laid over the labels as a function of the
oscillators that the network sees (`lp_models.idle`), as in the demo's training; and what of it is
linear in their waves is put into the network before the training, so that it need not be learned.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion
from lp_pack.speech.labels import CONTROL_COLUMNS
from lp_pack.speech.performance import motion
from lp_pack.training.motion_metrics import motion_groups

Array = NDArray[np.float32]
EMOTIONS = 8
# The first number of a style scales head and brows around their mean by up to this share.
LIVELINESS = 0.3
IDLE_SAMPLES = 4096
# What least squares leave where there is nothing, for the gaze, which is a product of two waves.
SMALLEST_IDLE = 1e-4


def idle_motion(style: Array, waves: Array) -> Array:
    """Idle motion to add to labels, (batch, n, 70).

    Args:
        style: (batch, style_size) in [-1, 1].
        waves: (batch, n, 3, 8), sine, cosine and pulse of each oscillator.
    """
    batch, frames = waves.shape[:2]
    silence = np.zeros((batch, frames, len(CONTROL_COLUMNS)), np.float32)
    neutral = np.zeros((batch, frames, EMOTIONS), np.float32)
    moving = motion(silence, neutral, style, waves)
    return moving - motion(silence, neutral, style, np.zeros_like(waves))


@torch.no_grad()
def set_idle(model: Audio2Motion, seed: int = 0) -> None:
    """Set the network's own idle motion: `idle_motion` by least squares over styles and phases."""
    generator = np.random.default_rng(seed)
    idle = model.idle
    phase = generator.uniform(0, 1, (IDLE_SAMPLES, 1, model.dims.num_oscillators))
    style = generator.uniform(-1, 1, (IDLE_SAMPLES, 1, model.dims.style_size))
    phases, styles = torch.from_numpy(phase).float(), torch.from_numpy(style).float()
    waves = idle.waves(phases, styles)
    moving = idle_motion(styles[:, 0].numpy(), torch.stack(waves, dim=-2).numpy())
    features = idle.features(waves, styles)[:, 0]
    target = torch.from_numpy(moving[:, 0])
    solved = torch.linalg.lstsq(features.double(), target.double()).solution
    idle.weights.copy_(solved * (solved.abs() > SMALLEST_IDLE))


def styled(labels: Array, mean: Array, style: Array) -> Array:
    """Labels (batch, n, 70) of a style: livelier or calmer around the mean (70,), lips as said."""
    calm = np.ones(labels.shape[-1], np.bool_)
    calm[motion_groups()["lips"][0]] = False
    factor = 1 + LIVELINESS * style[:, None, :1] * calm
    return np.asarray(mean + (labels - mean) * factor, dtype=np.float32)
