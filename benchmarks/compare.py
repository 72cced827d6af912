"""lp-pack's graphs against what a user would otherwise run, in turn, in one process.

    python benchmarks/compare.py                                 published dims, about ten minutes
    python benchmarks/compare.py --size tiny                     to try it
    python benchmarks/compare.py --results benchmarks/results    also write a dated table and a plot

All contestants draw the same source. Each round runs every one of them once, beginning with
another one each time, so that whatever else the machine does hits all; a ratio is taken within a
round, and told as the median and quartiles of all rounds. Above 1 is faster than a plain export.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path

import click
import numpy as np
import onnx_ir as ir
import torch
from generator_vs_plain_export import DIMS, SEED, export_plain, load
from rich.console import Console
from rich.table import Table

from lp_models.baked_generator import BakedGenerator, OriginalGenerator
from lp_models.baking import bake
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_models.seeded import seeded_networks
from lp_pack.bench import machine_name
from lp_pack.demo.face import demo_face
from lp_pack.export.onnx import export_onnx
from lp_pack.precision.fp16 import to_fp16
from lp_pack.simplify import simplify

PLAIN = "plain export"
VERSIONS = ("torch", "onnx", "onnxruntime", "numpy")

# Draws a frame for keypoints (1, 21, 3) float32.
Draw = Callable[[np.ndarray], object]


@dataclass(frozen=True)
class Row:
    """One contestant."""

    name: str
    milliseconds: float
    # Median and quartiles of (plain export's time / this one's), round by round.
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True)
class Result:
    """A run of all contestants."""

    size: str
    rounds: int
    threads: int
    machine: str
    load_average: float
    versions: dict[str, str]
    rows: tuple[Row, ...]
    # Contestant -> why it could not take part.
    absent: dict[str, str]


def contestants(size: str, threads: int, folder: Path) -> dict[str, Callable[[], Draw]]:
    """Name -> what makes it ready; expensive preparation happens in the call."""
    dims = DIMS[size]
    networks = seeded_networks(dims, SEED)
    random = torch.Generator().manual_seed(SEED)
    persona = bake(networks, torch.rand(1, 3, dims.image_size, dims.image_size, generator=random))
    original = OriginalGenerator(networks.warping, networks.spade_decoder, persona).eval()
    baked = BakedGenerator(networks.warping, networks.spade_decoder, persona).eval()

    def on_engine(path: Path) -> Draw:
        session = load(path, threads)
        return lambda keypoints: session.run(None, {"keypoints": keypoints})

    def plain() -> Draw:
        export_plain(original, folder / "plain.onnx")
        return on_engine(folder / "plain.onnx")

    def in_torch(module: torch.nn.Module) -> Draw:
        def draw(keypoints: np.ndarray) -> object:
            with torch.inference_mode():
                return module(torch.from_numpy(keypoints))

        return draw

    def exported(module: torch.nn.Module, name: str, half: bool = False) -> Draw:
        path = folder / f"{name}.onnx"
        export_onnx(module, path, "generator")
        model = ir.load(path)
        simplify(model)
        if half:
            to_fp16(model)
        ir.save(model, path)
        return on_engine(path)

    def lite() -> Draw:
        lite_dims = LiteGeneratorDims.tiny() if size == "tiny" else LiteGeneratorDims()
        network = LiteGenerator(lite_dims).eval()
        network.set_face(demo_face())
        return exported(network, "lite")

    return {
        PLAIN: plain,
        "torch eager": lambda: in_torch(original),
        "torch.compile": lambda: in_torch(torch.compile(original)),
        "lp-pack full, fp32": lambda: exported(baked, "baked"),
        "lp-pack full, fp16": lambda: exported(baked, "baked_half", half=True),
        "lp-pack lite, fp32": lite,
    }


def compare(size: str, rounds: int, threads: int, leave_out: tuple[str, ...]) -> Result:
    """Prepare all contestants and run them in turn."""
    torch.set_num_threads(threads)
    keypoints = np.random.default_rng(SEED).uniform(-0.5, 0.5, (1, 21, 3)).astype(np.float32)
    load_average = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        ready: dict[str, Draw] = {}
        absent: dict[str, str] = {}
        for name, prepare in contestants(size, threads, Path(folder)).items():
            if name in leave_out:
                absent[name] = "left out"
                continue
            try:
                draw = prepare()
                draw(keypoints)
            except Exception as error:  # whatever a compiler of this machine raises
                absent[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
                continue
            ready[name] = draw
        seconds = take_turns(ready, keypoints, rounds)
    return Result(
        size=size,
        rounds=rounds,
        threads=threads,
        machine=machine_name(),
        load_average=load_average,
        versions={name: metadata.version(name) for name in VERSIONS},
        rows=tuple(_row(name, seconds[name], seconds[PLAIN]) for name in ready),
        absent=absent,
    )


def take_turns(ready: dict[str, Draw], keypoints: np.ndarray, rounds: int) -> dict[str, np.ndarray]:
    """{name: seconds of each round}; the round begins with another contestant each time."""
    names = list(ready)
    seconds = {name: np.zeros(rounds) for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            ready[name](keypoints)
            seconds[name][turn] = time.perf_counter() - start
    return seconds


def _row(name: str, seconds: np.ndarray, plain: np.ndarray) -> Row:
    low, middle, high = (float(np.percentile(plain / seconds, share)) for share in (25, 50, 75))
    return Row(name, float(np.median(seconds) * 1e3), middle, low, high)


def print_table(result: Result, console: Console) -> None:
    """One line for each contestant."""
    table = Table("", "ms a frame", f"times as fast as a {PLAIN}", "quartiles")
    for row in result.rows:
        quartiles = f"{row.ratio_low:.2f} ... {row.ratio_high:.2f}"
        table.add_row(row.name, f"{row.milliseconds:.1f}", f"{row.ratio:.2f}", quartiles)
    console.print(table)
    for name, reason in result.absent.items():
        console.print(f"{name}: {reason}", markup=False)
    console.print(
        f"{result.rounds} rounds, {result.threads} threads, load average before "
        f"{result.load_average:.2f}, {result.machine}",
        markup=False,
    )


def markdown(result: Result, date: str, plot: str) -> str:
    """The dated table that is committed."""
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    lines = [
        f"# Comparison of {date}, {result.size} dims",
        "",
        f"{result.machine}; {result.threads} threads; load average before the run "
        f"{result.load_average:.2f}; {result.rounds} rounds; {versions}.",
        "",
        f"![How many times as fast as a {PLAIN}]({plot})",
        "",
        f"| | ms a frame | times as fast as a {PLAIN} | quartiles |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.milliseconds:.1f} | {row.ratio:.2f} "
        f"| {row.ratio_low:.2f} ... {row.ratio_high:.2f} |"
        for row in result.rows
    ]
    lines += [f"| {name} | did not run: {reason} | | |" for name, reason in result.absent.items()]
    return "\n".join(lines) + "\n"


def plot(result: Result) -> str:
    """Bars of the ratios with their quartiles, on a logarithmic scale, as SVG."""
    highest = max(row.ratio_high for row in result.rows)
    lowest = min(row.ratio_low for row in result.rows)

    def x(ratio: float) -> float:
        span = np.log(highest * 1.1) - np.log(lowest * 0.9)
        return float(180 + 400 * (np.log(ratio) - np.log(lowest * 0.9)) / span)

    height = 40 * len(result.rows) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" '
        'font-family="sans-serif" font-size="14">',
        f'<rect width="680" height="{height}" fill="#fff"/>',
        f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="10" y2="{height - 30}" stroke="#888"/>',
        f'<text x="{x(1):.1f}" y="{height - 10}" text-anchor="middle">as fast as a {PLAIN}</text>',
    ]
    for index, row in enumerate(result.rows):
        y = 40 * index + 30
        parts += [
            f'<text x="170" y="{y + 5}" text-anchor="end">{escape(row.name)}</text>',
            f'<line x1="{x(row.ratio_low):.1f}" x2="{x(row.ratio_high):.1f}" y1="{y}" y2="{y}" '
            'stroke="#3b5bdb" stroke-width="6"/>',
            f'<circle cx="{x(row.ratio):.1f}" cy="{y}" r="6" fill="#16181d"/>',
            f'<text x="{x(row.ratio_high) + 10:.1f}" y="{y + 5}">{row.ratio:.2f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def write_results(result: Result, folder: Path) -> Path:
    """Write DATE-size.md, .svg and .json into `folder`; returns the first."""
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.now(UTC).date().isoformat()
    stem = f"{date}-{result.size}"
    (folder / f"{stem}.svg").write_text(plot(result), encoding="utf-8")
    data = json.dumps(dataclasses.asdict(result), indent=2)
    (folder / f"{stem}.json").write_text(data + "\n", encoding="utf-8")
    page = folder / f"{stem}.md"
    page.write_text(markdown(result, date, f"{stem}.svg"), encoding="utf-8")
    return page


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--size",
    type=click.Choice(sorted(DIMS)),
    default="published",
    show_default=True,
    help="Dimensions of the networks.",
)
@click.option("--rounds", default=15, show_default=True, help="How often each one draws.")
@click.option("--threads", default=2, show_default=True, help="Threads of torch and the engine.")
@click.option("--leave-out", multiple=True, help="Name of a contestant; may be given again.")
@click.option(
    "--results", type=click.Path(path_type=Path), help="Folder for a dated table, plot and JSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(
    size: str,
    rounds: int,
    threads: int,
    leave_out: tuple[str, ...],
    results: Path | None,
    as_json: bool,
) -> None:
    """Compare lp-pack's graphs with a plain export, torch eager and torch.compile."""
    if PLAIN in leave_out:
        raise click.UsageError(f"'{PLAIN}' is what the others are compared with")
    result = compare(size, rounds, threads, leave_out)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result), indent=2))
    else:
        print_table(result, Console())
    if results is not None:
        click.echo(f"wrote {write_results(result, results)}", err=True)


if __name__ == "__main__":
    main()
