"""What every command shares: consoles, the `--json` option, and how results are printed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.logging import RichHandler

# Results go to standard output; progress, notices and errors to standard error, so that
# `lp-pack inspect BUNDLE --json | jq` sees JSON and nothing else.
output = Console(soft_wrap=True, highlight=False)
messages = Console(stderr=True, soft_wrap=True, highlight=False)

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Add `--json` (parameter name `as_json`)."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output."
    )(command)


def print_json(value: Any) -> None:
    """Print `value` as indented JSON, unstyled."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def notice(text: str) -> None:
    """Tell the user something they must know, on standard error, taken literally (no markup)."""
    messages.print("note:", style="yellow", end=" ")
    messages.print(text, markup=False)


def set_up_logging(verbose: bool) -> None:
    """Send log records through rich; `verbose` shows debug records and their origin."""
    handler = RichHandler(console=messages, show_path=verbose, show_time=verbose, markup=False)
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[handler],
        force=True,
    )
    # Converters log every node they visit; even --verbose is about our own steps.
    for noisy in ("onnxscript", "onnx_ir", "torch", "PIL", "matplotlib", "numba", "libav"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
