"""`lp-pack quantize --search`: choose a precision for each layer, and keep the choice as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lp_pack.build_config import read_options
from lp_pack.cache import Cache, default_cache_folder
from lp_pack.cli.build import StageProgress
from lp_pack.cli.common import json_option, messages, output, print_json
from lp_pack.cli.source_options import source_options
from lp_pack.cli.tables import make_table, print_table
from lp_pack.errors import ConfigError
from lp_pack.quantize.recipes import COMPRESSED
from lp_pack.quantize.search.allocation import Floor, Goal
from lp_pack.quantize.search.run import SearchOptions, SearchResult, search_recipe
from lp_pack.quantize.search.search import Point, Sensitivity
from lp_runtime.manifest import Precision, Target

SHOWN_LAYERS = 10
DEFAULT_FLOOR, DEFAULT_LIPS_FLOOR = 38.0, 35.0


@click.command("quantize")
@click.option(
    "--search",
    is_flag=True,
    help="Search the mixed precision. Without it there is nothing to do: `lp-pack build "
    "--precision int8` compresses by the table of recipes.",
)
@source_options
@click.option(
    "--target",
    type=click.Choice(get_args(Target)),
    default="onnx",
    show_default=True,
    help="Which format the recipe is for.",
)
@click.option(
    "--precision",
    type=click.Choice(COMPRESSED),
    default="int8",
    show_default=True,
    help="The recipe whose layers are chosen; none becomes narrower than it says.",
)
@click.option(
    "--floor",
    type=click.FloatRange(10, 100),
    default=DEFAULT_FLOOR,
    show_default=True,
    help="Decibels that the worst frame must keep.",
)
@click.option(
    "--lips-floor",
    type=click.FloatRange(10, 100),
    default=DEFAULT_LIPS_FLOOR,
    show_default=True,
    help="Decibels that the lips of the worst frame must keep.",
)
@click.option(
    "--least",
    type=click.Choice(get_args(Goal)),
    help="What shall become small: the file, or the arithmetic left in floating point.  "
    "[default: time for int8, else size]",
)
@click.option(
    "--by",
    type=click.Choice(["auto", "layer", "block"]),
    default="auto",
    show_default=True,
    help="Probe layers one by one, or layers of equal shapes together.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    help="Time for probes and real runs; what was not probed stays wide.",
)
@click.option("--cache", type=click.Path(path_type=Path), help="Folder of finished stages.")
@click.option("--force", is_flag=True, help="Replace the recipe and the curve that are there.")
@click.option(
    "-o",
    "--output",
    "recipe",
    type=click.Path(path_type=Path),
    required=True,
    help="The recipe file to write, in .toml; the curve goes beside it, in .svg.",
)
@json_option
def command(
    search: bool,
    target: Target,
    precision: Precision,
    floor: float,
    lips_floor: float,
    least: Goal | None,
    by: str,
    minutes: float,
    cache: Path | None,
    force: bool,
    recipe: Path,
    config: Path | None,
    as_json: bool,
    **sources: Any,
) -> None:
    """Find which layers of a persona's generator may be narrow.

    The persona is named by the options of `lp-pack build`, whose cached stages are used. Each layer
    is compressed alone to see what it does to the picture, lips apart; then as many as the floor
    allows become narrow, those first that save most for their noise, and a real run on held-out
    motion confirms it. `lp-pack build --recipe FILE` replays the choice to the same bytes. An
    interrupted search goes on where it was.
    """
    if not search:
        raise ConfigError(
            "There is nothing to do",
            expected="--search",
            got="quantize without it",
            remedy="to compress by the table of recipes: lp-pack build --precision int8",
        )
    goal: Goal = least or ("time" if precision == "int8" else "size")
    options = SearchOptions(
        recipe, target, precision, Floor(floor, lips_floor), goal, by, minutes, force
    )
    asked = read_options(config, {**sources, "output": recipe})
    store = Cache(cache or default_cache_folder())
    with StageProgress() as stages, SearchProgress() as shown:
        result = search_recipe(asked, options, store, stages, shown)
    if as_json:
        print_json(as_dict(result))
    else:
        print_result(result, options)


class SearchProgress:
    """A live line on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=messages,
            transient=True,
            disable=not messages.is_terminal,
        )
        self._task = self._bar.add_task("searching", total=None, visible=False)

    def __enter__(self) -> SearchProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show what is measured now."""
        # Only one live display may run: the stages' has ended when the first trial begins.
        self._bar.start()
        self._bar.update(self._task, description=what, completed=done, total=total, visible=True)


def as_dict(result: SearchResult) -> dict[str, object]:
    """What `--json` prints."""
    found = result.found
    return {
        "recipe": str(result.recipe),
        "curve": str(result.curve),
        "seconds": round(found.seconds, 1),
        "source_bytes": result.source_bytes,
        "best": _point(found.best),
        "overrides": dict(sorted(found.overrides.items())),
        "points": [_point(point) for point in found.points],
        "sensitivity": [_sensitivity(one) for one in found.sensitivities],
        "unprobed": list(found.unprobed),
    }


def print_result(result: SearchResult, options: SearchOptions) -> None:
    """The most sensitive layers, the real runs, and what was chosen."""
    found = result.found
    measured = [one for one in found.sensitivities if one.noise is not None]
    if measured:
        measured.sort(key=lambda one: one.noise.decibels if one.noise else 0.0)
        table = make_table("most sensitive, each alone", "layer", "as", "frame dB", "lips dB")
        for one in measured[:SHOWN_LAYERS]:
            assert one.noise is not None
            table.add_row(
                one.group.name,
                one.choice,
                f"{one.noise.decibels:.1f}",
                f"{one.noise.lips_decibels:.1f}",
            )
        print_table(table)
    table = make_table("real runs", "wide groups", "MB", "ms", "frame dB", "lips dB", "floor")
    for point in sorted(found.points, key=lambda point: point.trial.noise.decibels):
        trial = point.trial
        table.add_row(
            str(sum(point.chosen[group.name] == group.choices[0] for group in result.groups)),
            f"{trial.bytes / 1e6:.2f}",
            f"{trial.milliseconds:.1f}",
            f"{trial.noise.decibels:.1f}",
            f"{trial.noise.lips_decibels:.1f}",
            "met" if options.floor.share(trial.noise) <= 1 else "missed",
        )
    print_table(table)
    if found.unprobed:
        messages.print(f"not probed, so wide: {', '.join(found.unprobed)}", markup=False)
    best = found.best.trial
    output.print(
        f"{result.recipe}: {len(found.overrides)} layers wider than {options.precision}, "
        f"{best.bytes / 1e6:.2f} MB of {result.source_bytes / 1e6:.2f}, worst frame "
        f"{best.noise.decibels:.1f} dB, lips {best.noise.lips_decibels:.1f} dB; {result.curve}",
        markup=False,
    )


def _point(point: Point) -> dict[str, object]:
    trial = point.trial
    return {
        "bytes": trial.bytes,
        "sha256": trial.sha256,
        "milliseconds": round(trial.milliseconds, 3),
        "frame_db": round(trial.noise.decibels, 3),
        "lips_db": round(trial.noise.lips_decibels, 3),
        "expected_db": None if point.expected is None else round(point.expected, 3),
        "chosen": point.chosen,
    }


def _sensitivity(one: Sensitivity) -> dict[str, object]:
    return {
        "group": one.group.name,
        "layers": list(one.group.layers),
        "precision": one.choice,
        "frame_db": None if one.noise is None else round(one.noise.decibels, 3),
        "lips_db": None if one.noise is None else round(one.noise.lips_decibels, 3),
    }
