"""The figures of a training report mean what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from lp_pack.training.motion_metrics import (
    best_lag,
    closures_kept,
    correlation,
    lip_opening,
    measure,
    motion_groups,
)


def talking(frames: int = 200, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    motion = np.zeros((frames, 70), np.float32)
    motion[:, 3 * 19 + 1] = np.convolve(generator.random(frames), np.ones(3) / 3, "same") * 0.05
    return motion


def test_groups_cover_every_number_that_matters_once() -> None:
    columns = np.concatenate([columns for columns, _ in motion_groups().values()])
    assert sorted(columns) == [*range(66), 67, 68, 69]


def test_lips_open_when_the_lower_lip_goes_down() -> None:
    assert (lip_opening(talking()) >= 0).all()
    assert lip_opening(np.zeros((1, 70), np.float32))[0] == 0


@pytest.mark.parametrize("lag", [-3, 0, 1, 4])
def test_lag_is_by_how_much_the_prediction_trails(lag: int) -> None:
    opening = lip_opening(talking())
    assert best_lag(np.roll(opening, lag), opening) == lag


def test_a_perfect_prediction_has_no_error() -> None:
    truth = [talking(seed=1), talking(seed=2)]
    metrics = measure(truth, truth, np.zeros(70, np.float32))
    assert metrics.lip_correlation == pytest.approx(1)
    assert metrics.lip_jitter_ratio == pytest.approx(1)
    assert metrics.lag_frames == 0
    assert metrics.groups["lips"].error == 0 < metrics.groups["lips"].mean_baseline


def test_a_still_face_correlates_with_nothing() -> None:
    assert correlation(np.zeros(10, np.float32), np.arange(10, dtype=np.float32)) == 0.0


def test_a_closure_is_kept_when_its_tightest_frame_is_shut() -> None:
    truth = np.full(40, 0.05, np.float32)
    truth[10:12] = truth[20:23] = -0.01
    predicted = np.full(40, 0.05, np.float32)
    assert closures_kept(predicted, truth) == 0.0
    predicted[11] = 0.0
    assert closures_kept(predicted, truth) == 0.5
