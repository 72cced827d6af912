"""Judge the demo's Audio2Motion anew: python -m lp_pack.demo.judge_audio2motion

Voices and sentences are ones that training never heard. espeak's samples depend on what a process
said before, so this is always a fresh process, also at the end of a training.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write
from lp_models.audio2motion import Audio2Motion
from lp_pack.demo.speech_source import HeardStream, heard, idle_waves, quantized
from lp_pack.speech.corpus import LANGUAGES
from lp_pack.speech.performance import motion
from lp_pack.speech.streams import HELD_OUT_VARIANTS, make_streams
from lp_pack.training.motion_metrics import MotionMetrics, agreement, measure

WEIGHTS = Path(__file__).parent / "weights" / "audio2motion.safetensors"
REPORT = "audio2motion_report.json"
HELD_OUT_SECONDS = 60.0  # for each voice and language


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


def judged(weights: Path, seed: int) -> dict[str, object]:
    """Figures over all held-out voices, clean and as microphones hear them, and for each voice."""
    noisy, clean = prepare(HELD_OUT_VARIANTS, HELD_OUT_SECONDS, 1, seed + 1, unheard=True)
    # What is shipped is measured, not what was trained.
    model = Audio2Motion.load(weights)
    figures = {"clean": evaluate(model, clean), "augmented": evaluate(model, noisy)}
    for index, language in enumerate(LANGUAGES):
        figures[f"clean {language}"] = evaluate(model, clean[index :: len(LANGUAGES)])
    return {
        "held_out": {name: _rounded(asdict(metrics)) for name, metrics in figures.items()},
        "voices": _rounded(voice_table(model, clean)),
    }


def write_report(weights: Path, content: dict[str, Any]) -> None:
    """Write the report beside the weights."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    with atomic_write(weights.parent / REPORT) as stream:
        stream.write(text.encode("utf-8"))


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return round(value, 5) if isinstance(value, float) else value


@click.command()
@click.option("--seed", default=0, show_default=True, help="Seed of the training.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    default=WEIGHTS,
    help="File to judge; the figures go into the report beside it. Default: the packaged weights.",
)
def main(seed: int, weights: Path) -> None:
    """Measure again, and put the figures into the report that lies beside the weights."""
    figures = judged(weights, seed)
    content = json.loads((weights.parent / REPORT).read_text(encoding="utf-8"))
    write_report(weights, {**content, **figures})
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
