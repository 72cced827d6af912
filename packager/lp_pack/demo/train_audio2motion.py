"""Regenerate the demo persona's Audio2Motion: python -m lp_pack.demo.train_audio2motion --seed 0

Needs espeak-ng. Everything is drawn from the seed; the figures that it prints are written beside
the weights. Neither the voices nor the sentences of the report are ever heard in training.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import click
import torch

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.demo.judge_audio2motion import WEIGHTS, judged, prepare, write_report
from lp_pack.demo.speech_source import SpeechSource
from lp_pack.speech.corpus import LANGUAGES
from lp_pack.speech.performance import NEUTRAL_MOTION
from lp_pack.speech.streams import (
    HELD_OUT_VARIANTS,
    TRAINING_VARIANTS,
    VALIDATION_VARIANTS,
)
from lp_pack.training.audio2motion import Evaluation, TrainingOptions, TrainingResult, train
from lp_pack.training.idle_motion import set_idle


@dataclass(frozen=True)
class DemoOptions:
    """Sizes of the data and of the network."""

    hidden_size: int = 192
    look_ahead_frames: int = 2
    seconds_per_voice: float = 100.0
    validation_seconds: float = 40.0
    microphones: int = 3
    batch_size: int = 16
    frames: int = 150


def demo_dims(options: DemoOptions) -> Audio2MotionDims:
    """Dims of the demo's network."""
    return Audio2MotionDims(
        hidden_size=options.hidden_size, look_ahead_frames=options.look_ahead_frames
    )


def report(
    result: TrainingResult, options: TrainingOptions, demo: DemoOptions
) -> dict[str, object]:
    """What is written beside the weights, but for the figures."""
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
    }


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
    content = {**report(result, options, demo), **judged_apart(weights, options.seed)}
    write_report(weights, content)
    return content


def judged_apart(weights: Path, seed: int) -> dict[str, object]:
    """`judged` in a process of its own: espeak's samples depend on what it said before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(judged, weights, seed).result()


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
