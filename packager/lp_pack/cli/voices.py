"""`lp-pack voices`: the recording script spoken by an engine instead of a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lp_pack.cli.common import json_option, messages, notice, output, print_json
from lp_pack.cli.speech_options import engine_options, parse_engine, parse_languages
from lp_pack.speech.corpus import Language
from lp_pack.speech.engines import make_engine
from lp_pack.speech.script import script_sections
from lp_pack.speech.voices import VoicesReport, speak_script


def parse_speeds(
    context: click.Context, parameter: click.Parameter, value: str
) -> tuple[float, ...]:
    """`0.9,1,1.1` as numbers; a click callback."""
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a list of numbers") from error


@click.command("voices")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the clips and their index.json. What is there already is kept.",
)
@click.option(
    "--language",
    "languages",
    default="zh,en",
    show_default=True,
    callback=parse_languages,
    help="Languages, with commas between them.",
)
@click.option(
    "--speed",
    "speeds",
    default="1",
    show_default=True,
    callback=parse_speeds,
    help="Speeds to speak every line at, with commas between them, e.g. 0.85,1,1.15.",
)
@engine_options("--engine")
@click.option(
    "--instructions", is_flag=True, help="Send the acting notes of emotions along (with openai)."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Clips to make at the same time.",
)
@json_option
def command(
    folder: Path,
    languages: tuple[Language, ...],
    speeds: tuple[float, ...],
    engine: str,
    voice: str | None,
    speech_model: str | None,
    endpoint: str | None,
    key_variable: str,
    instructions: bool,
    jobs: int,
    as_json: bool,
) -> None:
    """Have the recording script spoken sentence by sentence, 16 kHz WAV files with an index.json
    that `lp-pack extract` reads, and check each file's duration, level, clipping and rate.

    A rerun makes only what is missing. The exit code is 1 when a file did not pass.
    """
    options = parse_engine(voice, speech_model, endpoint, key_variable)
    speaker = make_engine(engine, replace(options, send_instructions=instructions))
    lines = [line for name in languages for part in script_sections(name) for line in part.lines]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("speaking", total=None)
        report = speak_script(
            lines,
            speaker,
            folder,
            speeds,
            jobs,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    _print(report, as_json)
    if report.problems:
        raise click.exceptions.Exit(1)


def _print(report: VoicesReport, as_json: bool) -> None:
    if as_json:
        print_json(report.as_dict())
    else:
        output.print(
            f"{report.folder}: {report.clips} clips, {report.seconds / 60:.1f} minutes, "
            f"{report.made} made now",
            markup=False,
        )
    for problem in report.problems:
        notice(str(problem))
