"""Cutting the frame out of the portrait, and laying it back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lp_pack.errors import PortraitError
from lp_pack.portrait.crop import PortraitCrop, crop_portrait, outside_fraction, sample
from lp_pack.portrait.crop_spec import AutoCrop, BoxCrop, CropSpec, WholePicture
from lp_pack.portrait.face_geometry import CropSquare
from lp_pack.portrait.feather_mask import feather_mask
from lp_pack.portrait.loading import Portrait, PortraitProvenance

WHERE = Path("portrait.png")


def portrait_of(rgb: np.ndarray) -> Portrait:
    size = (rgb.shape[1], rgb.shape[0])
    return Portrait(rgb, None, PortraitProvenance("0" * 64, 1, "PNG", "RGB", size, size), ())


def crop(rgb: np.ndarray, spec: CropSpec, frame_size: int = 512) -> PortraitCrop:
    return crop_portrait(portrait_of(rgb), spec, WHERE, frame_size, frame_size // 2)


def paste_back(found: PortraitCrop) -> np.ndarray:
    """The frame laid back over the portrait through the feather mask, float (height, width, 3)."""
    size = found.frame.shape[0]
    height, width = found.portrait.shape[:2]

    def to_portrait(plane: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(plane, found.frame_to_portrait, (width, height))

    mask = to_portrait(feather_mask(size)).astype(float)[..., None] / 255
    return mask * to_portrait(found.frame) + (1 - mask) * found.portrait


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2)))


def test_a_square_picture_of_frame_size_is_its_own_frame(astronaut: np.ndarray):
    found = crop(astronaut, WholePicture())
    np.testing.assert_array_equal(found.frame, astronaut)
    assert found.frame_to_portrait == pytest.approx(np.eye(3)[:2])
    assert found.notices == ()
    assert found.face is None


def test_a_box_at_frame_size_copies_pixels(astronaut: np.ndarray):
    found = crop(astronaut, BoxCrop(100, 50, 256), frame_size=256)
    np.testing.assert_array_equal(found.frame, astronaut[50:306, 100:356])


def test_shrinking_averages_areas(astronaut: np.ndarray):
    found = crop(astronaut, WholePicture(), frame_size=128)
    means = astronaut.reshape(128, 4, 128, 4, 3).mean(axis=(1, 3))
    assert np.abs(found.frame - means).max() <= 1


def test_the_network_input_is_the_frame_halved_and_scaled(astronaut: np.ndarray):
    found = crop(astronaut, WholePicture())
    assert found.network_input.shape == (1, 3, 256, 256)
    assert found.network_input.dtype == np.float32
    assert found.network_input.flags.c_contiguous
    means = astronaut.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert np.abs(found.network_input[0] * 255 - means).max() <= 0.5 + 1e-3


def test_the_middle_of_an_oblong_picture_is_taken_and_said(astronaut: np.ndarray):
    found = crop(astronaut[:300], WholePicture(), frame_size=300)
    np.testing.assert_array_equal(found.frame, astronaut[:300, 106:406])
    assert "not square" in found.notices[0]


def test_the_automatic_crop_puts_the_face_where_liveportrait_has_it(astronaut: np.ndarray):
    found = crop(astronaut, AutoCrop())
    assert found.face is not None
    to_frame = cv2.invertAffineTransform(found.frame_to_portrait)
    left, right = (to_frame @ [*eye, 1.0] for eye in (found.face.left_eye, found.face.right_eye))
    # Upright, in the middle, eyes a little above half height, 2.3 faces to the frame.
    assert left[1] == pytest.approx(right[1], abs=1)
    assert (left[0] + right[0]) / 2 == pytest.approx(256, abs=10)
    assert 0.44 < left[1] / 512 < 0.5
    assert 0.18 < (right[0] - left[0]) / 512 < 0.27
    assert any("enlarged" in notice for notice in found.notices)


def test_a_tilted_face_gives_the_same_frame_as_the_upright_one(astronaut: np.ndarray):
    middle = (255.5, 255.5)
    turn = cv2.getRotationMatrix2D(middle, 20, 1.0)
    tilted = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REFLECT)
    upright, leaning = crop(astronaut, AutoCrop()), crop(tilted, AutoCrop())
    # Eyes are found to within a few pixels, so the pictures agree when blurred.
    blurred = [cv2.blur(found.frame, (31, 31)) for found in (upright, leaning)]
    assert psnr(*blurred) > 22
    assert leaning.square.roll == pytest.approx(upright.square.roll - 20, abs=6)


def test_what_lies_outside_the_portrait_is_black_and_said(astronaut: np.ndarray):
    found = crop(astronaut, BoxCrop(-128, -128, 512))
    assert found.frame[:127].max() == 0
    np.testing.assert_array_equal(found.frame[128:, 128:], astronaut[:384, :384])
    assert "44% of the crop" in found.notices[-1]


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (BoxCrop(-400, 0, 300), "centred outside"),
        (BoxCrop(0, 900, 300), "centred outside"),
        (BoxCrop(0, 0, 2000), "far larger"),
    ],
)
def test_a_crop_that_does_not_fit_is_refused(astronaut: np.ndarray, box: BoxCrop, problem: str):
    with pytest.raises(PortraitError, match=problem) as caught:
        crop(astronaut, box)
    assert caught.value.where == WHERE
    assert "512 x 512" in str(caught.value.expected)


def test_a_face_that_is_too_small_is_refused(astronaut: np.ndarray):
    tiny = np.full((700, 700, 3), 200, dtype=np.uint8)
    tiny[100:310, 100:310] = cv2.resize(astronaut, (210, 210), interpolation=cv2.INTER_AREA)
    with pytest.raises(PortraitError, match="too small"):
        crop(tiny, AutoCrop())


@pytest.mark.parametrize(
    "spec",
    [AutoCrop(), BoxCrop(130, 10, 200), BoxCrop(0, 0, 512), BoxCrop(-60, -100, 480)],
    ids=lambda spec: spec.describe(),
)
def test_pasting_the_frame_back_reproduces_the_portrait(astronaut: np.ndarray, spec: CropSpec):
    found = crop(astronaut, spec)
    restored = paste_back(found)
    # Twice interpolated: a few grey levels at sharp edges, 34 dB or more over the picture.
    assert psnr(restored, astronaut) > 34
    assert np.abs(restored - astronaut).mean() < 2


@settings(max_examples=25, deadline=None)
@given(
    x=st.floats(150, 350),
    y=st.floats(150, 350),
    side=st.floats(100, 400),
    roll=st.floats(-180, 180),
)
def test_a_smooth_picture_survives_any_crop_and_the_way_back(
    x: float, y: float, side: float, roll: float
):
    rows, columns = np.mgrid[0:512, 0:512]
    waves = np.stack([np.sin(columns / 40), np.cos(rows / 50), np.sin((rows + columns) / 60)], -1)
    smooth = np.rint(127.5 + 100 * waves).astype(np.uint8)
    matrix = CropSquare((x, y), side, roll).frame_to_portrait(512)
    frame = sample(smooth, matrix, 512)
    # Where the square reaches outside the portrait the frame is black, and blends at that edge.
    drawn = sample(np.full_like(smooth, 255), matrix, 512).min(axis=2)
    inside = cv2.warpAffine(np.minimum(feather_mask(), drawn), matrix, (512, 512)) == 255
    restored = cv2.warpAffine(frame, matrix, (512, 512)).astype(int)
    assert inside.any()
    assert np.abs(restored - smooth)[inside].max() <= 4


def test_an_enormous_square_is_sampled_within_bounded_memory():
    picture = np.full((1000, 9000, 3), 90, dtype=np.uint8)
    found = crop(picture, BoxCrop(0, -4000, 9000))
    assert found.frame.shape == (512, 512, 3)
    assert found.frame[256, 256].tolist() == [90, 90, 90]


def test_the_part_outside_is_measured():
    square = CropSquare((49.5, 49.5), 100)
    assert outside_fraction(square.frame_to_portrait(512), 512, 100, 100) == 0.0
    half = outside_fraction(square.frame_to_portrait(512), 512, 50, 100)
    assert half == pytest.approx(0.5, abs=0.02)
