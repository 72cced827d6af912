"""The persona that ships: trained, small, and as good as its report says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lp_models.lite_generator import KIND
from lp_models.own_checkpoint import load_own
from lp_pack.demo.persona import GENERATOR_WEIGHTS, WEIGHTS, DemoPersona, demo_persona
from lp_pack.demo.puppet import Puppet
from lp_pack.distillation.evaluation import draw, measure
from lp_pack.distillation.face_record import FACE_KEY, face_from_text
from lp_pack.distillation.motion_sampling import held_out_sequences


@pytest.fixture(scope="module")
def persona() -> DemoPersona:
    return demo_persona()


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
    persona: DemoPersona,
) -> None:
    (sequence,) = held_out_sequences(persona.face, 1, 50, seed=0)
    points = sequence.keypoints[20:28]
    figures = measure("held out", points, Puppet().frames(points), draw(persona.generator, points))
    assert figures.psnr_db > 30
    assert figures.lips_psnr_db > 27


def test_the_frame_at_rest_is_the_portrait(persona: DemoPersona) -> None:
    with torch.no_grad():
        frame = persona.generator(persona.face.keypoints)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(frame - persona.portrait).mean() < 2.5
    # At the frame's edge, where paste-back would show a seam.
    assert np.abs(frame[:4] - persona.portrait[:4]).max() < 12


def test_the_background_is_plain_enough_to_key_out(persona: DemoPersona) -> None:
    with torch.no_grad():
        frame = persona.generator(persona.face.keypoints)[0].permute(1, 2, 0).numpy() * 255
    corner = frame[:60, :60].reshape(-1, 3)
    assert np.abs(corner - np.array(persona.background)).max() < 12


def test_the_file_knows_whose_face_it_is(persona: DemoPersona) -> None:
    text = load_own(GENERATOR_WEIGHTS, KIND).extra[FACE_KEY]
    stored = face_from_text(text, GENERATOR_WEIGHTS)
    torch.testing.assert_close(stored.keypoints, persona.face.keypoints, atol=1e-5, rtol=0)
