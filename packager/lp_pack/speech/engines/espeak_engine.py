"""espeak-ng: works offline, knows its phonemes' times. Not pretty."""

from __future__ import annotations

from lp_pack.speech.corpus import ESPEAK_LANGUAGE, spoken_form
from lp_pack.speech.engines import EngineOptions
from lp_pack.speech.engines.spoken import Spoken
from lp_pack.speech.espeak import SAMPLE_RATE, Voice, espeak
from lp_pack.speech.languages import Language

WORDS_PER_MINUTE = 175


class Engine:
    """`voice` is a variant such as f2 or m3; the voice's language follows the text's."""

    def __init__(self, options: EngineOptions) -> None:
        self._variant = options.voice
        self._espeak = espeak()

    def identity(self, language: Language) -> str:
        """Engine and voice."""
        return f"espeak-ng {self._voice_name(language)}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """Speak with phoneme times; acting notes are beyond it."""
        voice = Voice(self._voice_name(language), words_per_minute=round(WORDS_PER_MINUTE * speed))
        speech = self._espeak.speak(spoken_form(text, language), voice)
        return Spoken(speech.samples, SAMPLE_RATE, speech.phonemes)

    def _voice_name(self, language: Language) -> str:
        name = ESPEAK_LANGUAGE[language]
        return name if self._variant is None else f"{name}+{self._variant}"
