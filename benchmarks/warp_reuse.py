"""What it costs and saves to recompute the motion half of the generator only every N frames.

    python benchmarks/warp_reuse.py lite --motion talking.pkl
    python benchmarks/warp_reuse.py full --motion talking.pkl --frames 24

Parts of the network are held: on the frames between they give what they gave last, while everything
else follows the current keypoints. Torch on two threads; the figure for time is the median frame
with parts held over the median frame without, in one process. Decibels are against frames with
nothing held, so a held frame that is merely repeated shows what a lower frame rate would cost.

lite: the demo persona. full: LivePortrait's structure with few channels and seeded weights, whose
decibels say how strongly random networks react and nothing about LivePortrait's pictures.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import nn

from lp_models.baked_generator import BakedGenerator
from lp_models.lite_generator import LiteGenerator
from lp_models.motion import LIP_KEYPOINTS
from lp_pack.driving_motion import template_motion
from lp_pack.export.exportable import Exportable
from lp_pack.frame_regions import keypoint_region
from lp_pack.persona.default import default_persona, seeded_persona
from lp_pack.reference import run_stitching
from lp_runtime.metrics import psnr_db
from lp_runtime.motion_template import read_motion_template

THREADS = 2
PERIODS = (2, 3, 4)
# What is held: its name and the modules.
Parts = dict[str, tuple[str, ...]]


class Held:
    """A module's forward that computes on every `every`-th call and repeats its answer between."""

    def __init__(self, forward: Callable[..., Any], every: int) -> None:
        self.forward, self.every = forward, every
        self.calls = 0
        self.answer: Any = None

    def __call__(self, *inputs: Any) -> Any:
        if self.calls % self.every == 0:
            self.answer = self.forward(*inputs)
        self.calls += 1
        return self.answer


@dataclass(frozen=True)
class Row:
    """One way of holding."""

    held: str
    every: int
    worst_db: float
    mean_db: float
    lips_worst_db: float
    lips_mean_db: float
    # Median time of a frame on which the part is held, over one on which nothing is.
    held_frame_time: float


@contextmanager
def holding(network: nn.Module, names: tuple[str, ...], every: int) -> Iterator[None]:
    """The network with these modules held; as it was when the block ends."""
    parts = [network.get_submodule(name) for name in names]
    for part in parts:
        part.__dict__["forward"] = Held(part.forward, every)
    try:
        yield
    finally:
        for part in parts:
            del part.__dict__["forward"]


@torch.inference_mode()
def draw(
    network: Callable[[torch.Tensor], Any], keypoints: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """Frames (n, 3, size, size) and the milliseconds that each took."""
    frames, taken = [], []
    for one in keypoints:
        began = time.perf_counter()
        frames.append(network(torch.from_numpy(one))[0].numpy().copy())
        taken.append((time.perf_counter() - began) * 1e3)
    return np.stack(frames), taken


def compare(network: nn.Module, parts: Parts, keypoints: np.ndarray) -> list[Row]:
    """Every part, every period; and the whole frame repeated."""
    expected, whole = draw(network, keypoints)
    rows = []
    for every in PERIODS:
        repeated = expected[np.arange(len(expected)) // every * every]
        rows.append(row("the whole frame", every, expected, repeated, keypoints, 0.0))
        for label, names in parts.items():
            with holding(network, names, every):
                drawn, taken = draw(network, keypoints)
            held = [ms for index, ms in enumerate(taken) if index % every]
            ratio = float(np.median(held) / np.median(whole))
            rows.append(row(label, every, expected, drawn, keypoints, ratio))
    return rows


def row(
    label: str,
    every: int,
    expected: np.ndarray,
    drawn: np.ndarray,
    keypoints: np.ndarray,
    ratio: float,
) -> Row:
    """Figures over the frames on which something was held."""
    chosen = [index for index in range(len(expected)) if index % every]
    frame = psnr_db(expected[chosen], drawn[chosen])
    lips = []
    for index in chosen:
        box = keypoint_region(keypoints[index], LIP_KEYPOINTS, *expected.shape[-2:])
        if box is not None:
            rows, columns = box
            before, after = expected[index, :, rows, columns], drawn[index, :, rows, columns]
            lips.append(float(psnr_db(before[None], after[None])[0]))
    return Row(
        label,
        every,
        float(frame.min()),
        float(frame.mean()),
        min(lips, default=float("nan")),
        float(np.mean(lips)) if lips else float("nan"),
        ratio,
    )


def lite_network() -> tuple[LiteGenerator, Parts, Exportable]:
    """The demo persona's generator, its parts, its stitching."""
    persona = default_persona()
    network = persona.generator(Path())
    assert isinstance(network, LiteGenerator)
    windows = tuple(f"windows.{index}" for index in range(len(network.windows)))
    parts = {
        "displacement of the head": ("flow_coefficients",),
        "lips and eyes (windows)": windows,
    }
    return network, parts, persona.stitching(Path())


def full_network(folder: Path) -> tuple[BakedGenerator, Parts, Exportable]:
    """LivePortrait's structure with few channels and seeded weights."""
    persona = seeded_persona()
    cropped, baked = folder / "crop", folder / "baked"
    cropped.mkdir()
    baked.mkdir()
    persona.crop(cropped)
    persona.bake(cropped, baked)
    names = ("heatmaps", "warp", "hourglass", "mask", "occlusion")
    held = tuple(f"warping.dense_motion.{name}" for name in names)
    return persona.generator(baked), {"masks and occlusion": held}, persona.stitching(baked)


@click.command()
@click.argument("tier", type=click.Choice(["lite", "full"]))
@click.option("--motion", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--frames", default=60, show_default=True, help="Consecutive frames of the template.")
@click.option("--json", "as_json", is_flag=True)
def main(tier: str, motion: Path, frames: int, as_json: bool) -> None:
    """Measure and print."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        network, parts, stitching = lite_network() if tier == "lite" else full_network(Path(folder))
    recorded = read_motion_template(motion).motion[:frames]
    reference = template_motion(motion, 2).reference[None]
    keypoints = run_stitching(stitching, recorded, reference)
    rows = compare(network, parts, keypoints)
    if as_json:
        click.echo(json.dumps([vars(one) for one in rows], indent=2))
        return
    click.echo(f"{len(keypoints)} frames of {motion.name}, {tier} tier")
    click.echo("held every | frame dB worst, mean | lips dB worst, mean | held frame's time")
    for one in rows:
        click.echo(
            f"{one.held}, {one.every} | {one.worst_db:.1f}, {one.mean_db:.1f} | "
            f"{one.lips_worst_db:.1f}, {one.lips_mean_db:.1f} | x {one.held_frame_time:.2f}"
        )


if __name__ == "__main__":
    main()
