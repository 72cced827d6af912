"""The persona that ships: trained, small, and as good as its report says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lp_models.baking import SourceFace
from lp_models.lite_generator import KIND, LiteGenerator
from lp_models.own_checkpoint import load_own
from lp_pack.demo.face import demo_face
from lp_pack.demo.puppet import Puppet, portrait
from lp_pack.demo.shipped import GENERATOR_WEIGHTS, WEIGHTS, demo_portrait
from lp_pack.distillation.evaluation import draw, measure
from lp_pack.distillation.face_record import FACE_KEY, face_from_text
from lp_pack.distillation.motion_sampling import held_out_sequences


@pytest.fixture(scope="module")
def face() -> SourceFace:
    return demo_face()


@pytest.fixture(scope="module")
def generator() -> LiteGenerator:
    return LiteGenerator.load(GENERATOR_WEIGHTS)


@pytest.fixture(scope="module")
def at_rest(generator: LiteGenerator, face: SourceFace) -> np.ndarray:
    """(512, 512, 3) the generator's frame at the portrait's own keypoints, 0 to 255."""
    with torch.no_grad():
        return (generator(face.keypoints)[0].permute(1, 2, 0) * 255).numpy()


def test_the_weights_stay_under_12_mb() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors")) < 12e6


def test_the_report_meets_the_targets() -> None:
    report = json.loads((WEIGHTS / "lite_generator_report.json").read_text())
    overall = next(each for each in report["held_out"] if each["name"] == "all")
    assert overall["psnr_db"] >= 32
    assert overall["lips_psnr_db"] >= 30
    assert 0.9 <= overall["flicker_ratio"] <= 1.1
    assert report["gigaflops"] <= 6
    assert report["parameters"] <= 4_000_000


def test_the_generator_agrees_with_its_report_on_motion_it_never_saw(
    generator: LiteGenerator, face: SourceFace
) -> None:
    (sequence,) = held_out_sequences(face, 1, 50, seed=0)
    points = sequence.keypoints[20:28]
    figures = measure("held out", points, Puppet().frames(points), draw(generator, points))
    assert figures.psnr_db > 30
    assert figures.lips_psnr_db > 27


def test_the_frame_at_rest_is_the_portrait(at_rest: np.ndarray, face: SourceFace) -> None:
    picture = demo_portrait(face).astype(np.float32)
    assert np.abs(at_rest - picture).mean() < 2.5
    # At the frame's edge, where paste-back would show a seam.
    assert np.abs(at_rest[:4] - picture[:4]).max() < 12


def test_the_background_is_plain_enough_to_key_out(at_rest: np.ndarray) -> None:
    corner = at_rest[:60, :60].reshape(-1, 3)
    assert np.abs(corner - np.array(portrait.BACKGROUND)).max() < 12


def test_the_file_knows_whose_face_it_is(face: SourceFace) -> None:
    text = load_own(GENERATOR_WEIGHTS, KIND).extra[FACE_KEY]
    stored = face_from_text(text, GENERATOR_WEIGHTS)
    torch.testing.assert_close(stored.keypoints, face.keypoints, atol=1e-5, rtol=0)
