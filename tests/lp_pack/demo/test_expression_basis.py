"""Controls of a face and what they do to the 21 keypoints."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import shared_path

from lp_pack.demo.expression_basis import CONTROL_NAMES, ExpressionControls, basis, expression
from lp_pack.errors import ConfigError
from lp_runtime.motion_template import read_motion_template


def test_a_neutral_face_has_no_offset() -> None:
    assert not expression(ExpressionControls()).any()


def test_an_open_jaw_lowers_the_lower_lip_and_a_blink_the_lid() -> None:
    opened = expression(ExpressionControls(jaw_open=1.0))[0]
    assert opened[19, 1] > 0.05 > abs(opened[20, 1])
    winked = expression(ExpressionControls(blink_left=1.0))[0]
    assert winked[11, 1] > 0
    assert winked[15, 1] == 0


def test_controls_mix_linearly_and_over_time() -> None:
    smile = np.array([0.0, 0.5, 1.0])
    mixed = expression(ExpressionControls(smile=smile, jaw_open=0.3))
    assert mixed.shape == (3, 21, 3)
    directions = dict(zip(CONTROL_NAMES, basis(), strict=True))
    expected = 0.3 * directions["jaw_open"] + 0.5 * directions["smile"]
    np.testing.assert_allclose(mixed[1], expected, atol=1e-7)


def test_keypoints_that_carry_the_pose_never_move() -> None:
    assert not basis()[:, [6, 8, 9, 12, 18]].any()


@pytest.mark.parametrize("bad", [np.array([np.nan]), np.zeros((2, 2)), np.zeros(3)])
def test_a_control_that_does_not_fit_is_named(bad: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="jaw_open"):
        expression(ExpressionControls(jaw_open=bad, smile=np.zeros(5)))


@pytest.mark.parametrize("name", ["talking", "laugh", "d8"])
def test_real_templates_leave_the_pose_keypoints_alone(name: str) -> None:
    motion = read_motion_template(shared_path(f"real/{name}.pkl")).motion
    offsets = motion[:, :63].reshape(-1, 21, 3)
    moved = offsets - offsets.mean(axis=0)
    assert np.abs(moved[:, [6, 8, 9, 12, 18]]).max() < 3e-4
    assert np.abs(moved[:, 19, 1]).max() > 0.01
