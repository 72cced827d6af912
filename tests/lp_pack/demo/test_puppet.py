"""The puppet: its mouth, lids and head do what the keypoints say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from shared_data import shared_path

from lp_models.motion import HeadMotion
from lp_models.motion_stitcher import MotionStitcher
from lp_pack.demo.expression_basis import ExpressionControls, expression
from lp_pack.demo.face import demo_face
from lp_pack.demo.puppet import Puppet, landmarks, portrait
from lp_pack.demo.puppet.pose import read_pose
from lp_pack.demo.puppet.puppet import mouth_shape
from lp_pack.errors import ConfigError
from lp_runtime.motion_template import read_motion_template


@pytest.fixture(scope="module")
def puppet() -> Puppet:
    return Puppet()


def keypoints(
    controls: ExpressionControls | None = None, pitch: float = 0, yaw: float = 0, roll: float = 0
) -> np.ndarray:
    face = demo_face()
    offsets = expression(controls or ExpressionControls())
    motion = HeadMotion(
        exp=torch.from_numpy(offsets),
        scale=face.motion.scale,
        t=face.motion.t,
        pitch=torch.tensor([[float(pitch)]]),
        yaw=torch.tensor([[float(yaw)]]),
        roll=torch.tensor([[float(roll)]]),
    )
    placed: np.ndarray = MotionStitcher(face, mode="absolute")(motion.to_vector()).numpy()
    return placed


def whiteness(frame: np.ndarray) -> float:
    """The weakest colour where the upper teeth are, high for white and low for red."""
    return float(frame[338:348, 242:274].min(axis=2).mean())


def dark_rows(frame: np.ndarray) -> int:
    """Height of the dark of the mouth in its middle."""
    return int((frame[320:420, 250:264].max(axis=2).mean(axis=1) < 75).sum())


def test_pose_and_expression_come_back_out_of_keypoints() -> None:
    controls = ExpressionControls(jaw_open=0.7, blink_left=0.5, smile=0.3)
    pose = read_pose(keypoints(controls, pitch=10, yaw=-20, roll=5))
    np.testing.assert_allclose(pose.expression, expression(controls), atol=1e-5)
    np.testing.assert_allclose(pose.scale, 1, atol=1e-5)
    np.testing.assert_allclose(pose.position[0], landmarks.HEAD_PIVOT, atol=1e-3)


def test_lips_close_at_rest_and_open_with_the_jaw(puppet: Puppet) -> None:
    rest, opened, wide = (
        puppet.frames(keypoints(ExpressionControls(jaw_open=amount)))[0]
        for amount in (0.0, 0.5, 1.0)
    )
    assert dark_rows(rest) == 0
    assert 2 < dark_rows(opened) < dark_rows(wide)
    # Teeth show between open lips, not between closed ones.
    assert whiteness(rest) + 30 < whiteness(opened)


@pytest.mark.parametrize(("side", "columns"), [("left", (190, 230)), ("right", (287, 330))])
def test_each_eye_closes_by_itself(puppet: Puppet, side: str, columns: tuple[int, int]) -> None:
    opened = puppet.frames(keypoints())[0].astype(int)
    closed = puppet.frames(keypoints(ExpressionControls(**{f"blink_{side}": 1.0})))[0].astype(int)
    change = np.abs(closed - opened).max(axis=2)
    within = change[225:262, columns[0] : columns[1]]
    assert (within > 40).mean() > 0.2
    other = np.delete(change, np.s_[columns[0] - 8 : columns[1] + 8], axis=1)
    assert (other > 40).sum() < (within > 40).sum() / 5
    # Skin is brighter than the iris it covers.
    middle = sum(columns) // 2
    assert (
        closed[243:248, middle - 8 : middle + 8].mean()
        > 30 + opened[243:248, middle - 8 : middle + 8].mean()
    )


@pytest.mark.parametrize("yaw", [-20, 20])
@pytest.mark.parametrize("pitch", [-12, 0, 12])
def test_a_turned_head_stays_whole(puppet: Puppet, yaw: int, pitch: int) -> None:
    """No background shows through: all of it is connected with the frame's edge."""
    frame = puppet.frames(keypoints(yaw=yaw, pitch=pitch))[0].astype(int)
    background = np.abs(frame - np.array(portrait.BACKGROUND)).max(axis=2) < 40
    _, parts = cv2.connectedComponents(background.astype(np.uint8))
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    enclosed = background & ~np.isin(parts, edge)
    assert enclosed.sum() < 20
    assert background.mean() > 0.2


def test_a_positive_yaw_turns_the_nose_to_the_left_of_the_image(puppet: Puppet) -> None:
    pose = keypoints(yaw=20)
    assert pose[0, 10, 0] < keypoints()[0, 10, 0] - 0.05


def test_corners_show_the_plain_background(puppet: Puppet) -> None:
    frame = puppet.frames(keypoints())[0]
    for corner in (frame[:40, :40], frame[:40, -40:]):
        assert (corner == np.array(portrait.BACKGROUND)).all()


def test_frames_do_not_depend_on_the_batch(puppet: Puppet) -> None:
    points = np.concatenate([keypoints(yaw=5), keypoints(ExpressionControls(jaw_open=1.0))])
    together = puppet.frames(points)
    assert together.shape == (2, 512, 512, 3)
    assert together.dtype == np.uint8
    assert np.array_equal(together[1], puppet.frames(points[1:])[0])


def test_unusable_keypoints_are_refused(puppet: Puppet) -> None:
    with pytest.raises(ConfigError, match="finite"):
        puppet.frames(np.full((1, 21, 3), np.nan, dtype=np.float32))
    with pytest.raises(ConfigError, match="21, 3"):
        puppet.frames(np.zeros((21, 3), dtype=np.float32))


def test_a_real_laugh_opens_the_mouth() -> None:
    motion = read_motion_template(shared_path("real/laugh.pkl")).motion
    vectors = torch.from_numpy(motion)
    points = MotionStitcher(demo_face(), mode="relative")(vectors, vectors[:1]).numpy()
    openings = [mouth_shape(offsets).opening for offsets in read_pose(points).expression]
    assert openings[0] == 0
    assert max(openings) > 15
