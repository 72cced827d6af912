"""Idle motion is there by construction: blinks at a natural rate, and nothing that drifts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_models.idle import BLINK_OSCILLATORS, IdleGenerator

FRAME_RATE = 25
STYLE_SIZE, OSCILLATORS = 8, 8


@pytest.fixture
def idle() -> IdleGenerator:
    return IdleGenerator(OSCILLATORS, STYLE_SIZE, FRAME_RATE, 70)


def styled(pace: float, size: int = STYLE_SIZE) -> Tensor:
    style = torch.zeros(1, size)
    style[0, -1] = pace
    return style


def blinks_a_minute(idle: IdleGenerator, style: Tensor, minutes: int = 20) -> float:
    steps = torch.arange(60 * FRAME_RATE * minutes)[:, None]
    styles = style.expand(len(steps), -1)
    phases = idle.advance(torch.zeros(1, OSCILLATORS), styles, steps)
    blink = idle.features(idle.waves(phases, styles), styles)[:, -1]
    assert blink.max() <= 1 + 1e-6
    return int(((blink[1:] > 0.5) & (blink[:-1] <= 0.5)).sum()) / minutes


@pytest.mark.parametrize(("pace", "least", "most"), [(-1, 9.5, 12), (0, 13, 16.5), (1, 17, 20.5)])
def test_it_blinks_10_to_20_times_a_minute_as_the_style_says(
    pace: float, least: float, most: float, idle: IdleGenerator
) -> None:
    assert least <= blinks_a_minute(idle, styled(pace)) <= most


def test_it_does_not_begin_with_a_blink(idle: IdleGenerator) -> None:
    style = torch.zeros(1, STYLE_SIZE)
    pulse = idle.waves(torch.zeros(1, OSCILLATORS), style)[2]
    assert pulse[0, BLINK_OSCILLATORS].max() < 1e-3


def test_two_pulses_at_once_are_one_blink(idle: IdleGenerator) -> None:
    style = torch.zeros(1, STYLE_SIZE)
    phase = torch.full((1, OSCILLATORS), 0.5)
    assert idle.features(idle.waves(phase, style), style)[0, -1] == pytest.approx(1.0)


def test_advancing_step_by_step_is_advancing_at_once(idle: IdleGenerator) -> None:
    style = styled(0.7)
    phase = torch.rand(1, OSCILLATORS, generator=torch.Generator().manual_seed(0))
    stepped = phase
    for _ in range(250):
        stepped = idle.advance(stepped, style)
    difference = (stepped - idle.advance(phase, style, 250) + 0.5) % 1.0 - 0.5
    assert difference.abs().max() < 1e-4
    assert ((stepped >= 0) & (stepped < 1)).all()


@torch.no_grad()
def test_an_untrained_network_blinks_in_silence_once_its_weights_are_set() -> None:
    torch.manual_seed(0)
    model = Audio2Motion(Audio2MotionDims(hidden_size=8, mel_bins=16)).eval()
    pcm, emotion, style = torch.zeros(1, 640 * 25 * 20), torch.zeros(1, 8), torch.zeros(1, 8)
    still, _ = model.forward_sequence(pcm, emotion, style)
    model.idle.weights[-1, 34] = 0.015
    moving, _ = model.forward_sequence(pcm, emotion, style)
    lid = (moving - still)[0, :, 34]
    closings = int(((lid[1:] > 0.008) & (lid[:-1] <= 0.008)).sum())
    assert 3 <= closings <= 7
    assert torch.equal(moving[..., :34], still[..., :34])
