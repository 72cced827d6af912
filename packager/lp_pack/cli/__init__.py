"""The `lp-pack` command: a group whose commands parse, call one library function and print.

One file per command. Files are imported only when their command is called, so that `lp-pack
verify` starts without torch and an install without the `build` extra still plays bundles.
"""

from __future__ import annotations

import importlib
import logging
import sys

import click

from lp_pack import __version__
from lp_pack.cli.common import messages, set_up_logging
from lp_runtime.errors import LpRuntimeError

# Command name -> one-line help. The module is the name with underscores; it exposes `command`.
COMMANDS = {
    "build": "Turn a portrait and checkpoints into a verified bundle.",
    "quantize": "Search which layers of a generator may be narrow.",
    "fetch-weights": "Download LivePortrait's published checkpoints.",
    "verify": "Check a bundle: hashes, schema, parity with its golden data.",
    "inspect": "Show what a bundle holds.",
    "render": "Play a bundle into a video file.",
    "bench": "Measure latency and memory of a bundle, audio to frame.",
    "report": "Write a page that shows what bundles are worth, in pictures and numbers.",
    "flutter": "Put a bundle into a Flutter app, new or existing.",
    "studio": "Let a bundle perform in the browser, live.",
    "budget": "Count what the graphs cost and estimate their time on device classes.",
    "diff": "Say what changed between two bundles.",
    "distill": "Train a lite generator for one persona from a teacher.",
    "script": "Print what to read on camera, and the sounds it covers.",
    "voices": "Have the script spoken by a speech engine, with an index.",
    "extract": "Turn recordings and motion files into a dataset.",
    "train-audio2motion": "Learn a persona's speech-to-motion from a dataset.",
    "keypoints": "Perform a text or a sound as keypoints and head pose.",
}

HELP = """Turn a talking-head persona into verified on-device graphs, and play them.

\b
First steps:
  lp-pack build -o demo.lpbundle       the embedded demo persona
  lp-pack verify demo.lpbundle         does this machine agree with it?
  lp-pack render demo.lpbundle --audio speech.wav -o talking.mp4
"""

log = logging.getLogger(__name__)


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a user's work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; a missing optional package becomes a clear error."""
        if cmd_name not in COMMANDS:
            return None
        module_name = f"lp_pack.cli.{cmd_name.replace('-', '_')}"
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith(("lp_pack", "lp_models", "lp_runtime")):
                raise
            raise click.ClickException(missing_package_message(cmd_name, error.name)) from error
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def missing_package_message(command: str, package: str) -> str:
    """Say which extra brings `package`."""
    return (
        f"'lp-pack {command}' needs a package that is not installed\n"
        f"  expected: {package}\n"
        f"  next:     pip install 'lp-pack[build]'"
    )


@click.group(cls=LazyGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="Show what happens inside, step by step.")
@click.version_option(__version__, prog_name="lp-pack")
@click.pass_context
def group(ctx: click.Context, verbose: bool) -> None:
    """Set up logging; the commands do the rest."""
    set_up_logging(verbose)
    ctx.obj = {"verbose": verbose}


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Errors meant for users are printed without a traceback; exit code 1."""
    try:
        exit_code = group.main(arguments, prog_name="lp-pack", standalone_mode=False)
    except click.exceptions.Abort:
        messages.print("interrupted; nothing half-written was left behind")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        if not is_for_users(error):
            report_defect(error)
        messages.print("error:", style="bold red", end=" ")
        messages.print(str(error), markup=False)
        log.debug("the error came from here", exc_info=error)
        sys.exit(1)
    sys.exit(exit_code if isinstance(exit_code, int) else 0)


def is_for_users(error: Exception) -> bool:
    """Whether the text of `error` was written for a user.

    `lp_models` has its own error base; it is looked up by name because importing it pulls torch.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    return isinstance(error, LpRuntimeError) or "LpModelError" in names


def report_defect(error: Exception) -> None:
    """An error nobody foresaw: name it in two lines, keep the traceback for --verbose."""
    messages.print("error:", style="bold red", end=" ")
    messages.print(f"unexpected {type(error).__name__}: {error}", markup=False)
    messages.print(
        "  next:     run again with 'lp-pack --verbose ...' and report what it prints",
        markup=False,
    )
    log.debug("unexpected error", exc_info=error)
    sys.exit(70)
