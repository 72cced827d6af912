"""The trainer learns, resumes to the same network, and refuses what it cannot use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.errors import TrainingError
from lp_pack.training.audio2motion import CHECKPOINT, TrainingOptions, schedule, train
from lp_pack.training.batch import Batch

OPTIONS = TrainingOptions(
    steps=60, evaluate_every=20, learning_rate=1e-2, warmup_steps=5, statistics_batches=2
)


class LoudnessSource:
    """The mouth opens with the loudness of noise: something that a tiny network learns at once."""

    def __init__(self, dims: Audio2MotionDims, poisoned: bool = False) -> None:
        self.dims = dims
        self.poisoned = poisoned

    def training_batch(self, step: int) -> Batch:
        generator = np.random.default_rng(step)
        loudness = np.repeat(generator.uniform(0, 1, (4, 10)), 4, axis=1)
        noise = generator.standard_normal((4, 40 * 640)) * np.repeat(loudness, 640, axis=1) * 0.1
        motion = np.zeros((4, 40, 70))
        delay = self.dims.look_ahead_frames
        motion[:, delay:, 3 * 19 + 1] = 0.05 * loudness[:, : 40 - delay]
        if self.poisoned and step > 2:
            motion[:] = np.nan
        emotion, style = np.zeros((4, 40, 8)), np.zeros((4, self.dims.style_size))
        phase = generator.uniform(0, 1, (4, self.dims.num_oscillators))
        arrays = (noise, emotion, style, phase, motion)
        return Batch(*(torch.from_numpy(array).float() for array in arrays))

    def validation_batches(self) -> Sequence[Batch]:
        return [self.training_batch(10_000)]


def tiny_model() -> Audio2Motion:
    torch.manual_seed(0)
    return Audio2Motion(Audio2MotionDims.tiny())


def test_a_tiny_network_learns_to_open_the_mouth(tmp_path: Path) -> None:
    model = tiny_model()
    result = train(model, LoudnessSource(model.dims), OPTIONS, tmp_path)
    first, last = result.evaluations[0], result.best
    assert last.validation_loss < 0.7 * first.validation_loss
    assert last.validation_loss < 0.5


def test_a_killed_run_ends_in_the_same_network(tmp_path: Path) -> None:
    class Killed(LoudnessSource):
        def training_batch(self, step: int) -> Batch:
            if step == 45:
                raise KeyboardInterrupt
            return super().training_batch(step)

    whole = tiny_model()
    train(whole, LoudnessSource(whole.dims), OPTIONS, tmp_path / "whole")
    killed = tiny_model()
    with pytest.raises(KeyboardInterrupt):
        train(killed, Killed(killed.dims), OPTIONS, tmp_path / "killed")
    resumed = tiny_model()
    result = train(resumed, LoudnessSource(resumed.dims), OPTIONS, tmp_path / "killed")
    assert [evaluation.step for evaluation in result.evaluations] == [20, 40, 60]
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


def test_a_run_without_progress_stops_early(tmp_path: Path) -> None:
    model = tiny_model()
    still = replace(OPTIONS, learning_rate=0.0, evaluate_every=5, patience=2)
    result = train(model, LoudnessSource(model.dims), still, tmp_path)
    assert len(result.evaluations) == 3


def test_labels_with_nan_are_an_error_with_the_step(tmp_path: Path) -> None:
    model = tiny_model()
    with pytest.raises(TrainingError, match="step 3"):
        train(model, LoudnessSource(model.dims, poisoned=True), OPTIONS, tmp_path)


def test_a_checkpoint_of_another_network_or_of_nothing_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    short = replace(OPTIONS, steps=2)
    train(model, LoudnessSource(model.dims), short, tmp_path)
    other = Audio2Motion(replace(Audio2MotionDims.tiny(), hidden_size=8))
    with pytest.raises(TrainingError, match="cannot be continued"):
        train(other, LoudnessSource(other.dims), short, tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match="cannot be continued"):
        train(model, LoudnessSource(model.dims), short, tmp_path)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [schedule(step, OPTIONS) for step in range(OPTIONS.steps)]
    assert rates[0] < rates[4] == max(rates)
    assert rates[-1] < 0.05
    assert all(after <= before for before, after in pairwise(rates[5:]))
