"""From sound to keypoints: the front end, Audio2Motion, and the stitching step, each as a graph.

pytest benchmarks/test_speech.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from exported_part import Part, RunningPart

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.dims import LivePortraitDims
from lp_models.motion_stitcher import MotionStitcher
from lp_models.seeded import seeded_networks
from lp_pack.demo.face import demo_face

SEED = 0


@pytest.fixture(scope="module")
def audio2motion() -> Audio2Motion:
    torch.manual_seed(SEED)
    return Audio2Motion(Audio2MotionDims()).eval()


@torch.no_grad()
def test_mel_front_end(
    benchmark: Callable[..., list[object]], audio2motion: Audio2Motion, tmp_path: Path
) -> None:
    mel = audio2motion.mel
    pcm = torch.randn(1, mel.samples_per_frame) * 0.1
    part = Part(mel, (pcm, torch.zeros(1, mel.history_samples)), outputs=2)
    assert len(benchmark(RunningPart(part, tmp_path))) == 2


@torch.no_grad()
def test_audio2motion(
    benchmark: Callable[..., list[object]], audio2motion: Audio2Motion, tmp_path: Path
) -> None:
    assert len(benchmark(RunningPart(audio2motion, tmp_path))) == len(audio2motion.output_names)


@pytest.mark.parametrize("stitching", [True, False], ids=["with_network", "formula_only"])
@torch.no_grad()
def test_stitching(benchmark: Callable[..., list[object]], stitching: bool, tmp_path: Path) -> None:
    network = seeded_networks(LivePortraitDims.tiny(), SEED).stitching if stitching else None
    stitcher = MotionStitcher(demo_face(), network, "relative")
    assert len(benchmark(RunningPart(stitcher, tmp_path))) == 1
