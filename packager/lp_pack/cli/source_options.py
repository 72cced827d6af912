"""Options that say which persona, and what moves it: shared by `build` and `quantize`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--portrait", type=click.Path(path_type=Path), help="Picture of the persona."),
    click.option(
        "--weights",
        type=click.Path(path_type=Path),
        help="Folder with LivePortrait's checkpoints; see `lp-pack fetch-weights`.",
    ),
    click.option(
        "--audio2motion",
        type=click.Path(path_type=Path),
        help="Checkpoint of the Audio2Motion network; without it speech moves the face at random.",
    ),
    click.option(
        "--lite",
        type=click.Path(path_type=Path),
        help="Checkpoint of a lite generator from `lp-pack distill`, in place of LivePortrait's.",
    ),
    click.option(
        "--crop",
        metavar="auto|none|X,Y,SIZE|FILE.json",
        help="Where the face is: found, the whole picture, a square in pixels, or landmarks.",
    ),
    click.option(
        "--motion-mode",
        metavar="relative|absolute",
        help="Add motion to the portrait's own pose (the default), or impose it.",
    ),
    click.option(
        "--parity-motion",
        type=click.Path(path_type=Path),
        help="Motion template on which parity is measured; without it a seeded walk.",
    ),
    click.option(
        "--calibration-motion",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Motion template from which int8 takes its ranges; may be repeated. By default a "
        "seeded walk. The persona's own motion on speech always joins in.",
    ),
    click.option(
        "--calibration-samples",
        type=int,
        help="How many recorded inputs the ranges are taken from; 32 by default.",
    ),
    click.option("--seed", type=int, help="Of what calibration draws at random; 0 by default."),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="TOML file with the same options as keys; options given here win.",
    ),
)


def source_options(command: Command) -> Command:
    """Add them all, in this order in the help."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
