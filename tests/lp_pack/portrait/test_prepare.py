"""A file and an option in, a crop out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shared_data import shared_path

from lp_pack.errors import PortraitError
from lp_pack.portrait.crop_spec import BoxCrop
from lp_pack.portrait.loading import EXIF_ORIENTATION
from lp_pack.portrait.prepare import prepare_portrait


def test_the_option_may_be_text_or_parsed(astronaut: np.ndarray, save):
    path = save(astronaut)
    by_text = prepare_portrait(path, "130,20,200")
    by_spec = prepare_portrait(str(path), BoxCrop(130, 20, 200))
    np.testing.assert_array_equal(by_text.frame, by_spec.frame)
    assert by_text.provenance == by_spec.provenance


def test_the_same_file_gives_the_same_arrays(astronaut: np.ndarray, save):
    path = save(astronaut)
    first, second = prepare_portrait(path), prepare_portrait(path)
    np.testing.assert_array_equal(first.network_input, second.network_input)
    np.testing.assert_array_equal(first.frame_to_portrait, second.frame_to_portrait)


def test_the_sizes_follow_the_networks(astronaut: np.ndarray, save):
    found = prepare_portrait(save(astronaut), frame_size=128, image_size=64)
    assert found.frame.shape == (128, 128, 3)
    assert found.network_input.shape == (1, 3, 64, 64)


def test_a_picture_turned_by_exif_is_cropped_upright(astronaut: np.ndarray, save):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    stored = Image.fromarray(astronaut).transpose(Image.Transpose.ROTATE_90)
    lying = prepare_portrait(save(stored, "lying.png", exif=exif))
    upright = prepare_portrait(save(astronaut))
    np.testing.assert_array_equal(lying.frame, upright.frame)
    np.testing.assert_array_equal(lying.portrait, upright.portrait)


def test_two_equal_faces_must_be_chosen_between(astronaut: np.ndarray, save):
    path = save(np.hstack([astronaut, astronaut]))
    with pytest.raises(PortraitError, match="several faces") as caught:
        prepare_portrait(path)
    chosen = str(caught.value.got).split("--crop ")[1].split()[0]
    assert prepare_portrait(path, chosen).frame.shape == (512, 512, 3)


def test_a_picture_without_a_face_names_the_file(save):
    path = save(np.full((256, 256, 3), 120, dtype=np.uint8))
    with pytest.raises(PortraitError, match="no face found") as caught:
        prepare_portrait(path)
    assert caught.value.where == path
    assert prepare_portrait(path, "none").frame.shape == (512, 512, 3)


def test_landmarks_frame_the_face(astronaut: np.ndarray, save, tmp_path: Path):
    points = [[202.5, 101], [246.5, 103.5], [227, 124], [206, 141], [244, 143]]
    (tmp_path / "face.json").write_text(json.dumps({"landmarks": points}))
    path = save(astronaut)
    given_points = prepare_portrait(path, str(tmp_path / "face.json"))
    automatic = prepare_portrait(path)
    assert given_points.square.centre == pytest.approx(automatic.square.centre, abs=10)
    assert given_points.face is None


def test_landmarks_of_another_picture_are_refused(astronaut: np.ndarray, save, tmp_path: Path):
    points = [[1202, 1101], [1246, 1103], [1227, 1124], [1206, 1141], [1244, 1143]]
    (tmp_path / "face.json").write_text(json.dumps({"landmarks": points}))
    with pytest.raises(PortraitError, match="centred outside"):
        prepare_portrait(save(astronaut), str(tmp_path / "face.json"))


def test_transparency_is_kept_for_another_background(astronaut: np.ndarray, save):
    alpha = np.zeros((512, 512, 1), np.uint8)
    alpha[:, 100:400] = 255
    found = prepare_portrait(save(np.concatenate([astronaut, alpha], axis=2)))
    np.testing.assert_array_equal(found.alpha, alpha[..., 0])
    assert found.face is not None


def test_a_painting_becomes_a_crop_of_head_and_shoulders():
    found = prepare_portrait(shared_path("real/mona_lisa.jpg"))
    assert found.square.side == pytest.approx(480, abs=40)
    assert found.square.centre == pytest.approx((347, 312), abs=20)
    assert found.notices == ()
