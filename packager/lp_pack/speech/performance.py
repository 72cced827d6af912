"""A whole performance: speech controls, emotion and idle motion become LivePortrait motion.

The idle part is a function of the oscillators that the network itself sees
(`lp_models.idle`): blinks at the sharp pulses; breathing, sway and wandering eyes at the waves,
scaled by how lively the style is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lp_models.idle import BLINK_OSCILLATORS
from lp_pack.demo.expression_basis import CONTROL_NAMES, basis
from lp_pack.speech.emotions import SHIFT_NAMES, shift_matrix
from lp_pack.speech.labels import CONTROL_COLUMNS

Array = NDArray[np.float32]
MOTION_SIZE = 70
SCALE, TRANSLATION, PITCH, YAW, ROLL = 63, 64, 67, 68, 69
# The neutral face that the motion is relative to: no expression, scale 1, looking ahead.
NEUTRAL_MOTION = np.zeros(MOTION_SIZE, dtype=np.float32)
NEUTRAL_MOTION[SCALE] = 1.0
# Amplitudes at a liveliness of 1: degrees, keypoint units, control units.
YAW_SWAY, PITCH_SWAY, ROLL_SWAY, YAW_STYLE = 2.2, 1.0, 1.2, 1.5
BREATH, SHIFT_IDLE, SCALE_IDLE = 0.006, 0.006, 0.004
GAZE, BROW_IDLE = 0.25, 0.08
NOD_DEGREES, EMPHASIS_BROW, EMPHASIS_LID, MEAN_EMPHASIS = 2.0, 0.35, -0.08, 0.25


def motion(speech: Array, emotion: Array, style: Array, waves: Array) -> Array:
    """Motion of a batch of streams.

    Args:
        speech: (batch, n, 7), columns `lp_pack.speech.labels.CONTROL_COLUMNS`.
        emotion: (batch, n, 8) weights.
        style: (batch, style_size) in [-1, 1].
        waves: (batch, n, 3, 8): sine, cosine and pulse of each idle oscillator.

    Returns:
        (batch, n, 70), to be read relative to `NEUTRAL_MOTION`.
    """
    said = {name: speech[..., column] for column, name in enumerate(CONTROL_COLUMNS)}
    shifts = emotion @ shift_matrix()
    shift = {name: shifts[..., column] for column, name in enumerate(SHIFT_NAMES)}
    sine, cosine = np.moveaxis(waves[:, :, 0], -1, 0), np.moveaxis(waves[:, :, 1], -1, 0)
    lively = 1.0 + 0.5 * style[:, :1]
    controls = _speech_and_emotion(said, shift)
    controls["blink_left"] = controls["blink_right"] = _lids(said, shift, waves[:, :, 2])
    controls["brow_raise"] += lively * (EMPHASIS_BROW * said["emphasis"] + BROW_IDLE * sine[2])
    controls["gaze_x"] = GAZE * lively * sine[3] * cosine[0]
    controls["gaze_y"] = 0.4 * GAZE * lively * sine[5]
    zero = np.zeros_like(sine[0])
    stacked = np.stack([controls.get(name, zero) for name in CONTROL_NAMES], axis=-1)
    result = np.empty((*zero.shape, MOTION_SIZE), dtype=np.float32)
    result[..., :SCALE] = stacked @ basis().reshape(len(CONTROL_NAMES), SCALE)
    result[..., SCALE] = 1.0 + SCALE_IDLE * sine[6]
    result[..., TRANSLATION] = SHIFT_IDLE * lively * sine[0]
    result[..., TRANSLATION + 1] = BREATH * cosine[7]
    result[..., TRANSLATION + 2] = 0.0
    nod = NOD_DEGREES * (said["emphasis"] - MEAN_EMPHASIS)
    result[..., PITCH] = shift["pitch"] + lively * (PITCH_SWAY * cosine[2] + nod)
    sway = YAW_SWAY * (0.65 * sine[0] + 0.35 * sine[3])
    result[..., YAW] = lively * sway + YAW_STYLE * style[:, 1:2]
    result[..., ROLL] = shift["roll"] + ROLL_SWAY * lively * sine[1]
    return result


def _speech_and_emotion(said: dict[str, Array], shift: dict[str, Array]) -> dict[str, Array]:
    """Mouth and brow; an emotion opens no lips that a sound closes, nor presses open ones."""
    shut_share = 1 - np.minimum(1, 3 * said["jaw_open"])
    return {
        "jaw_open": said["jaw_open"] + (1 - said["closure"]) * shift["jaw_open"],
        "lip_press": said["lip_press"] + shut_share * shift["lip_press"],
        "lip_pucker": said["lip_pucker"] + shift["lip_pucker"],
        "lip_wide": said["lip_wide"] + shift["lip_wide"],
        "smile": shift["smile"],
        "brow_raise": shift["brow_raise"].copy(),
        "brow_frown": shift["brow_frown"],
    }


def _lids(said: dict[str, Array], shift: dict[str, Array], pulse: Array) -> Array:
    """Both lids: a blink closes them fully, whatever the emotion made of their resting place."""
    blink = np.clip(pulse[..., BLINK_OSCILLATORS].max(axis=-1) + said["pause_blink"], 0, 1)
    return np.asarray(blink + (1 - blink) * (shift["blink"] + EMPHASIS_LID * said["emphasis"]))
