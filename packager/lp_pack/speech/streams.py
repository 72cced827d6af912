"""Long pieces of espeak's speech with the face controls that belong to them, one voice each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lp_pack.speech.babble import babble
from lp_pack.speech.corpus import ESPEAK_LANGUAGE, Language, sentences, spoken_form
from lp_pack.speech.espeak import SAMPLE_RATE, Phoneme, TimedSpeech, Voice, espeak
from lp_pack.speech.labels import SAMPLES_PER_FRAME, speech_controls
from lp_pack.speech.unheard_sentences import UNHEARD_SENTENCES

Array = NDArray[np.float32]
# espeak's voice variants. Klatt voices come from another synthesiser than the rest.
TRAINING_VARIANTS = tuple(
    variant
    for row in (
        "f1 f2 f3 m1 m3 m4 m6 m7 m8 klatt klatt2 klatt5 adam Alex Andrea Andy Annie anika",
        "antonio aunty benjamin boris caleb david Denis Diogo ed edward Gene grandma grandpa",
        "gustave Henrique Hugo iven iven2 Jacky john kaukovalta Lee linda marcelo Mario max",
        "Michael michel miguel norbert pablo pedro quincy rob robert sandro shelby steph steph2",
        "travis victor zac",
    )
    for variant in row.split()
)
# Voices that say when to stop, and voices for the report alone: no training stream has them.
VALIDATION_VARIANTS = ("f5", "m2", "klatt3", "Alicia", "paul")
HELD_OUT_VARIANTS = ("f4", "m5", "belinda", "Mike", "Marco", "klatt4")
ENGLISH_ACCENTS = ("en-us", "en-us", "en-us-nyc", "en-gb-x-rp", "en-gb-scotland")
# Ranges of what espeak and the resampling vary; resampling moves pitch and formants together.
WORDS_PER_MINUTE, PITCH, PITCH_RANGE = (110, 215), (20, 80), (25, 85)
RESAMPLING_STEPS, RESAMPLING_UNIT = (17, 24), 20
PAUSE_SECONDS, LONG_PAUSE_SECONDS = (0.15, 0.9), (1.0, 2.5)
LONG_PAUSE_PROBABILITY = 0.2
# Share of whole sentences; the rest is babble, which breaks up what sentences repeat.
SENTENCE_SHARE = 0.4


@dataclass(frozen=True)
class SpeechStream:
    """One voice for a while.

    samples: (frames * 640,) at 16 kHz.
    controls: (frames, 7), columns `lp_pack.speech.labels.CONTROL_COLUMNS`.
    """

    voice: str
    samples: Array
    controls: Array


def make_streams(
    variants: Sequence[str],
    languages: Sequence[Language],
    seconds: float,
    seed: int,
    unheard: bool = False,
) -> list[SpeechStream]:
    """One stream for every variant and language; a fresh process makes the same ones again.

    Args:
        variants: espeak's voice variants.
        languages: what they speak.
        seconds: shortest stream.
        seed: of all that is drawn.
        unheard: say each of `UNHEARD_SENTENCES` in turn instead of what training hears.

    Raises:
        SpeechError: espeak-ng is not installed or lacks a voice.
    """
    streams = []
    for index, variant in enumerate(variants):
        for language in languages:
            generator = np.random.default_rng([seed, index, languages.index(language)])
            texts = UNHEARD_SENTENCES[language] if unheard else ()
            streams.append(make_stream(variant, language, seconds, generator, texts))
    return streams


def make_stream(
    variant: str,
    language: Language,
    seconds: float,
    generator: np.random.Generator,
    texts: Sequence[str] = (),
) -> SpeechStream:
    """At least `seconds` of utterances with pauses, each of random speed, pitch and accent.

    They are `texts` in turn, or random where there are none.
    """
    pieces = [silence(generator.uniform(*PAUSE_SECONDS))]
    told = itertools.cycle(spoken_form(text, language) for text in texts)
    while sum(piece.seconds for piece in pieces) < seconds:
        voice = random_voice(variant, language, generator)
        text = next(told) if texts else random_utterance(language, generator)
        spoken = espeak().speak(text, voice)
        pieces.append(stretched(spoken, int(generator.integers(*RESAMPLING_STEPS))))
        long = generator.random() < LONG_PAUSE_PROBABILITY
        pieces.append(silence(generator.uniform(*(LONG_PAUSE_SECONDS if long else PAUSE_SECONDS))))
    speech = joined(pieces)
    name = f"{ESPEAK_LANGUAGE[language]}+{variant}"
    return SpeechStream(name, speech.samples, speech_controls(speech).stack())


def random_voice(variant: str, language: Language, generator: np.random.Generator) -> Voice:
    """A way of speaking of one variant."""
    accents = ENGLISH_ACCENTS if language == "en" else (ESPEAK_LANGUAGE[language],)
    return Voice(
        f"{generator.choice(accents)}+{variant}",
        words_per_minute=int(generator.integers(*WORDS_PER_MINUTE)),
        pitch=int(generator.integers(*PITCH)),
        pitch_range=int(generator.integers(*PITCH_RANGE)),
    )


def random_utterance(language: Language, generator: np.random.Generator) -> str:
    """A sentence of the corpus, or babble."""
    if generator.random() < SENTENCE_SHARE:
        return spoken_form(str(generator.choice(sentences(language))), language)
    return babble(language, generator)


def silence(seconds: float) -> TimedSpeech:
    """A pause."""
    samples = np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)
    return TimedSpeech(samples, (Phoneme("", 0.0, len(samples) / SAMPLE_RATE),))


def stretched(speech: TimedSpeech, factor: int) -> TimedSpeech:
    """Play `speech` factor / 20 as fast: shorter and higher above 20, phoneme times moved along."""
    if factor == RESAMPLING_UNIT:
        return speech
    samples = resample_poly(speech.samples, RESAMPLING_UNIT, factor).astype(np.float32)
    scale = RESAMPLING_UNIT / factor
    moved = [Phoneme(p.name, p.start * scale, p.end * scale) for p in speech.phonemes]
    return TimedSpeech(samples, tuple(moved))


def joined(pieces: Sequence[TimedSpeech]) -> TimedSpeech:
    """One after the other, cut to whole 40 ms frames."""
    samples = np.concatenate([piece.samples for piece in pieces])
    phonemes = []
    offset = 0
    for piece in pieces:
        start = offset / SAMPLE_RATE
        phonemes += [Phoneme(p.name, p.start + start, p.end + start) for p in piece.phonemes]
        offset += len(piece.samples)
    return TimedSpeech(
        samples[: len(samples) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME], tuple(phonemes)
    )
