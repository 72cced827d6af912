"""What a style does to recorded motion: how lively it is, and blinks, breathing and sway.

A recording's own blinks cannot be foretold from its sound, and a network that is asked to do so
learns a mean without blinks. Therefore idle motion is laid over the labels as a function of the
oscillators that the network sees (`lp_models.audio2motion`), as in the demo's training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lp_pack.speech.labels import CONTROL_COLUMNS
from lp_pack.speech.performance import motion
from lp_pack.training.motion_metrics import motion_groups

Array = NDArray[np.float32]
EMOTIONS = 8
# The first number of a style scales head and brows around their mean by up to this share.
LIVELINESS = 0.3


def idle_motion(style: Array, waves: Array) -> Array:
    """Idle motion to add to labels, (batch, n, 70).

    Args:
        style: (batch, style_size) in [-1, 1].
        waves: (batch, n, 3, 8), see `lp_models.audio2motion.Audio2Motion.idle_waves`.
    """
    batch, frames = waves.shape[:2]
    silence = np.zeros((batch, frames, len(CONTROL_COLUMNS)), np.float32)
    neutral = np.zeros((batch, frames, EMOTIONS), np.float32)
    moving = motion(silence, neutral, style, waves)
    return moving - motion(silence, neutral, style, np.zeros_like(waves))


def styled(labels: Array, mean: Array, style: Array) -> Array:
    """Labels (batch, n, 70) of a style: livelier or calmer around the mean (70,), lips as said."""
    calm = np.ones(labels.shape[-1], np.bool_)
    calm[motion_groups()["lips"][0]] = False
    factor = 1 + LIVELINESS * style[:, None, :1] * calm
    return np.asarray(mean + (labels - mean) * factor, dtype=np.float32)
