"""A text as a sound file that lasts as long as it is needed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lp_pack.errors import SpeechError
from lp_pack.speech.engines import EngineOptions, make_engine
from lp_pack.speech.languages import Language, language_of


@contextlib.contextmanager
def spoken_file(
    text: str,
    engine: str = "espeak",
    options: EngineOptions | None = None,
    language: Language | None = None,
    speed: float = 1.0,
) -> Iterator[Path]:
    """Speak `text` into a temporary WAV file, at the engine's own rate.

    Args:
        text: what to say.
        engine: a name of `lp_pack.speech.engines.ENGINES`.
        options: voice, model and so on.
        language: of the text; None: by its script.
        speed: a factor.

    Raises:
        SpeechError: the text is empty, or the engine is not installed or failed.
        ConfigError: there is no such engine.
    """
    if not text.strip():
        raise SpeechError("there is no text to speak", expected="words", got=repr(text))
    spoken = make_engine(engine, options).speak(text, language or language_of(text), speed)
    # Here, not above: it needs a package that only speaking needs.
    from lp_pack.speech.wave_file import write_wave

    with tempfile.TemporaryDirectory(prefix="lp-pack-") as folder:
        path = Path(folder) / "speech.wav"
        write_wave(path, spoken.samples, spoken.sample_rate)
        yield path
