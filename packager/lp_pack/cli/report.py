"""`lp-pack report`: one page that shows what a bundle is worth."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lp_pack.cli.bundle_notice import say_what_it_is
from lp_pack.cli.common import json_option, messages, output, print_json
from lp_pack.cli.speech_options import text_as_audio
from lp_pack.cli.variant_options import threads_option
from lp_pack.report.writing import DEFAULT_SECONDS, ReportOptions, write_report
from lp_runtime.bundle import Bundle

FILE = click.Path(path_type=Path)


@click.command("report")
@click.argument("bundles", type=FILE, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    "output_path",
    type=FILE,
    help="The page to write.  [default: report/index.html in the first bundle]",
)
@click.option("--audio", type=FILE, help="Sound to play.  [default: the demo's spoken sentence]")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.0, min_open=True, max=60.0),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="How much of the sound to play through every variant.",
)
@click.option("--no-clips", is_flag=True, help="Do not play the bundles: no clips, no heat maps.")
@click.option(
    "--layers",
    metavar="GRAPH",
    help="Also tell the error of each layer of this graph, e.g. generator, against fp32.",
)
@threads_option
@json_option
@text_as_audio
def command(
    bundles: tuple[Path, ...],
    output_path: Path | None,
    audio: Path | None,
    seconds: float,
    no_clips: bool,
    layers: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Write one self-contained page about BUNDLES: the persona moving in every variant, where and
    when variants differ, parity, sizes, latency, operators, provenance and licences. Several
    bundles on one page are compared with the first.

    A full-size generator takes seconds for each frame and variant: shorten with --seconds.
    """
    for bundle in bundles:
        say_what_it_is(Bundle.open(bundle, verify=False).manifest)
    options = ReportOptions(
        sound=audio,
        seconds=seconds,
        clips=not no_clips,
        threads=threads,
        layers_of=layers,
        output=output_path,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("playing", total=None)
        written = write_report(
            bundles,
            options,
            lambda name, done, total: progress.update(
                task, description=name, completed=done, total=total
            ),
        )
    if as_json:
        print_json({"output": str(written), "bytes": written.stat().st_size})
    else:
        output.print(f"{written}: {written.stat().st_size / 1e6:.1f} MB", markup=False)
