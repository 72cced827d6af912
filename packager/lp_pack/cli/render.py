"""`lp-pack render`: play a bundle into a video file."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

import lp_pack
from lp_pack.cli.bundle_notice import say_how_it_runs, say_what_lies_at
from lp_pack.cli.common import json_option, messages, notice, output, print_json
from lp_pack.cli.speech_options import style_seed_option, text_as_audio
from lp_pack.cli.variant_options import precision_option, target_option, threads_option
from lp_pack.render import RenderOptions, RenderReport, render_bundle

FILE = click.Path(path_type=Path)
DEMO_SPEECH = Path(lp_pack.__file__).parent / "demo" / "speech" / "hello.flac"


@click.command("render")
@click.argument("bundle", type=FILE)
@click.option("--audio", type=FILE, help="Sound that drives the face and goes into the video.")
@click.option("--motion", type=FILE, help="Motion template (.pkl) that drives the face instead.")
@click.option("-o", "--output", "output_path", type=FILE, required=True, help="The MP4 to write.")
@click.option("--emotion", help="One of the bundle's emotions, e.g. happy (with --audio).")
@click.option(
    "--intensity",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="How strongly the emotion shows.",
)
@style_seed_option
@target_option
@precision_option("Precision of the graphs.  [default: fp32 where the bundle has it]")
@threads_option
@click.option(
    "--paste-back/--no-paste-back",
    default=True,
    show_default=True,
    help="Put the face back into the whole portrait, or show the cropped frame alone.",
)
@click.option(
    "--background",
    metavar="COLOR|PICTURE",
    help="Replace the portrait's plain background: #rrggbb, a colour's name, or a picture file.",
)
@click.option(
    "--fps", type=float, help="Frames a second, with --motion.  [default: the template's]"
)
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
@json_option
@text_as_audio
def command(
    bundle: Path,
    audio: Path | None,
    motion: Path | None,
    output_path: Path,
    emotion: str | None,
    intensity: float,
    style_seed: int | None,
    target: str,
    precision: str | None,
    threads: int | None,
    paste_back: bool,
    background: str | None,
    fps: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Play BUNDLE into an MP4 file, driven by sound (--audio, or --text that is spoken, which the
    video then carries) or by a motion template (--motion, relative to its first frame, at its own
    frame rate).

    Without any of them the sentence that comes with lp-pack is spoken. An existing output is kept
    unless --force is given; the new file appears only when it is whole.
    """
    if audio is None and motion is None:
        notice("neither --audio, --text nor --motion: playing the sentence that comes with lp-pack")
        audio = DEMO_SPEECH
    options = RenderOptions(
        audio=audio,
        motion=motion,
        emotion=emotion,
        intensity=intensity,
        style_seed=style_seed,
        target=target,
        precision=precision,
        threads=threads,
        paste_back=paste_back,
        background=background,
        fps=fps,
        overwrite=force,
    )
    say_what_lies_at(bundle)
    say_how_it_runs(target)
    report = _render(bundle, output_path, options)
    if as_json:
        print_json(report.as_dict())
    else:
        output.print(
            f"{report.output}: {report.frames} frames at {report.frame_rate:g} a second, "
            f"{report.width} x {report.height}, {'with' if report.has_sound else 'without'} sound, "
            f"in {report.seconds_taken:.1f} s",
            markup=False,
        )


def _render(bundle: Path, output_path: Path, options: RenderOptions) -> RenderReport:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("rendering", total=None)
        return render_bundle(
            bundle,
            output_path,
            options,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
