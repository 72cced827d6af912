"""`lp-pack extract`: recordings and motion files become a dataset for training."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lp_pack.cli.common import json_option, messages, notice, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.dataset.extract import ExtractReport, extract
from lp_pack.dataset.options import SEEDED_NOTICE, ExtractOptions, Labeller
from lp_pack.speech.emotions import EMOTIONS


@click.command("extract")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Dataset folder. Clips that are there already and have not changed are kept.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="LivePortrait's checkpoints (lp-pack fetch-weights).  [default: seeded, meaningless]",
)
@click.option(
    "--emotion",
    type=click.Choice(EMOTIONS),
    default="neutral",
    show_default=True,
    help="Emotion of the videos; a folder's index says its own.",
)
@click.option(
    "--intensity",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="How strongly the emotion is played.",
)
@click.option(
    "--largest-face", is_flag=True, help="Where several faces are alike, take the largest."
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 1024),
    default=16,
    show_default=True,
    help="Frames in one run of the motion extractor.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: torch's own]")
@json_option
def command(
    sources: tuple[Path, ...],
    folder: Path,
    weights: Path | None,
    emotion: str,
    intensity: float,
    largest_face: bool,
    batch_size: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Make a dataset from SOURCES: videos of a person who speaks; motion files (.pkl templates,
    .npy or .npz sequences of JoyVASA's 70 numbers) beside sound of the same name; folders with an
    index.json, such as `lp-pack voices` makes.

    Sound becomes 16 kHz mono, pictures 25 a second by their timestamps, the face is followed and
    cropped, and LivePortrait's motion extractor labels every frame. A killed run goes on where it
    was. The exit code is 1 when a clip was refused; the others are in the dataset.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    options = ExtractOptions(largest_face, emotion, intensity, batch_size)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("extracting", total=None)
        report = extract(
            sources,
            folder,
            Labeller(weights),
            options,
            lambda clip, done, total: progress.update(
                task, description=clip, completed=done, total=total
            ),
        )
    _print(report, as_json)
    if report.refused:
        raise click.exceptions.Exit(1)


def _print(report: ExtractReport, as_json: bool) -> None:
    if report.uses_seeded_weights:
        notice(SEEDED_NOTICE)
    if as_json:
        print_json(report.as_dict())
    else:
        table = make_table("", "clip", "status", "frames", "usable", "drift")
        for outcome in report.outcomes:
            record = outcome.record
            drift = "" if record is None or record.drift is None else f"{record.drift:.1%}"
            frames = (str(record.frames), str(record.valid_frames)) if record else ("", "")
            table.add_row(outcome.identifier, outcome.status, *frames, drift)
        print_table(table)
        output.print(f"{report.folder}: {report.seconds / 60:.1f} minutes", markup=False)
    for outcome in report.outcomes:
        for text in outcome.record.notices if outcome.record else ():
            notice(text)
        if outcome.error:
            messages.print(f"refused {outcome.identifier}:", style="bold red", markup=False)
            messages.print(outcome.error, markup=False)
