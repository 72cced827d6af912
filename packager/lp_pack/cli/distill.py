"""`lp-pack distill`: a teacher in, a real-time generator of the same persona out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
import torch
from rich.table import Table

from lp_models.lite_dims import PRESETS
from lp_pack.cli.common import json_option, messages, output, print_json
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.prepare import Request, prepare
from lp_pack.distillation.run import DistillationResult, distill, report, save_result


@click.command(help="Train a lite generator for one persona from a teacher.")
@click.option("--portrait", type=click.Path(path_type=Path), help="Picture of the persona.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Folder with LivePortrait's checkpoints: the teacher. Without portrait and weights the "
    "teacher is the demo's puppet.",
)
@click.option(
    "--crop",
    metavar="auto|none|X,Y,SIZE|FILE.json",
    default="auto",
    show_default=True,
    help="Where the face is, as in `lp-pack build`.",
)
@click.option(
    "--motion",
    "motions",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Motion template to train on besides synthetic motion; may be given several times.",
)
@click.option(
    "--held-out",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Motion template to judge on, never trained on; may be given several times.",
)
@click.option(
    "--size",
    type=click.Choice(sorted(PRESETS)),
    default="small",
    show_default=True,
    help="Size of the student.",
)
@click.option("--steps", type=click.IntRange(min=3), help="Training steps in all.")
@click.option("--clips", type=click.IntRange(min=1), help="Pairs of frames the teacher draws.")
@click.option(
    "--held-out-frames",
    type=click.IntRange(min=2),
    default=50,
    show_default=True,
    help="Frames of each synthetic sequence that the student is judged on.",
)
@click.option("--seed", default=0, show_default=True, help="Of motion, weights and batches.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("distill_work"),
    show_default=True,
    help="Folder for frames, training state and TensorBoard; a killed run resumes from it.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="Where to train: cpu, cuda, or auto (a GPU if there is one).",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(path_type=Path),
    help="The student's file (.safetensors); report and pictures go beside it.",
)  # fmt: skip
@json_option
def command(
    as_json: bool,
    target: Path,
    threads: int | None,
    device: str,
    held_out: tuple[Path, ...],
    motions: tuple[Path, ...],
    **options: object,
) -> None:
    """Parse, distil, print."""
    if threads is not None:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    request = Request(device=device, held_out=held_out, motions=motions, **options)  # type: ignore[arg-type]
    with Monitor(request.work / "tensorboard") as monitor:
        task = prepare(request, monitor)
        result = distill(task, monitor)
    save_result(result, task, target)
    if as_json:
        print_json(report(result, task))
    else:
        print_result(result, target)


def print_result(result: DistillationResult, target: Path) -> None:
    """Figures for each held-out sequence, and what the student costs."""
    table = Table(title="held-out motion: student against teacher")
    for heading in ("sequence", "frames", "PSNR", "lips", "eyes", "SSIM", "flicker"):
        table.add_column(heading, justify="left" if heading == "sequence" else "right")
    for each in (*result.figures, result.overall):
        figures = dataclasses.asdict(each)
        cells = [f"{figures[f'{part}psnr_db']:.1f} dB" for part in ("", "lips_", "eyes_")]
        table.add_row(
            each.name, str(each.frames), *cells, f"{each.ssim:.3f}", f"{each.flicker_ratio:.2f}"
        )
    output.print(table)
    output.print(f"{result.gigaflops:.2f} GFLOP a frame, {result.parameters / 1e6:.2f} M numbers")
    messages.print(f"wrote {target}", markup=False)
