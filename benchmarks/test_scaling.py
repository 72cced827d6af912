"""How cost grows: with resolution, threads, length of the sound, and number of personas.

pytest benchmarks/test_scaling.py
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from exported_part import RunningPart
from tiny_bundle import build_tiny_bundle
from tiny_persona import build_arguments, write_audio2motion, write_weights

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_pack.cli import group
from lp_pack.demo.face import demo_face
from lp_runtime import Bundle


@pytest.mark.parametrize("frame_size", [128, 256, 512])
@torch.no_grad()
def test_resolution(benchmark: Callable[..., object], frame_size: int, tmp_path: Path) -> None:
    """What draws the whole frame; the windows around eyes and lips have sizes of their own."""
    dims = dataclasses.replace(
        LiteGeneratorDims(),
        frame_size=frame_size,
        flow_grid=frame_size // 8,
        windows=(),
        moving_box=(0, 0, frame_size, frame_size),
        refiner_size=frame_size // 4,
    )
    network = LiteGenerator(dims).eval()
    network.set_face(demo_face())
    benchmark(RunningPart(network, tmp_path))


@pytest.mark.parametrize("threads", [1, 2])
@torch.no_grad()
def test_threads(benchmark: Callable[..., object], threads: int, tmp_path: Path) -> None:
    network = LiteGenerator(LiteGeneratorDims()).eval()
    network.set_face(demo_face())
    benchmark(RunningPart(network, tmp_path, threads))


@pytest.mark.parametrize("frames", [25, 100, 400])
def test_length_of_the_sound(
    benchmark: Callable[..., list[object]], frames: int, tmp_path: Path
) -> None:
    session = Bundle.open(build_tiny_bundle(tmp_path / "tiny.lpbundle").path).session(threads=1)
    pcm = np.zeros(frames * session.pipeline.samples_per_frame, np.float32)

    def perform() -> list[object]:
        shown = [*session.push_pcm(pcm), *session.flush()]
        session.reset()
        return shown

    assert len(benchmark(perform)) == frames


@pytest.mark.parametrize("batch", [1, 4, 16])
@torch.no_grad()
def test_batch_of_sounds_in_training(benchmark: Callable[..., object], batch: int) -> None:
    network = Audio2Motion(Audio2MotionDims()).eval()
    inputs = network.example_inputs()
    repeated = [tensor.repeat(batch, *[1] * (tensor.ndim - 1)) for tensor in inputs[:3]]
    benchmark(network, *repeated, *network.initial_states(batch))


@pytest.mark.parametrize("personas", [1, 4])
def test_personas_played_side_by_side(
    benchmark: Callable[..., None], personas: int, tmp_path: Path
) -> None:
    bundle = Bundle.open(build_tiny_bundle(tmp_path / "tiny.lpbundle").path)
    sessions = [bundle.session(threads=1) for _ in range(personas)]
    keypoints = np.zeros((1, 21, 3), np.float32)

    def frames() -> None:
        for session in sessions:
            session.step({"keypoints": keypoints})

    benchmark(frames)


@pytest.mark.full_size
@pytest.mark.parametrize("personas", [1, 3])
def test_personas_built(benchmark: Callable[..., None], personas: int, tmp_path: Path) -> None:
    """Tiny personas that share one cache and one Audio2Motion: what a further persona costs."""
    audio2motion = write_audio2motion(tmp_path / "audio2motion.safetensors")
    weights = [write_weights(tmp_path / f"weights{seed}", seed) for seed in range(personas)]

    def build_all() -> None:
        for seed, folder in enumerate(weights):
            outputs = ["--cache", str(tmp_path / "cache"), "-o", str(tmp_path / f"{seed}.lpbundle")]
            arguments = [*build_arguments(folder, audio2motion), *outputs]
            group.main(arguments, prog_name="lp-pack", standalone_mode=False)

    benchmark.pedantic(build_all, rounds=1)
