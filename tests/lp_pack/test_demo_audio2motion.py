"""The shipped Audio2Motion: small, and its lips follow speech it never heard."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lp_models.audio2motion import Audio2Motion
from lp_pack.demo.judge_audio2motion import REPORT, WEIGHTS, evaluate, prepare
from lp_pack.errors import SpeechError
from lp_pack.speech.espeak import espeak
from lp_pack.training.motion_metrics import lip_opening

LEFT_LID, BREATH = 3 * 11 + 1, 65
SHUT_LID = 0.008


@pytest.fixture(scope="module")
def model() -> Audio2Motion:
    return Audio2Motion.load(WEIGHTS)


def test_the_file_is_under_four_megabytes_and_its_report_lies_beside_it() -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    report = json.loads((WEIGHTS.parent / REPORT).read_text(encoding="utf-8"))
    held_out = report["held_out"]["clean"]
    assert held_out["lip_correlation"] >= 0.9
    assert abs(held_out["lag_frames"]) <= 1
    assert held_out["closures_kept"] >= 0.9


def test_the_report_is_about_voices_and_words_that_training_did_not_hear() -> None:
    report = json.loads((WEIGHTS.parent / REPORT).read_text(encoding="utf-8"))
    data = report["data"]
    judged = {*data["held_out_voices"]}
    assert not judged & {*data["training_voices"], *data["validation_voices"]}
    # Every voice in both languages, each with its own figure.
    assert len(report["voices"]) == 2 * len(judged)
    assert all(abs(voice["lag_frames"]) <= 1 for voice in report["voices"].values())


def test_the_first_frame_is_out_170_ms_after_the_first_sound(model: Audio2Motion) -> None:
    dims = model.dims
    assert (dims.look_ahead_frames + 1) * dims.samples_per_frame / dims.sample_rate <= 0.17


def test_lips_follow_a_voice_not_in_training(model: Audio2Motion) -> None:
    try:
        espeak()
    except SpeechError as error:
        pytest.skip(f"espeak-ng is not installed: {error.remedy}")
    _, clean = prepare(("f4",), 8.0, 1, 7, unheard=True)
    metrics = evaluate(model, clean)
    assert metrics.lip_correlation >= 0.9
    assert abs(metrics.lag_frames) <= 1


@torch.no_grad()
def in_silence(model: Audio2Motion, pace: float, minutes: int) -> list[np.ndarray]:
    """Motion of every minute of silence, in a style of this pace."""
    states = None
    emotion, style = torch.zeros(1, 8), torch.zeros(1, model.dims.style_size)
    style[0, -1] = pace
    played = []
    for _ in range(minutes):
        silence = torch.zeros(1, 640 * 25 * 60)
        motion, states = model.forward_sequence(silence, emotion, style, states)
        played.append(motion[0, 25:].numpy())
    return played


@pytest.mark.parametrize(("pace", "least", "most"), [(-1.0, 9, 13), (0.0, 13, 17), (1.0, 17, 22)])
def test_silence_blinks_as_often_as_the_style_says(
    model: Audio2Motion, pace: float, least: int, most: int
) -> None:
    minutes = in_silence(model, pace, 4)
    closings = [np.diff((minute[:, LEFT_LID] > SHUT_LID).astype(int)) == 1 for minute in minutes]
    assert least <= np.mean([shut.sum() for shut in closings]) <= most
    # A blink closes the lid whole and opens it again.
    lid = np.concatenate(minutes)[:, LEFT_LID]
    assert 0.010 < lid.max() < 0.020
    assert np.mean(lid > SHUT_LID) < 0.12


def test_silence_keeps_the_lips_shut_breathes_and_does_not_drift(model: Audio2Motion) -> None:
    minutes = in_silence(model, 0.0, 3)
    wide_open = 0.05
    for minute in minutes:
        assert np.abs(lip_opening(minute)).max() < 0.2 * wide_open
        assert minute[:, BREATH].std() > 0.002
    assert np.abs(minutes[0].mean(axis=0) - minutes[2].mean(axis=0))[67:].max() < 0.5


@torch.no_grad()
def test_another_style_is_another_performance_of_the_same_words(model: Audio2Motion) -> None:
    generator = torch.Generator().manual_seed(0)
    pcm = 0.05 * torch.randn(1, 640 * 100, generator=generator)
    style = 2 * torch.rand(2, model.dims.style_size, generator=generator) - 1
    emotion = torch.zeros(1, 8)
    first, second = (model.forward_sequence(pcm, emotion, one[None])[0][0] for one in style)
    assert (first[:, 67:] - second[:, 67:]).abs().max() > 1.0
    difference = np.abs(lip_opening(first.numpy()) - lip_opening(second.numpy()))
    assert difference.mean() < 0.006
