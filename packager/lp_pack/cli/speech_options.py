"""Options that several speech commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from lp_pack.errors import ConfigError
from lp_pack.speech.engines import ENGINES, FASTEST, SLOWEST, EngineOptions
from lp_pack.speech.languages import LANGUAGES, Language
from lp_pack.speech.spoken_file import spoken_file

Command = TypeVar("Command", bound=Callable[..., Any])


def parse_languages(
    context: click.Context, parameter: click.Parameter, value: str
) -> tuple[Language, ...]:
    """`zh,en` as a tuple without repeats; a click callback."""
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    unknown = [name for name in names if name not in LANGUAGES]
    if unknown or not names:
        raise click.BadParameter(f"{value!r} is not a list of {', '.join(LANGUAGES)}")
    return cast(tuple[Language, ...], names)


def engine_options(flag: str) -> Callable[[Command], Command]:
    """Add the options that choose a speech engine, by the flag `--engine` or another."""
    options = (
        click.option(
            flag,
            "engine",
            type=click.Choice(list(ENGINES)),
            default="espeak",
            show_default=True,
            help="What speaks. openai is any service with OpenAI's speech interface.",
        ),
        click.option("--voice", help="The engine's voice.  [default: one for the language]"),
        click.option("--speech-model", help="Model of openai, or model folder of cosyvoice."),
        click.option(
            "--endpoint",
            help="Address of the service, e.g. http://127.0.0.1:8880/v1 (with openai).",
        ),
        click.option(
            "--key-variable",
            default="OPENAI_API_KEY",
            show_default=True,
            help="Environment variable that holds the service's key.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def parse_engine(
    voice: str | None, speech_model: str | None, endpoint: str | None, key_variable: str
) -> EngineOptions:
    """What `engine_options` collected."""
    return EngineOptions(
        voice=voice, model=speech_model, endpoint=endpoint, key_variable=key_variable
    )


def style_seed_option(command: Command) -> Command:
    """Add `--style-seed`."""
    return click.option(
        "--style-seed",
        type=click.IntRange(min=0),
        help="Another performance of the same sound for each number.  [default: the bundle's own]",
    )(command)


def text_as_audio(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--text` beside a command's `--audio`: the text is spoken, and the sound handed on."""

    @functools.wraps(command)
    def speaking(
        *,
        text: str | None,
        language: Language | None,
        speech_speed: float,
        engine: str,
        voice: str | None,
        speech_model: str | None,
        endpoint: str | None,
        key_variable: str,
        audio: Path | None,
        **others: Any,
    ) -> None:
        if text is None:
            command(audio=audio, **others)
            return
        if audio is not None:
            raise ConfigError("Both sound and text are given.", expected="--audio or --text")
        options = parse_engine(voice, speech_model, endpoint, key_variable)
        with spoken_file(text, engine, options, language, speech_speed) as path:
            command(audio=path, **others)

    options = (
        click.option("--text", help="Text to be spoken, instead of --audio."),
        click.option(
            "--language",
            type=click.Choice(LANGUAGES),
            help="Language of the text.  [default: by its script]",
        ),
        click.option(
            "--speech-speed",
            type=click.FloatRange(SLOWEST, FASTEST),
            default=1.0,
            show_default=True,
            help="How fast to speak the text.",
        ),
    )
    result = engine_options("--speech-engine")(speaking)
    for option in reversed(options):
        result = option(result)
    return result
