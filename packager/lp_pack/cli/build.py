"""`lp-pack build`: portrait and checkpoints in, verified bundle out."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lp_pack.build import BuildResult, build
from lp_pack.build_config import make_plan, read_options
from lp_pack.cache import Cache, default_cache_folder
from lp_pack.cli import forecast_output
from lp_pack.cli.common import json_option, messages, notice, output, print_json
from lp_pack.cli.source_options import source_options
from lp_pack.forecast import Forecast, forecast
from lp_pack.stages import Stage


@click.command(help="Turn a portrait and checkpoints into a verified bundle.")
@source_options
@click.option(
    "--targets",
    metavar="onnx,coreml,tflite",
    help="Graph formats, separated by commas; onnx by default.",
)
@click.option(
    "--precision",
    metavar="fp32,fp16,int8,w8,w6,w4",
    help="Precisions, separated by commas; fp32,fp16 by default. docs/compression.md compares.",
)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Recipe file from `lp-pack quantize --search`, for its target and precision.",
)
@click.option("--name", help="Name in the manifest; by default that of the portrait's file.")
@click.option("--cache", type=click.Path(path_type=Path), help="Folder of finished stages.")
@click.option("--no-cache", is_flag=True, help="Run every stage and keep none.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print stages, what is cached, expected sizes and time, and what is missing; then stop.",
)
@click.option(
    "--coreml-image-output",
    is_flag=True,
    default=None,
    help="Core ML's generator draws into an 8-bit pixel buffer; fp32 stays as it is.",
)
@click.option("--force", is_flag=True, default=None, help="Replace the bundle that is there.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The bundle's folder.")
@json_option
def command(
    as_json: bool,
    config: Path | None,
    cache: Path | None,
    no_cache: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Parse, build, print."""
    if cache is not None and no_cache:
        raise click.UsageError("--cache and --no-cache exclude each other")
    parsed = read_options(config, options)
    if dry_run:
        sys.exit(
            show_plan(
                forecast(parsed, Cache(cache or default_cache_folder()), not no_cache), as_json
            )
        )
    plan = make_plan(parsed)
    for note in plan.persona.notes:
        notice(note)
    with _cache(cache, no_cache) as store, StageProgress() as progress:
        result = build(plan, store, progress)
        store.trim()
    for note in result.manifest.notes:
        if note not in plan.persona.notes:
            notice(note)
    if as_json:
        print_json(summary(result, progress))
    else:
        print_result(result)


def show_plan(planned: Forecast, as_json: bool) -> int:
    """Print a dry run's result; the exit code says whether the build could start."""
    if as_json:
        print_json(forecast_output.as_dict(planned))
    else:
        forecast_output.print_forecast(planned)
    return 1 if planned.problems else 0


@contextlib.contextmanager
def _cache(folder: Path | None, no_cache: bool) -> Iterator[Cache]:
    if not no_cache:
        yield Cache(folder or default_cache_folder())
        return
    with tempfile.TemporaryDirectory(prefix="lp-pack-") as temporary:
        yield Cache(Path(temporary))


class StageProgress:
    """Shows the stages on standard error: a live line on a terminal, one line each elsewhere."""

    def __init__(self) -> None:
        self.stages: list[dict[str, object]] = []
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
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> StageProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def started(self, stage: Stage, position: int, total: int) -> None:
        """Show which stage runs."""
        self._bar.update(
            self._task, description=stage.name, completed=position - 1, total=total, refresh=True
        )

    def ended(self, stage: Stage, seconds: float, from_cache: bool) -> None:
        """Leave a line with the stage's time."""
        self.stages.append(
            {"name": stage.name, "seconds": round(seconds, 3), "from_cache": from_cache}
        )
        time = "cached" if from_cache else f"{seconds:.1f} s"
        messages.print(f"  {stage.name:<24}{time:>8}", markup=False)


def summary(result: BuildResult, progress: StageProgress) -> dict[str, object]:
    """What `--json` prints."""
    manifest = result.manifest
    return {
        "path": str(result.path),
        "name": manifest.name,
        "tier": manifest.tier,
        "trained": manifest.trained,
        "notes": list(manifest.notes),
        "variants": [
            {
                "target": variant.target,
                "precision": variant.precision,
                "bytes": sum(r.bytes for graph in variant.graphs.values() for r in graph.files),
            }
            for variant in manifest.variants
        ],
        "parity": [
            {
                "stage": figure.stage,
                "target": figure.target,
                "precision": figure.precision,
                "graph": figure.graph,
                "tensor": figure.tensor,
                "region": figure.region,
                "threshold": figure.threshold,
                "worst": figure.worst,
                "mean": figure.mean,
                "frames": figure.frames,
            }
            for figure in manifest.parity
        ],
        "stages": progress.stages,
    }


def print_result(result: BuildResult) -> None:
    """The bundle and its parity, for a person."""
    manifest = result.manifest
    state = "trained" if manifest.trained else "untrained"
    output.print(f"{result.path}: {manifest.name}, tier {manifest.tier}, {state}", markup=False)
    thresholds = {threshold.name: threshold for threshold in manifest.thresholds}
    for figure in manifest.parity:
        bound = thresholds[figure.threshold]
        sign = "<=" if bound.direction == "at_most" else ">="
        place = " ".join(word for word in (figure.target, figure.precision) if word) or "torch"
        output.print(
            f"  {figure.stage:<11}{place:<11}{figure.graph:<13}{figure.part:<13}"
            f"{bound.metric} {figure.worst:g} ({sign} {bound.bound:g})",
            markup=False,
        )
