"""Options that choose a variant, shared by the commands that play a bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from lp_runtime.manifest import Precision, Target

Command = TypeVar("Command", bound=Callable[..., Any])


def target_option(command: Command) -> Command:
    """Add `--target`."""
    return click.option(
        "--target",
        type=click.Choice(get_args(Target)),
        default="onnx",
        show_default=True,
        help="Which of the bundle's formats to run.",
    )(command)


def threads_option(command: Command) -> Command:
    """Add `--threads`."""
    return click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="Worker threads of the engine.  [default: the processors at hand]",
    )(command)


def precision_option(help_text: str) -> Callable[[Command], Command]:
    """Add `--precision` with this help."""

    def add(command: Command) -> Command:
        return click.option("--precision", type=click.Choice(get_args(Precision)), help=help_text)(
            command
        )

    return add
