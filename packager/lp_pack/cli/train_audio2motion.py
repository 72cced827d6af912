"""`lp-pack train-audio2motion`: a persona's speech-to-motion network from a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.cli.common import json_option, messages, notice, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.training.audio2motion import Evaluation, TrainingOptions
from lp_pack.training.dataset_source import SourceOptions
from lp_pack.training.persona_motion import PersonaOptions, PersonaReport, train_persona

SIZE = click.IntRange(min=1)


@click.command("train-audio2motion")
@click.argument("dataset", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the network, its report, and the run to go on with.",
)
@click.option(
    "--look-ahead",
    type=click.IntRange(0, 8),
    default=2,
    show_default=True,
    help="Frames of 40 ms that the network may hear ahead; they delay the picture.",
)
@click.option(
    "--look-ahead-study",
    "study_steps",
    type=click.IntRange(min=0),
    metavar="STEPS",
    default=0,
    help="Also train a network of so many steps for 0, 2, 4 and 8 frames, and print what each "
    "reaches.  [default: the linear probe alone]",
)
@click.option("--steps", type=SIZE, default=3000, show_default=True, help="Most optimiser steps.")
@click.option(
    "--patience",
    type=SIZE,
    default=8,
    show_default=True,
    help="Stop after so many evaluations without a better one.",
)
@click.option(
    "--evaluate-every", type=SIZE, default=100, show_default=True, help="Steps between two."
)
@click.option("--batch-size", type=SIZE, default=16, show_default=True, help="Streams in a batch.")
@click.option(
    "--frames", type=click.IntRange(20), default=150, show_default=True, help="Frames of a stream."
)
@click.option("--hidden-size", type=SIZE, default=224, show_default=True, help="Width of the LSTM.")
@click.option(
    "--learning-rate", type=float, default=2e-3, show_default=True, help="Highest learning rate."
)
@click.option(
    "--lip-weight", type=float, default=4.0, show_default=True, help="Lips against the rest."
)
@click.option(
    "--held-out",
    metavar="PATTERN",
    help="Clips for the report by name, e.g. 'anna-*'; of texts that others say too, the held-out "
    "share, which nothing then learns.  [default: drawn]",
)
@click.option(
    "--held-out-share",
    type=click.FloatRange(0.01, 0.4),
    default=0.1,
    show_default=True,
    help="Share of clips to stop by, and as many again for the report.",
)
@click.option("--idle/--no-idle", default=True, show_default=True, help="Blink, breathe and sway.")
@click.option(
    "--augmentation/--no-augmentation",
    default=True,
    show_default=True,
    help="Let the sound be heard from other voices, through many microphones and rooms.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, order and split.")
@click.option("--threads", type=SIZE, help="CPU threads.  [default: torch's own]")
@json_option
def command(
    dataset: Path,
    folder: Path,
    look_ahead: int,
    study_steps: int,
    steps: int,
    patience: int,
    evaluate_every: int,
    batch_size: int,
    frames: int,
    hidden_size: int,
    learning_rate: float,
    lip_weight: float,
    held_out: str | None,
    held_out_share: float,
    idle: bool,
    augmentation: bool,
    seed: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Learn speech to motion from the DATASET that `lp-pack extract` made: a streaming LSTM with
    emotion and style as inputs, for `lp-pack build --audio2motion`.

    Clips are split by text: no words of the report are in training. The report compares with two
    baselines and names the worst clips. A killed run goes on after its last evaluation.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    options = PersonaOptions(
        hidden_size=hidden_size,
        look_ahead_frames=look_ahead,
        held_out_share=held_out_share,
        held_out=held_out,
        study_steps=study_steps,
        training=TrainingOptions(
            seed=seed,
            steps=steps,
            learning_rate=learning_rate,
            lip_weight=lip_weight,
            evaluate_every=evaluate_every,
            patience=patience,
        ),
        source=SourceOptions(batch_size, frames, seed, idle, augmentation),
    )
    report = train_persona(dataset, folder, options, _print_evaluation)
    _plot(report, folder)
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)


def _plot(report: PersonaReport, folder: Path) -> None:
    try:
        from lp_pack.training.plots import write_plots
    except ImportError:
        notice("no plots: matplotlib is not installed")
        return
    write_plots(
        folder / "plots", report.evaluations, report.held_out, report.look_ahead, report.study
    )


def _print_evaluation(evaluation: Evaluation) -> None:
    messages.print(
        f"step {evaluation.step}: training {evaluation.training_loss:.4f}, "
        f"validation {evaluation.validation_loss:.4f}",
        markup=False,
    )


def _print(report: PersonaReport) -> None:
    network, neighbour = report.held_out.network, report.held_out.neighbour
    table = make_table(
        "held-out clips, root mean square errors",
        "group", "unit", "network", "nearest neighbour", "mean motion",
    )  # fmt: skip
    for name, group in network.groups.items():
        errors = (group.error, neighbour.groups[name].error, group.mean_baseline)
        table.add_row(name, group.unit, *(f"{error:.5f}" for error in errors))
    print_table(table)
    if report.study:
        steps = report.options.study_steps
        study = make_table(
            f"look-ahead, networks of {steps} steps",
            "frames", "ms", "lip opening", "lips, RMS error", "closed lips kept",
        )  # fmt: skip
        for row in report.study:
            figures = (f"{row.lip_correlation:.3f}", f"{row.lip_error:.5f}")
            study.add_row(
                str(row.frames), f"{row.delay_ms:.0f}", *figures, f"{row.closures_kept:.0%}"
            )
        print_table(study)
    for line in (
        f"lip opening: correlation {network.lip_correlation:.3f}, worst clip "
        f"{network.lip_correlation_worst_clip:.3f}, lag {network.lag_frames} frames, "
        f"jitter {network.lip_jitter_ratio:.2f} of the truth's",
        report.look_ahead_sentence,
        f"written: {report.weights}",
    ):
        output.print(line, markup=False)
