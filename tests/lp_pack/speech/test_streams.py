"""What the demo is trained on and judged by: no voice and no sentence is on both sides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lp_pack.errors import SpeechError
from lp_pack.speech.babble import babble, invented_word
from lp_pack.speech.corpus import sentences
from lp_pack.speech.espeak import Voice, espeak
from lp_pack.speech.languages import LANGUAGES, Language
from lp_pack.speech.script import script_sections
from lp_pack.speech.streams import (
    HELD_OUT_VARIANTS,
    TRAINING_VARIANTS,
    VALIDATION_VARIANTS,
    make_stream,
)
from lp_pack.speech.unheard_sentences import UNHEARD_SENTENCES


def test_no_voice_is_on_two_sides() -> None:
    sides = (TRAINING_VARIANTS, VALIDATION_VARIANTS, HELD_OUT_VARIANTS)
    for first, second in itertools.combinations(sides, 2):
        assert not set(first) & set(second)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_to_judge_by_are_in_no_training_text(language: Language) -> None:
    script = [line.text for part in script_sections(language) for line in part.lines]
    known = {*sentences(language), *script}
    assert len(UNHEARD_SENTENCES[language]) >= 12
    assert not known & set(UNHEARD_SENTENCES[language])


def test_babble_repeats_with_its_seed_and_never_twice_the_same() -> None:
    for language in LANGUAGES:
        texts = [babble(language, np.random.default_rng(seed)) for seed in (0, 0, 1)]
        assert texts[0] == texts[1] != texts[2]


def test_an_invented_word_has_a_vowel_to_speak() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        assert set(invented_word(generator)) & set("aeiou")


def test_a_stream_tells_its_texts_in_turn() -> None:
    try:
        espeak()
    except SpeechError as error:
        pytest.skip(f"espeak-ng is not installed: {error.remedy}")
    stream = make_stream("f4", "en", 3.0, np.random.default_rng(0), ("Peter.", "Paul."))
    assert len(stream.samples) == 640 * len(stream.controls)
    assert len(stream.controls) >= 75
    spoken = espeak().speak(babble("en", np.random.default_rng(3)), Voice("en-us"))
    assert len(spoken.phonemes) > 8
