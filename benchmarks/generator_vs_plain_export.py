"""The baked generator against a plain export of the original W and G, on ONNX Runtime.

    python benchmarks/generator_vs_plain_export.py [--runs 15] [--json]

Both graphs hold the same seeded networks and the same source. They are loaded into one process and
run in turn, so that whatever else the machine does hits both; the figure is the median of the
ratios of neighbouring runs. Peak memory is that of a process which loads one graph only.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import onnxruntime
import torch
from rich.console import Console
from rich.table import Table

from lp_models.baked_generator import BakedGenerator, OriginalGenerator
from lp_models.baking import bake
from lp_models.dims import LivePortraitDims
from lp_models.seeded import seeded_networks
from lp_pack.export.onnx import export_onnx

PLAIN_OPSET = 20  # the first with a 5-D GridSample
SEED = 0
DIMS = {"published": LivePortraitDims(), "tiny": LivePortraitDims.tiny()}


@dataclass(frozen=True)
class Measured:
    """What one graph costs."""

    milliseconds: float
    peak_memory_mb: float
    file_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Both graphs, and how many times faster the baked one is (median and quartiles)."""

    plain: Measured
    baked: Measured
    runs: int
    threads: int
    speedup: float
    speedup_quartiles: tuple[float, float]
    largest_difference: float
    onnxruntime_version: str


@torch.no_grad()
def export_both(size: str, folder: Path) -> tuple[Path, Path]:
    """Write the plain and the baked graph of the same networks and source."""
    dims = DIMS[size]
    networks = seeded_networks(dims, SEED)
    random = torch.Generator().manual_seed(SEED)
    image = torch.rand(1, 3, dims.image_size, dims.image_size, generator=random)
    persona = bake(networks, image)
    original = OriginalGenerator(networks.warping, networks.spade_decoder, persona)
    plain, baked = folder / "plain.onnx", folder / "baked.onnx"
    export_plain(original, plain)
    export_onnx(
        BakedGenerator(networks.warping, networks.spade_decoder, persona), baked, "generator"
    )
    return plain, baked


def export_plain(original: OriginalGenerator, path: Path) -> None:
    """What torch.onnx makes of the unmodified networks, without its chatter."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            original,
            original.example_inputs(),
            path,
            input_names=list(original.input_names),
            output_names=list(original.output_names),
            opset_version=PLAIN_OPSET,
            external_data=False,
            verbose=False,
        )


def load(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def alternate(
    plain: onnxruntime.InferenceSession, baked: onnxruntime.InferenceSession, runs: int
) -> tuple[np.ndarray, float]:
    """Seconds (runs, 2) of plain and baked in turn, and the largest difference of their frames."""
    keypoints = np.random.default_rng(SEED).uniform(-0.5, 0.5, (1, 21, 3)).astype(np.float32)
    frames = [session.run(None, {"keypoints": keypoints})[0] for session in (plain, baked)]
    seconds = np.zeros((runs, 2))
    for run in range(runs):
        for column, session in enumerate((plain, baked)):
            start = time.perf_counter()
            session.run(None, {"keypoints": keypoints})
            seconds[run, column] = time.perf_counter() - start
    return seconds, float(np.abs(frames[0] - frames[1]).max())


def peak_memory(path: Path, threads: int) -> float:
    """Peak resident MB of a fresh process that runs this graph alone."""
    script = Path(__file__).with_name("peak_memory.py")
    command = [sys.executable, str(script), str(path), str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(size: str, runs: int, threads: int) -> Comparison:
    """Export, time and weigh both graphs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = export_both(size, Path(folder))
        memory = [peak_memory(path, threads) for path in paths]
        plain, baked = (load(path, threads) for path in paths)
        seconds, difference = alternate(plain, baked, runs)
        measured = [
            Measured(float(np.median(seconds[:, i]) * 1000), memory[i], paths[i].stat().st_size)
            for i in range(2)
        ]
    ratios = seconds[:, 0] / seconds[:, 1]
    low, middle, high = (float(np.percentile(ratios, share)) for share in (25, 50, 75))
    return Comparison(
        plain=measured[0],
        baked=measured[1],
        runs=runs,
        threads=threads,
        speedup=middle,
        speedup_quartiles=(low, high),
        largest_difference=difference,
        onnxruntime_version=onnxruntime.__version__,
    )


def print_table(result: Comparison, console: Console) -> None:
    """One row per graph and the ratio below."""
    table = Table("graph", "ms per frame", "peak memory MB", "file MB")
    for name, row in (("plain export", result.plain), ("baked", result.baked)):
        figures = (row.milliseconds, row.peak_memory_mb, row.file_bytes / 1e6)
        table.add_row(name, *(f"{figure:.0f}" for figure in figures))
    console.print(table)
    low, high = result.speedup_quartiles
    console.print(
        f"baked is {result.speedup:.2f} times as fast (quartiles {low:.2f} ... {high:.2f} of "
        f"{result.runs} alternating runs, {result.threads} threads); "
        f"frames differ by {result.largest_difference:.1e} at most"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", default=15, show_default=True, help="Timed runs of each graph.")
@click.option("--threads", default=2, show_default=True, help="Threads of ONNX Runtime.")
@click.option(
    "--size",
    type=click.Choice(sorted(DIMS)),
    default="published",
    show_default=True,
    help="Dimensions of the networks.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(runs: int, threads: int, size: str, as_json: bool) -> None:
    """Compare the baked generator with a plain export: time, memory, file size."""
    result = compare(size, runs, threads)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result), indent=2))
    else:
        print_table(result, Console())


if __name__ == "__main__":
    main()
