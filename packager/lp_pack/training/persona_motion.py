"""Learn a persona's Audio2Motion from a dataset, and report how good it is on held-out clips.

model/audio2motion.safetensors      what `lp-pack build --audio2motion` takes
model/report.json, report.md        figures
model/plots/*.png                   pictures of them
model/run/                          the run's checkpoint, and TensorBoard's events
model/study/                        runs of the look-ahead study, where one was asked for
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from lp_models.atomic_file import atomic_write
from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.dataset.dataset import Dataset, Split, segments
from lp_pack.dataset.record import FRAME_RATE
from lp_pack.errors import TrainingError
from lp_pack.training.audio2motion import Evaluation, TrainingOptions, TrainingResult, train
from lp_pack.training.dataset_source import DatasetSource, SourceOptions
from lp_pack.training.held_out import HeldOutReport, judge, long_enough
from lp_pack.training.idle_motion import set_idle
from lp_pack.training.look_ahead import LookAheadCost, look_ahead_costs
from lp_pack.training.look_ahead_study import StudiedLookAhead, study_lines, study_look_ahead

WEIGHTS_NAME, RUN, STUDY = "audio2motion.safetensors", "run", "study"
SETTINGS_NAME = "settings.json"
SIGNIFICANT_DIGITS = 5
SHOWN_CLIPS = 10


@dataclass(frozen=True)
class PersonaOptions:
    """Everything that shapes the network besides the dataset.

    study_steps: length of each training of the look-ahead study; 0: no study.
    """

    hidden_size: int = 224
    look_ahead_frames: int = 2
    held_out_share: float = 0.1
    held_out: str | None = None
    study_steps: int = 0
    training: TrainingOptions = field(default_factory=TrainingOptions)
    source: SourceOptions = field(default_factory=SourceOptions)

    def dims(self) -> Audio2MotionDims:
        """Dims of the network."""
        return Audio2MotionDims(
            hidden_size=self.hidden_size, look_ahead_frames=self.look_ahead_frames
        )


@dataclass(frozen=True)
class PersonaReport:
    """What was learned, and how good it is."""

    weights: Path
    options: PersonaOptions
    split: Split
    evaluations: tuple[Evaluation, ...]
    best: Evaluation
    held_out: HeldOutReport
    look_ahead: tuple[LookAheadCost, ...]
    study: tuple[StudiedLookAhead, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, rounded."""
        jitter = self.held_out.jitter()
        content = {
            "weights": self.weights.name,
            "options": asdict(self.options),
            "clips": self.split.identifiers(),
            "best_step": self.best.step,
            "validation_loss": self.best.validation_loss,
            "held_out": {
                "network": asdict(self.held_out.network),
                "nearest_neighbour": asdict(self.held_out.neighbour),
                "lip_jitter": {"truth": jitter["truth"], "network": jitter["predicted"]},
                "clips": [asdict(clip) for clip in self.held_out.per_clip()],
            },
            "look_ahead": [asdict(cost) for cost in self.look_ahead],
            "look_ahead_study": [asdict(row) for row in self.study],
        }
        rounded: dict[str, Any] = _rounded(content)
        return rounded

    @property
    def look_ahead_sentence(self) -> str:
        """What the chosen look-ahead costs, in words."""
        chosen = self.look_ahead[self.options.look_ahead_frames]
        best = max(self.look_ahead, key=lambda cost: cost.lip_correlation)
        lost = max(0.0, best.lip_correlation - chosen.lip_correlation)
        return (
            f"look-ahead {chosen.frames} frames = {chosen.delay_ms:.0f} ms of delay; against "
            f"{best.frames} frames ({best.delay_ms:.0f} ms) it costs {lost:.3f} of the lip "
            f"opening's correlation, {chosen.lip_correlation:.3f} of {best.lip_correlation:.3f}, "
            "by a linear probe and not by the network"
        )

    def as_markdown(self) -> str:
        """The report as a page."""
        network, neighbour = self.held_out.network, self.held_out.neighbour
        rows = [
            f"| {name} | {group.unit} | {group.error:.5f} | {neighbour.groups[name].error:.5f} "
            f"| {group.mean_baseline:.5f} |"
            for name, group in network.groups.items()
        ]
        costs = [
            f"| {cost.frames} | {cost.delay_ms:.0f} | {cost.lip_correlation:.3f} |"
            for cost in self.look_ahead
        ]
        worst = [
            f"| {clip.clip} | {clip.frames / FRAME_RATE:.1f} | {clip.lip_correlation:.3f} "
            f"| {clip.lag_frames} |"
            for clip in self.held_out.per_clip()[:SHOWN_CLIPS]
        ]
        clips = {name: len(names) for name, names in self.split.identifiers().items()}
        return "\n".join(
            [
                "# Audio2Motion on held-out clips",
                "",
                f"{clips['training']} clips to learn from, {clips['validation']} to stop by, "
                f"{clips['held_out']} held out. Best step {self.best.step}, validation loss "
                f"{self.best.validation_loss:.4f}.",
                "",
                f"- lip opening: correlation {network.lip_correlation:.3f} (worst clip "
                f"{network.lip_correlation_worst_clip:.3f}), nearest neighbour "
                f"{neighbour.lip_correlation:.3f}",
                f"- lag: {network.lag_frames} frames",
                f"- jitter of the lip opening: {network.lip_jitter_ratio:.2f} of the truth's",
                f"- closed lips kept: {network.closures_kept:.0%}",
                f"- {self.look_ahead_sentence}",
                "",
                "Root mean square errors:",
                "",
                "| group | unit | network | nearest neighbour | mean motion |",
                "|---|---|---|---|---|",
                *rows,
                "",
                f"Worst of {len(self.held_out.clips)} clips, lip opening:",
                "",
                "| clip | seconds | correlation | lag in frames |",
                "|---|---|---|---|",
                *worst,
                "",
                "| look-ahead | ms | lip opening, linear probe |",
                "|---|---|---|",
                *costs,
                "",
                *study_lines(self.options.study_steps, self.study),
            ]
        )


def train_persona(
    dataset: Path,
    folder: Path,
    options: PersonaOptions,
    progress: Callable[[Evaluation], None] | None = None,
) -> PersonaReport:
    """Train, or go on with the run in `folder`; write the network and its report there.

    Raises:
        DatasetError: the dataset is absent, damaged, or too small to split.
        TrainingError: the run diverged, or `folder` holds a run with other settings.
    """
    opened = Dataset.open(dataset)
    split = opened.split(options.held_out_share, options.training.seed, options.held_out)
    _check_settings(folder / RUN, options, opened)
    training, held_out = tuple(segments(split.training)), tuple(segments(split.held_out))
    # Better now than after hours of training.
    long_enough(held_out, options.look_ahead_frames)
    result = _learn(split, options, folder / RUN, progress)
    weights = folder / WEIGHTS_NAME
    extra = {"seed": str(options.training.seed), "clips": str(len(split.training))}
    result.model.save(weights, extra, half=True)
    # What is written is judged, not what was trained.
    shipped = Audio2Motion.load(weights)
    report = PersonaReport(
        weights,
        options,
        split,
        result.evaluations,
        result.best,
        judge(shipped, training, held_out, options.source.idle),
        look_ahead_costs(shipped, training, held_out),
        _study(split, options, folder, opened),
    )
    _write(folder / "report.json", json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    _write(folder / "report.md", report.as_markdown())
    return report


def _learn(
    split: Split,
    options: PersonaOptions,
    run: Path,
    progress: Callable[[Evaluation], None] | None = None,
) -> TrainingResult:
    torch.manual_seed(options.training.seed)
    model = Audio2Motion(options.dims())
    if options.source.idle:
        set_idle(model, options.training.seed)
    training, validation = tuple(segments(split.training)), tuple(segments(split.validation))
    source = DatasetSource(model.dims, training, validation, options.source)
    return train(model, source, options.training, run, progress)


def _study(
    split: Split, options: PersonaOptions, folder: Path, opened: Dataset
) -> tuple[StudiedLookAhead, ...]:
    if not options.study_steps:
        return ()

    def learn(frames: int) -> Audio2Motion:
        short = replace(options.training, steps=options.study_steps)
        studied = replace(options, look_ahead_frames=frames, training=short)
        run = folder / STUDY / f"look-ahead-{frames}-steps-{options.study_steps}"
        _check_settings(run, studied, opened)
        return _learn(split, studied, run).model

    training, held_out = tuple(segments(split.training)), tuple(segments(split.held_out))
    return study_look_ahead(learn, training, held_out, options.source.idle)


def _check_settings(run: Path, options: PersonaOptions, dataset: Dataset) -> None:
    """A run goes on only with the settings and clips that it began with."""
    content = {
        "options": asdict(options),
        "clips": {reader.record.id: reader.record.key for reader in dataset.clips},
    }
    content["options"].pop("study_steps")
    # More steps and more patience only make a run longer.
    for name in ("steps", "patience"):
        content["options"]["training"].pop(name)
    text = json.dumps(content, indent=1, sort_keys=True)
    path = run / SETTINGS_NAME
    if path.exists() and path.read_text(encoding="utf-8").rstrip() != text:
        raise TrainingError(
            "the run in this folder has other settings or another dataset",
            where=path,
            expected="the same options and clips",
            remedy=f"use another folder, or delete {run.name}/ to start again",
        )
    _write(path, text)


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as stream:
        stream.write(text.rstrip().encode("utf-8") + b"\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value
