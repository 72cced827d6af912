"""CosyVoice (FunAudioLLM/CosyVoice, Apache-2.0), its speakers that come with a model (SFT)."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lp_pack.speech.engines import EngineOptions
from lp_pack.speech.engines.spoken import Spoken, checked, imported
from lp_pack.speech.languages import Language

MODEL = "pretrained_models/CosyVoice-300M-SFT"
VOICES: dict[Language, str] = {"en": "英文女", "zh": "中文女"}


class Engine:
    """`model` is the folder of a model with built-in speakers, `voice` one of those."""

    def __init__(self, options: EngineOptions) -> None:
        how = (
            "clone github.com/FunAudioLLM/CosyVoice, install its requirements.txt, and put the "
            "clone on PYTHONPATH"
        )
        package: Any = imported("cosyvoice.cli.cosyvoice", "cosyvoice", how)
        self._model_name = options.model or MODEL
        self._model = package.CosyVoice(self._model_name)
        self._voice = options.voice
        self._lock = threading.Lock()

    def identity(self, language: Language) -> str:
        """Model and voice."""
        return f"cosyvoice {self._model_name} {self._voice or VOICES[language]}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """Speak; acting notes are beyond its built-in speakers."""
        with self._lock:
            pieces = self._model.inference_sft(
                text, self._voice or VOICES[language], stream=False, speed=speed
            )
            parts = [np.asarray(piece["tts_speech"]).reshape(-1) for piece in pieces]
        samples = np.concatenate([np.zeros(0), *parts])
        return checked(samples, int(self._model.sample_rate), "cosyvoice")
