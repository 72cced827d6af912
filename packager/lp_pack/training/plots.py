"""Pictures of a training run and of what the network does with held-out clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lp_models.atomic_file import atomic_write
from lp_pack.dataset.record import FRAME_RATE
from lp_pack.training.audio2motion import Evaluation
from lp_pack.training.held_out import HeldOutReport
from lp_pack.training.look_ahead import LookAheadCost
from lp_pack.training.look_ahead_study import StudiedLookAhead
from lp_pack.training.motion_metrics import lip_opening

SHOWN_CLIPS = 4
SHOWN_FRAMES = 200


def write_plots(
    folder: Path,
    evaluations: Sequence[Evaluation],
    report: HeldOutReport,
    costs: Sequence[LookAheadCost],
    study: Sequence[StudiedLookAhead] = (),
) -> tuple[Path, ...]:
    """Write loss.png, lips.png, groups.png and look_ahead.png; returns their paths."""
    figures = {
        "loss": _loss(evaluations),
        "lips": _lips(report),
        "groups": _groups(report),
        "look_ahead": _look_ahead(costs, study),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        with atomic_write(path) as stream:
            # No date in the file: equal figures are equal files.
            FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
        paths.append(path)
    return tuple(paths)


def _loss(evaluations: Sequence[Evaluation]) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    steps = [evaluation.step for evaluation in evaluations]
    axes.plot(steps, [evaluation.training_loss for evaluation in evaluations], label="training")
    axes.plot(steps, [evaluation.validation_loss for evaluation in evaluations], label="validation")
    axes.set(xlabel="step", ylabel="loss (squared standard deviations)", yscale="log")
    axes.legend()
    return figure


def _lips(report: HeldOutReport) -> Figure:
    clips = sorted(report.clips, key=lambda clip: -len(clip.truth))[:SHOWN_CLIPS]
    figure = Figure(figsize=(10, 2.4 * len(clips)), layout="constrained")
    for row, clip in enumerate(clips, start=1):
        axes = figure.add_subplot(len(clips), 1, row)
        truth = lip_opening(clip.truth)[:SHOWN_FRAMES]
        seconds = np.arange(len(truth)) / FRAME_RATE
        axes.plot(seconds, truth, color="0.5", linewidth=2.5, label="truth")
        axes.plot(seconds, lip_opening(clip.predicted)[:SHOWN_FRAMES], label="network")
        axes.set(title=clip.identifier, ylabel="lip opening")
    axes.set(xlabel="seconds")
    axes.legend(loc="upper right")
    return figure


def _groups(report: HeldOutReport) -> Figure:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    names = list(report.network.groups)
    at = np.arange(len(names))
    bars = {
        "network": [report.network.groups[name].error for name in names],
        "nearest neighbour": [report.neighbour.groups[name].error for name in names],
    }
    scale = [max(report.network.groups[name].mean_baseline, 1e-9) for name in names]
    for shift, (label, heights) in enumerate(bars.items()):
        axes.bar(at + 0.4 * shift - 0.2, np.divide(heights, scale), width=0.38, label=label)
    axes.axhline(1.0, color="0.5", linestyle="--", label="mean motion")
    axes.set_xticks(at, names, rotation=30, ha="right")
    axes.set(ylabel="error relative to the mean motion's")
    axes.legend()
    return figure


def _look_ahead(costs: Sequence[LookAheadCost], study: Sequence[StudiedLookAhead]) -> Figure:
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    lines: dict[str, Sequence[LookAheadCost | StudiedLookAhead]] = {
        "linear probe": costs,
        "networks": study,
    }
    for label, rows in lines.items():
        if rows:
            correlations = [row.lip_correlation for row in rows]
            axes.plot([row.delay_ms for row in rows], correlations, "o-", label=label)
    axes.set(xlabel="look-ahead (ms)", ylabel="lip opening, correlation")
    axes.legend()
    return figure
