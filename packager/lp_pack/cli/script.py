"""`lp-pack script`: the sentences to read on camera, and the proof that they cover every sound."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lp_models.atomic_file import atomic_write
from lp_pack.cli.common import json_option, messages
from lp_pack.cli.speech_options import parse_languages
from lp_pack.speech.corpus import Language
from lp_pack.speech.script import make_script


@click.command("script")
@click.option(
    "--language",
    "languages",
    default="zh,en",
    show_default=True,
    callback=parse_languages,
    help="Languages in the order of recording, with commas between them.",
)
@click.option(
    "-o",
    "--output",
    "output_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write into this file instead of printing.",
)
@json_option
def command(languages: tuple[Language, ...], output_path: Path | None, as_json: bool) -> None:
    """Print a recording script: every vowel shape, initial and final, and eight emotions with
    acting notes, followed by a table of how often each sound occurs.

    A person reads it on camera for `lp-pack extract`; `lp-pack voices` has it spoken instead.
    Counting English sounds needs espeak-ng.
    """
    script = make_script(languages)
    text = (
        json.dumps(script.as_dict(), indent=2, ensure_ascii=False) + "\n"
        if as_json
        else script.as_text()
    )
    if output_path is None:
        click.echo(text, nl=False)
        return
    with atomic_write(output_path) as stream:
        stream.write(text.encode("utf-8"))
    messages.print(f"{output_path}: {len(script.lines)} lines", markup=False)
