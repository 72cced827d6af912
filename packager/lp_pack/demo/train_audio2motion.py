"""Regenerate the demo persona's Audio2Motion: python -m lp_pack.demo.train_audio2motion --seed 0

Needs espeak-ng. Everything is drawn from the seed; the figures that it prints are written beside
the weights. Neither the voices nor the sentences of the report are ever heard in training.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.demo.speech_source import HeardStream, SpeechSource, heard, idle_waves, quantized
from lp_pack.speech.corpus import LANGUAGES
from lp_pack.speech.performance import NEUTRAL_MOTION, motion
from lp_pack.speech.streams import (
    HELD_OUT_VARIANTS,
    TRAINING_VARIANTS,
    VALIDATION_VARIANTS,
    make_streams,
)
from lp_pack.training.audio2motion import Evaluation, TrainingOptions, TrainingResult, train
from lp_pack.training.idle_motion import set_idle
from lp_pack.training.motion_metrics import MotionMetrics, agreement, measure

WEIGHTS = Path(__file__).parent / "weights" / "audio2motion.safetensors"
REPORT = "audio2motion_report.json"


@dataclass(frozen=True)
class DemoOptions:
    """Sizes of the data and of the network."""

    hidden_size: int = 192
    look_ahead_frames: int = 2
    seconds_per_voice: float = 100.0
    validation_seconds: float = 40.0
    held_out_seconds: float = 60.0
    microphones: int = 3
    batch_size: int = 16
    frames: int = 150


def demo_dims(options: DemoOptions) -> Audio2MotionDims:
    """Dims of the demo's network."""
    return Audio2MotionDims(
        hidden_size=options.hidden_size, look_ahead_frames=options.look_ahead_frames
    )


def prepare(
    variants: tuple[str, ...], seconds: float, versions: int, seed: int, unheard: bool = False
) -> tuple[list[HeardStream], list[HeardStream]]:
    """Streams of `variants` in every language: as microphones heard them, and clean.

    `unheard`: of sentences that training never hears.
    """
    generator = np.random.default_rng([seed, versions, len(variants)])
    streams = make_streams(variants, LANGUAGES, seconds, seed, unheard)
    clean = [
        HeardStream(stream.voice, (quantized(stream.samples),), stream.controls)
        for stream in streams
    ]
    return [heard(stream, versions, generator) for stream in streams], clean


@torch.no_grad()
def performed(
    model: Audio2Motion, streams: list[HeardStream]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Neutral performances of streams, and their labels: motion (n, 70) of each."""
    dims = model.dims
    predicted, truth = [], []
    emotion = torch.zeros(1, dims.num_emotions)
    style = np.zeros((1, dims.style_size), np.float32)
    phase = np.zeros((1, dims.num_oscillators), np.float32)
    for stream in streams:
        pcm = torch.from_numpy(stream.versions[0].astype(np.float32) / 32767)[None]
        frames = len(stream.controls)
        output, _ = model.forward_sequence(pcm, emotion, torch.from_numpy(style))
        predicted.append(output[0, dims.look_ahead_frames :].numpy())
        waves = idle_waves(model, phase, style, frames)[:, dims.look_ahead_frames :]
        speech = stream.controls[None, : frames - dims.look_ahead_frames]
        silent = np.zeros((1, speech.shape[1], dims.num_emotions), np.float32)
        truth.append(motion(speech, silent, style, waves)[0])
    return predicted, truth


def evaluate(model: Audio2Motion, streams: list[HeardStream]) -> MotionMetrics:
    """Neutral performances of held-out streams against the labels."""
    return measure(*performed(model, streams), model.motion_mean.numpy())


def voice_table(model: Audio2Motion, streams: list[HeardStream]) -> dict[str, dict[str, float]]:
    """Correlation and lag of the lip opening for each stream."""
    rows = [
        agreement(stream.voice, predicted, truth)
        for stream, predicted, truth in zip(streams, *performed(model, streams), strict=True)
    ]
    return {
        row.clip: {"lip_correlation": row.lip_correlation, "lag_frames": row.lag_frames}
        for row in rows
    }


def report(
    result: TrainingResult,
    options: TrainingOptions,
    demo: DemoOptions,
    figures: dict[str, MotionMetrics],
) -> dict[str, object]:
    """What is written beside the weights."""
    parameters = sum(value.numel() for value in result.model.parameters())
    return {
        "what": "Audio2Motion of the demo persona, trained on espeak-ng with rule-based labels",
        "dims": asdict(result.model.dims),
        "parameters": parameters,
        "options": asdict(options),
        "data": {
            **asdict(demo),
            "languages": list(LANGUAGES),
            "training_voices": list(TRAINING_VARIANTS),
            "validation_voices": list(VALIDATION_VARIANTS),
            "held_out_voices": list(HELD_OUT_VARIANTS),
        },
        "best_step": result.best.step,
        "validation_loss": round(result.best.validation_loss, 5),
        "held_out": {name: _rounded(asdict(metrics)) for name, metrics in figures.items()},
    }


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def train_demo(
    options: TrainingOptions, demo: DemoOptions, weights: Path, folder: Path
) -> dict[str, object]:
    """Make the data, train, write `weights` and the report beside it; returns the report.

    Raises:
        SpeechError: espeak-ng is not installed.
        TrainingError: the run diverged, or `folder` holds another run.
    """
    torch.manual_seed(options.seed)
    model = Audio2Motion(demo_dims(demo))
    set_idle(model, options.seed)
    training, _ = prepare(TRAINING_VARIANTS, demo.seconds_per_voice, demo.microphones, options.seed)
    validation = prepare(VALIDATION_VARIANTS, demo.validation_seconds, 1, options.seed + 2)
    noisy, clean = prepare(
        HELD_OUT_VARIANTS, demo.held_out_seconds, 1, options.seed + 1, unheard=True
    )
    source = SpeechSource(
        model,
        training,
        validation[0] + validation[1],
        batch_size=demo.batch_size,
        frames=demo.frames,
        seed=options.seed,
    )
    result = train(model, source, options, folder, progress=_print_evaluation)
    extra = {
        "licence": "Apache-2.0",
        "seed": str(options.seed),
        # What the rules' motion is relative to; a bundle plays it relative to the same.
        "neutral_motion": json.dumps(NEUTRAL_MOTION.tolist()),
    }
    result.model.save(weights, extra, half=True)
    # What is shipped is measured, not what was trained.
    shipped = Audio2Motion.load(weights)
    figures = {"clean": evaluate(shipped, clean), "augmented": evaluate(shipped, noisy)}
    for index, language in enumerate(LANGUAGES):
        figures[f"clean {language}"] = evaluate(shipped, clean[index :: len(LANGUAGES)])
    content = report(result, options, demo, figures)
    content["voices"] = _rounded(voice_table(shipped, clean))
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (weights.parent / REPORT).write_text(text, encoding="utf-8")
    return content


def _print_evaluation(evaluation: Evaluation) -> None:
    click.echo(
        f"step {evaluation.step}: training {evaluation.training_loss:.4f}, "
        f"validation {evaluation.validation_loss:.4f}"
    )


@click.command()
@click.option("--seed", default=0, show_default=True, help="Seed of data, weights and order.")
@click.option("--steps", default=4000, show_default=True, help="Optimiser steps.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    default=WEIGHTS,
    help="File to write; the report goes beside it. Default: the packaged weights.",
)
@click.option(
    "--run-folder",
    type=click.Path(path_type=Path),
    help="Where the run keeps its checkpoint, to continue after a kill. Default: temporary.",
)
def main(seed: int, steps: int, threads: int, weights: Path, run_folder: Path | None) -> None:
    """Train the demo persona's Audio2Motion and print how good it is."""
    torch.set_num_threads(threads)
    options = TrainingOptions(seed=seed, steps=steps, evaluate_every=200, patience=10)
    with tempfile.TemporaryDirectory() as temporary:
        folder = run_folder or Path(temporary)
        content = train_demo(options, DemoOptions(), weights, folder)
    click.echo(json.dumps({key: content[key] for key in ("held_out", "voices")}, indent=2))


if __name__ == "__main__":
    main()
