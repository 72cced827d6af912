"""Speech, emotion and idle motion together: what blinks, smiles and stays shut."""

from __future__ import annotations

import numpy as np
import pytest

from lp_models.motion import EMOTIONS as MODEL_EMOTIONS
from lp_pack.speech.emotions import EMOTIONS
from lp_pack.speech.labels import CONTROL_COLUMNS
from lp_pack.speech.performance import BLINK_OSCILLATORS, NEUTRAL_MOTION, ROLL, YAW, motion
from lp_pack.training.motion_metrics import lip_opening

FRAMES = 6
LEFT_LID = 3 * 11 + 1


def performed(
    emotion: str = "neutral",
    said: dict[str, float] | None = None,
    pulse: float = 0.0,
    liveliness: float = 0.0,
    sine: float = 0.0,
) -> np.ndarray:
    speech = np.zeros((1, FRAMES, len(CONTROL_COLUMNS)), np.float32)
    for name, value in (said or {}).items():
        speech[..., CONTROL_COLUMNS.index(name)] = value
    weights = np.zeros((1, FRAMES, 8), np.float32)
    weights[..., EMOTIONS.index(emotion)] = 1.0
    style = np.zeros((1, 8), np.float32)
    style[0, 0] = liveliness
    waves = np.zeros((1, FRAMES, 3, 8), np.float32)
    waves[:, :, 0] = sine
    waves[:, :, 2, BLINK_OSCILLATORS[0]] = pulse
    return motion(speech, weights, style, waves)[0]


def test_the_order_of_emotions_is_the_networks() -> None:
    assert EMOTIONS == MODEL_EMOTIONS


def test_silence_without_emotion_has_the_neutral_expression() -> None:
    np.testing.assert_allclose(performed()[:, :63], NEUTRAL_MOTION[None, :63].repeat(FRAMES, 0))
    np.testing.assert_allclose(performed()[:, 63], 1.0)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_lips_stay_closed_on_a_bilabial_in_every_emotion(emotion: str) -> None:
    shut = {"lip_press": 0.8, "closure": 1.0}
    assert (
        lip_opening(performed(emotion, shut)).max()
        < 0.15 * lip_opening(performed("neutral", {"jaw_open": 1.0})).min()
    )


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_pulse_closes_the_lids_fully_in_every_emotion(emotion: str) -> None:
    closed = performed(emotion, pulse=1.0)[0, LEFT_LID]
    blinked = performed("neutral", pulse=1.0)[0, LEFT_LID]
    # Smiles lift the cheek a little, hence the tolerance.
    assert closed == pytest.approx(blinked, abs=2e-3)


def test_every_emotion_but_neutral_shows() -> None:
    faces = {emotion: performed(emotion)[0] for emotion in EMOTIONS}
    for first in EMOTIONS:
        for second in EMOTIONS:
            if first < second:
                assert np.abs(faces[first] - faces[second]).max() > 2e-3, (first, second)


def test_a_livelier_style_sways_more() -> None:
    calm, lively = performed(liveliness=-1.0, sine=1.0), performed(liveliness=1.0, sine=1.0)
    assert abs(lively[0, YAW]) > 2 * abs(calm[0, YAW]) > 0
    assert abs(lively[0, ROLL]) < 5
