"""Kokoro (hexgrad/kokoro, Apache-2.0): 82 million parameters, English and Mandarin, offline."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lp_pack.speech.engines import EngineOptions
from lp_pack.speech.engines.spoken import Spoken, checked, imported
from lp_pack.speech.languages import Language

SAMPLE_RATE = 24_000
MODEL = "hexgrad/Kokoro-82M"
LANGUAGE_CODES: dict[Language, str] = {"en": "a", "zh": "z"}
VOICES: dict[Language, str] = {"en": "af_heart", "zh": "zf_xiaobei"}


class Engine:
    """One pipeline for each language, made on first use; one sentence at a time."""

    def __init__(self, options: EngineOptions) -> None:
        how = "pip install 'kokoro>=0.9' (for Mandarin: 'misaki[zh]' too)"
        self._kokoro: Any = imported("kokoro", "kokoro", how)
        self._voice = options.voice
        self._pipelines: dict[Language, Any] = {}
        self._lock = threading.Lock()

    def identity(self, language: Language) -> str:
        """Model and voice."""
        return f"{MODEL} {self._voice or VOICES[language]}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """Speak; acting notes are beyond it."""
        with self._lock:
            if language not in self._pipelines:
                self._pipelines[language] = self._kokoro.KPipeline(
                    lang_code=LANGUAGE_CODES[language], repo_id=MODEL
                )
            pieces = self._pipelines[language](
                text, voice=self._voice or VOICES[language], speed=speed
            )
            # Each piece unpacks into graphemes, phonemes, audio; the audio may be None.
            parts = [np.asarray(audio) for _, _, audio in pieces if audio is not None]
        return checked(np.concatenate(parts) if parts else [], SAMPLE_RATE, "kokoro")
