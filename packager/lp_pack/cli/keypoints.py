"""`lp-pack keypoints`: text or sound as keypoints and head pose, for other renderers."""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.cli.bundle_notice import say_how_it_runs, say_what_lies_at
from lp_pack.cli.common import json_option, output, print_json
from lp_pack.cli.speech_options import style_seed_option, text_as_audio
from lp_pack.cli.variant_options import precision_option, target_option, threads_option
from lp_pack.errors import ConfigError
from lp_pack.keypoints import KeypointsOptions, export_keypoints

FILE = click.Path(path_type=Path)


@click.command("keypoints")
@click.argument("bundle", type=FILE)
@click.option("--audio", type=FILE, help="Sound that drives the face.")
@click.option(
    "-o", "--output", "output_path", type=FILE, required=True, help="The .npz or .json to write."
)
@click.option("--emotion", help="One of the bundle's emotions, e.g. happy.")
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
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
@json_option
@text_as_audio
def command(
    bundle: Path,
    audio: Path | None,
    output_path: Path,
    emotion: str | None,
    intensity: float,
    style_seed: int | None,
    target: str,
    precision: str | None,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write what BUNDLE does to a sound or a text as numbers: 21 keypoints, pitch, yaw, roll, t and
    scale for every frame, in the form that PersonaLive's tools read.
    """
    if audio is None:
        raise ConfigError("There is nothing to perform.", expected="--audio or --text", got="none")
    options = KeypointsOptions(
        emotion=emotion,
        intensity=intensity,
        style_seed=style_seed,
        target=target,
        precision=precision,
        threads=threads,
        overwrite=force,
    )
    say_what_lies_at(bundle)
    say_how_it_runs(target)
    report = export_keypoints(bundle, audio, output_path, options)
    if as_json:
        print_json(report.as_dict())
    else:
        output.print(
            f"{report.output}: {report.frames} frames at {report.frame_rate:g} a second",
            markup=False,
        )
