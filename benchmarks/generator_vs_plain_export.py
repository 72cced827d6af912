"""The baked generator against a plain export of the original W and G, on ONNX Runtime.

    python benchmarks/generator_vs_plain_export.py [--runs 15] [--precision int8] [--json]

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
from lp_pack.export.onnx import export_onnx, infer_shapes, save
from lp_pack.export.onnx_graph import load as load_graph
from lp_pack.quantize.calibration import CalibrationSet, Sample, write_calibration
from lp_pack.quantize.onnx import compress
from lp_pack.quantize.recipes import recipe_for
from lp_pack.simplify import simplify
from lp_runtime.manifest import Precision
from lp_runtime.metrics import psnr_db

PLAIN_OPSET = 20  # the first with a 5-D GridSample
SEED = 0
KEYPOINT_SETS = 8
# Standard deviations in the [-1, 1] volume: of the head as a whole, of each keypoint.
HEAD_REACH, FACE_REACH = 0.05, 0.03
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
    # Of the timed frames, the baked graph's against the plain one's.
    psnr_db_worst: float
    psnr_db_mean: float
    precision: str
    onnxruntime_version: str


@torch.no_grad()
def export_both(size: str, folder: Path, precision: Precision) -> tuple[Path, Path]:
    """Write the plain and the baked graph of the same networks and source; samples for int8."""
    dims = DIMS[size]
    networks = seeded_networks(dims, SEED)
    random = torch.Generator().manual_seed(SEED)
    image = torch.rand(1, 3, dims.image_size, dims.image_size, generator=random)
    persona = bake(networks, image)
    original = OriginalGenerator(networks.warping, networks.spade_decoder, persona)
    plain, baked = folder / "plain.onnx", folder / "baked.onnx"
    export_plain(original, plain)
    rewritten = BakedGenerator(
        networks.warping, networks.spade_decoder, persona, filter_depth=precision == "fp32"
    )
    export_onnx(rewritten, baked, "generator")
    write_keypoints(persona.face.keypoints.numpy(), folder)
    if precision == "fp32":
        return plain, baked
    model = load_graph(baked)
    simplify(model)
    infer_shapes(model, "generator")
    save(model, baked, "generator")
    small = folder / "small.onnx"
    recipe = recipe_for("onnx", precision)
    compress(baked, small, recipe, CalibrationSet.open(folder), "generator")
    return plain, small


def write_keypoints(rest: np.ndarray, folder: Path) -> None:
    """Seeded keypoints around a face at rest: what is drawn, and what int8 is calibrated on."""
    random = np.random.default_rng(SEED)
    moved = HEAD_REACH * random.standard_normal((KEYPOINT_SETS, 1, 1, 3))
    moved = moved + FACE_REACH * random.standard_normal((KEYPOINT_SETS, *rest.shape))
    keypoints = (rest[None] + moved).astype(np.float32)
    write_calibration(folder, {"generator": {"keypoints": keypoints}}, "seeded keypoints", SEED)


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
    plain: onnxruntime.InferenceSession,
    baked: onnxruntime.InferenceSession,
    runs: int,
    samples: list[Sample],
) -> tuple[np.ndarray, float, np.ndarray]:
    """Seconds (runs, 2) of plain and baked in turn, and how far their frames are apart.

    The difference is the largest of all frames, the signal to noise ratio (runs,) in decibels.
    """
    seconds, largest, decibels = np.zeros((runs, 2)), 0.0, np.zeros(runs)
    for session in (plain, baked):  # a first run allocates
        session.run(None, dict(samples[0]))
    for run in range(runs):
        frames = []
        for column, session in enumerate((plain, baked)):
            start = time.perf_counter()
            frames.append(session.run(None, dict(samples[run % len(samples)]))[0])
            seconds[run, column] = time.perf_counter() - start
        largest = max(largest, float(np.abs(frames[0] - frames[1]).max()))
        decibels[run] = psnr_db(*frames)[0]
    return seconds, largest, decibels


def peak_memory(path: Path, threads: int) -> float:
    """Peak resident MB of a fresh process that runs this graph alone."""
    script = Path(__file__).with_name("peak_memory.py")
    command = [sys.executable, str(script), str(path), str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(size: str, runs: int, threads: int, precision: Precision = "fp32") -> Comparison:
    """Export, time and weigh both graphs."""
    with tempfile.TemporaryDirectory() as folder:
        paths = export_both(size, Path(folder), precision)
        samples = list(CalibrationSet.open(Path(folder)).of("generator"))
        memory = [peak_memory(path, threads) for path in paths]
        plain, baked = (load(path, threads) for path in paths)
        seconds, difference, decibels = alternate(plain, baked, runs, samples)
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
        psnr_db_worst=float(decibels.min()),
        psnr_db_mean=float(decibels.mean()),
        precision=precision,
        onnxruntime_version=onnxruntime.__version__,
    )


def print_table(result: Comparison, console: Console) -> None:
    """One row per graph and the ratio below."""
    table = Table("graph", "ms per frame", "peak memory MB", "file MB")
    baked = "baked" if result.precision == "fp32" else f"baked, {result.precision}"
    for name, row in (("plain export", result.plain), (baked, result.baked)):
        figures = (row.milliseconds, row.peak_memory_mb, row.file_bytes / 1e6)
        table.add_row(name, *(f"{figure:.0f}" for figure in figures))
    console.print(table)
    low, high = result.speedup_quartiles
    console.print(
        f"{baked} is {result.speedup:.2f} times as fast (quartiles {low:.2f} ... {high:.2f} of "
        f"{result.runs} alternating runs, {result.threads} threads); "
        f"frames differ by {result.largest_difference:.1e} at most, "
        f"{result.psnr_db_worst:.1f} dB in the worst and {result.psnr_db_mean:.1f} dB in the mean"
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
@click.option(
    "--precision",
    type=click.Choice(("fp32", "int8", "w8")),
    default="fp32",
    show_default=True,
    help="Of the baked graph; the plain export is always float32.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(runs: int, threads: int, size: str, precision: Precision, as_json: bool) -> None:
    """Compare the baked generator with a plain export: time, memory, file size."""
    result = compare(size, runs, threads, precision)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result), indent=2))
    else:
        print_table(result, Console())


if __name__ == "__main__":
    main()
