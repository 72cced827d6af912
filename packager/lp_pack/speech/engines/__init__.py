"""Engines that turn text into sound, behind one interface, found by name.

Each engine has a file of its own. What an engine needs is imported when it is made, so that a
missing package is an error that says what to install, and only for who asked for that engine.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lp_pack.errors import ConfigError, SpeechError
from lp_pack.speech.languages import Language

if TYPE_CHECKING:
    from lp_pack.speech.engines.spoken import Spoken

# Name -> module with a class `Engine`, in the order of the help.
ENGINES = {
    "espeak": "lp_pack.speech.engines.espeak_engine",
    "openai": "lp_pack.speech.engines.openai_endpoint",
    "kokoro": "lp_pack.speech.engines.kokoro_engine",
    "cosyvoice": "lp_pack.speech.engines.cosyvoice_engine",
    "chattts": "lp_pack.speech.engines.chattts_engine",
}
SLOWEST, FASTEST = 0.5, 2.0


@dataclass(frozen=True)
class EngineOptions:
    """What a user may say about an engine; each engine reads what concerns it.

    voice: the engine's own name of a voice; None takes its default for the language.
    model: a model's name (openai) or folder (cosyvoice).
    endpoint: base address of an OpenAI-compatible service, up to and with its version.
    key_variable: the environment variable that holds the service's key.
    send_instructions: pass acting notes on to the service.
    """

    voice: str | None = None
    model: str | None = None
    endpoint: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    send_instructions: bool = False


class SpeechEngine(Protocol):
    """Something that speaks. One instance may be called from several threads."""

    def __init__(self, options: EngineOptions) -> None:
        """Raises SpeechError when what the engine needs is not installed."""

    def identity(self, language: Language) -> str:
        """Engine, model and voice: what the sound depends on besides text and speed."""

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        """Speak a text; `speed` is a factor, 1 is the voice's own.

        Raises:
            SpeechError: the engine failed or gave no sound.
        """


def make_engine(name: str, options: EngineOptions | None = None) -> SpeechEngine:
    """The engine of this name.

    Raises:
        ConfigError: there is none.
        SpeechError: what it needs is not installed.
    """
    if name not in ENGINES:
        raise ConfigError("no such speech engine", expected=" or ".join(ENGINES), got=name)
    try:
        module = importlib.import_module(ENGINES[name])
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("lp_"):
            raise
        raise SpeechError(
            "speaking needs a package that is not installed",
            expected=error.name,
            remedy="pip install 'lp-pack[train]'",
        ) from error
    engine: SpeechEngine = module.Engine(options or EngineOptions())
    return engine
