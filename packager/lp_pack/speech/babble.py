"""Random utterances in every combination of sounds, so that a network learns sounds, not words.

English is spelled, and espeak reads it by its rules; Mandarin is syllables with tones.
"""

from __future__ import annotations

import numpy as np

from lp_pack.speech.corpus import mandarin_syllables, sentences
from lp_pack.speech.languages import Language

WORDS = (4, 12)
# Of the English words, those that no dictionary has.
INVENTED_SHARE, SECOND_SYLLABLE_SHARE = 0.6, 0.5


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ONSETS = _words(
    "b p m f v w t d n l s z th sh ch j k g h r y st tr br pl bl fl fr gr sk sm sp sw qu thr str"
)
VOWELS = _words("a e i o u ee ea oo ai ay oa ow oy ar or er igh au ew air ear")
CODAS = _words("b p m t d n l s k g f v th sh ch ng nk st nd nt lk mp ft ps ts ve ble sion")
EMPTY_SHARE = 0.25


def babble(language: Language, generator: np.random.Generator) -> str:
    """A row of random words (en), or of syllables with tones (zh), as espeak takes it."""
    count = int(generator.integers(*WORDS))
    if language == "zh":
        syllables = generator.choice(mandarin_syllables(), count)
        return " ".join(f"{syllable}{generator.integers(1, 6)}" for syllable in syllables)
    known = sorted({word.strip(",.?!") for text in sentences("en") for word in text.split()})
    words = [
        invented_word(generator)
        if generator.random() < INVENTED_SHARE
        else str(generator.choice(known))
        for _ in range(count)
    ]
    return " ".join(words)


def invented_word(generator: np.random.Generator) -> str:
    """One or two syllables that English spelling allows."""
    second = generator.random() < SECOND_SYLLABLE_SHARE
    return _syllable(generator) + (_syllable(generator) if second else "")


def _syllable(generator: np.random.Generator) -> str:
    onset = "" if generator.random() < EMPTY_SHARE else str(generator.choice(ONSETS))
    coda = "" if generator.random() < EMPTY_SHARE else str(generator.choice(CODAS))
    return onset + str(generator.choice(VOWELS)) + coda
