"""ChatTTS (2noise/ChatTTS): conversational Mandarin and English.

Its code is AGPL-3.0 and its weights are for non-commercial use: know that before you ship what a
network learned from it.
"""

from __future__ import annotations

import threading
from typing import Any

from lp_pack.errors import ConfigError, SpeechError
from lp_pack.speech.engines import EngineOptions
from lp_pack.speech.engines.spoken import Spoken, checked, imported
from lp_pack.speech.languages import Language

SAMPLE_RATE = 24_000
# Its speed is a prompt from 0 to 9; 5 is the voice's own.
OWN_SPEED, LARGEST_SPEED, STEPS_PER_FACTOR = 5, 9, 5


class Engine:
    """`voice` is the seed of a random speaker, a number."""

    def __init__(self, options: EngineOptions) -> None:
        package: Any = imported("ChatTTS", "chattts", "pip install ChatTTS")
        self._torch: Any = imported("torch", "chattts", "pip install torch")
        voice = options.voice or "0"
        if not voice.isdigit():
            raise ConfigError(
                "ChatTTS has no voices with names", expected="a number, the seed", got=voice
            )
        self._seed = int(voice)
        self._chat = package.Chat()
        if not self._chat.load(compile=False):
            raise SpeechError("ChatTTS cannot load its model", remedy="see its own messages")
        self._torch.manual_seed(self._seed)
        self._speaker = self._chat.sample_random_speaker()
        self._lock = threading.Lock()

    def identity(self, language: Language) -> str:
        """Engine and speaker."""
        return f"chattts speaker {self._seed}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """Speak with the seeded speaker, without ChatTTS's own rewriting of the text."""
        step = round(OWN_SPEED + STEPS_PER_FACTOR * (speed - 1))
        with self._lock:
            parameters = self._chat.InferCodeParams(
                spk_emb=self._speaker, prompt=f"[speed_{min(max(step, 0), LARGEST_SPEED)}]"
            )
            self._torch.manual_seed(self._seed)
            waves = self._chat.infer([text], skip_refine_text=True, params_infer_code=parameters)
        return checked(waves[0], SAMPLE_RATE, "chattts")
