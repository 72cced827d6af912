"""Windows around what moves by itself, and the box around what moves at all."""

from __future__ import annotations

import numpy as np

from lp_models.baking import SourceFace
from lp_models.motion import EYE_KEYPOINTS, LIP_KEYPOINTS
from lp_pack.distillation.face_record import face_from_text, face_to_text
from lp_pack.distillation.frame_cache import FrameCache
from lp_pack.distillation.picture_boxes import fitted_dims, moving_box, windows_around


def contains(box: tuple[int, int, int, int], point: np.ndarray) -> bool:
    top, left, height, width = box
    return bool(top <= point[1] < top + height and left <= point[0] < left + width)


def test_windows_hold_the_lips_and_the_eyes(face: SourceFace) -> None:
    eyes, lips = windows_around(face, 512)
    places = (face.keypoints[0, :, :2].numpy() + 1) * 256
    assert all(contains(eyes, places[index]) for index in EYE_KEYPOINTS)
    assert all(contains(lips, places[index]) for index in LIP_KEYPOINTS)


def test_presets_fitted_to_a_face_are_valid(face: SourceFace) -> None:
    for size in (64, 256, 512):
        fitted_dims("nano", face, size).validate()


def test_the_moving_box_holds_every_change_and_spares_what_is_still() -> None:
    frames = np.full((6, 64, 64, 3), 90, dtype=np.uint8)
    for index, frame in enumerate(frames):
        frame[40 + index, 45] = 200
    top, left, height, width = moving_box(FrameCache(np.zeros((6, 21, 3), np.float32), frames))
    assert top == 24
    assert top + height == 62
    assert left == 29
    assert left + width == 62


def test_a_still_picture_moves_nowhere_in_particular() -> None:
    still = np.full((4, 32, 32, 3), 7, dtype=np.uint8)
    assert moving_box(FrameCache(np.zeros((4, 21, 3), np.float32), still)) == (0, 0, 32, 32)


def test_a_face_survives_as_text(face: SourceFace) -> None:
    again = face_from_text(face_to_text(face), "here")
    np.testing.assert_allclose(again.keypoints.numpy(), face.keypoints.numpy(), atol=1e-5)
