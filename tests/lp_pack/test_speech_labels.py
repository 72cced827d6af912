"""Face controls of speech: lips close on b, p, m, open on a, round on u; silence is shut."""

from __future__ import annotations

import numpy as np

from lp_pack.speech.espeak import SAMPLE_RATE, Phoneme, TimedSpeech
from lp_pack.speech.labels import SpeechControls, speech_controls


def tone_for(*spoken: tuple[str, float]) -> TimedSpeech:
    """Phonemes of given durations over a steady tone, silent where the name is empty."""
    phonemes, pieces = [], []
    time = 0.0
    for name, seconds in spoken:
        phonemes.append(Phoneme(name, time, time + seconds))
        samples = 0.2 * np.sin(
            2 * np.pi * 150 * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        )
        pieces.append(samples if name else 0 * samples)
        time += seconds
    return TimedSpeech(np.concatenate(pieces).astype(np.float32), tuple(phonemes))


def at(curve: np.ndarray, seconds: float) -> float:
    return float(curve[int(seconds * 25)])


def bilabial_between_open_vowels(name: str) -> SpeechControls:
    return speech_controls(tone_for(("a", 0.4), (name, 0.12), ("a", 0.4)))


def test_there_is_one_row_for_every_whole_frame() -> None:
    assert len(speech_controls(tone_for(("a", 0.43)))) == 10
    assert speech_controls(tone_for(("a", 0.43))).stack().shape == (10, 7)


def test_lips_close_and_press_on_every_bilabial_whatever_surrounds_it() -> None:
    for name in ("p", "b", "m", "ph"):
        controls = bilabial_between_open_vowels(name)
        closed = slice(9, 13)
        assert controls.jaw_open[closed].min() < 0.02
        assert controls.lip_press[closed].max() > 0.7
        assert at(controls.jaw_open, 0.2) > 0.8
        assert at(controls.jaw_open, 0.8) > 0.8


def test_lips_touch_teeth_less_tightly_than_each_other() -> None:
    assert 0.1 < bilabial_between_open_vowels("f").lip_press.max() < 0.5


def test_vowels_differ_as_they_look() -> None:
    vowels = {name: speech_controls(tone_for((name, 0.4))) for name in ("a", "i", "u", "o")}
    middle = {name: at(controls.jaw_open, 0.2) for name, controls in vowels.items()}
    assert middle["a"] > middle["o"] > middle["i"]
    assert at(vowels["u"].lip_pucker, 0.2) > 0.8
    assert at(vowels["i"].lip_wide, 0.2) > 0.6
    assert at(vowels["a"].lip_pucker, 0.2) < 0.05


def test_rounding_starts_before_its_vowel_and_tongue_consonants_let_it_through() -> None:
    controls = speech_controls(tone_for(("a", 0.3), ("t", 0.08), ("u", 0.3)))
    assert at(controls.lip_pucker, 0.34) > 0.25


def test_silence_is_shut_and_a_phrase_end_blinks_once() -> None:
    controls = speech_controls(tone_for(("a", 0.4), ("", 1.2)))
    assert controls.jaw_open[20:].max() < 0.02
    assert controls.pause_blink.max() > 0.8
    assert controls.pause_blink[:12].max() < 0.05
    assert controls.pause_blink[-4:].max() < 0.05


def test_controls_are_finite_for_pure_silence() -> None:
    assert np.isfinite(speech_controls(tone_for(("", 1.0))).stack()).all()
