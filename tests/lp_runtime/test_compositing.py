"""Paste-back, chroma key and frames: where pixels go and how edges blend."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_runtime import InputError
from lp_runtime.background import ChromaKey, make_background, parse_color
from lp_runtime.compositing import PasteBack, read_picture
from lp_runtime.frames import rgb_pixels

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


class TestPasteBack:
    def test_identity_with_a_full_mask_returns_the_frame(self) -> None:
        portrait, frame = noise(32, 32), noise(32, 32, seed=1)
        mask = np.full((32, 32), 255, np.uint8)
        np.testing.assert_array_equal(PasteBack(portrait, mask, IDENTITY)(frame), frame)

    def test_an_empty_mask_returns_the_portrait(self) -> None:
        portrait = noise(32, 40)
        paste = PasteBack(portrait, np.zeros((32, 32), np.uint8), IDENTITY)
        np.testing.assert_array_equal(paste(noise(32, 32, seed=1)), portrait)

    @given(x=st.integers(-20, 70), y=st.integers(-20, 50))
    def test_a_shift_by_whole_pixels_is_a_copy(self, x: int, y: int) -> None:
        portrait, frame = noise(60, 80), noise(24, 24, seed=1)
        mask = np.full((24, 24), 255, np.uint8)
        result = PasteBack(portrait, mask, ((1, 0, x), (0, 1, y)))(frame)
        canvas = np.zeros((200, 200, 3), np.uint8)
        canvas[60:120, 60:140] = portrait
        canvas[60 + y : 84 + y, 60 + x : 84 + x] = frame
        np.testing.assert_array_equal(result, canvas[60:120, 60:140])

    def test_half_weight_is_the_mean(self) -> None:
        portrait = np.full((16, 16, 3), 200, np.uint8)
        mask = np.full((16, 16), 128, np.uint8)
        result = PasteBack(portrait, mask, IDENTITY)(np.full((16, 16, 3), 100, np.uint8))
        assert np.abs(result.astype(int) - 150).max() <= 1

    @given(
        angle=st.floats(-180, 180),
        scale=st.floats(0.5, 3.0),
        x=st.floats(-10, 90),
        y=st.floats(-10, 90),
    )
    def test_the_box_gives_what_a_warp_of_the_whole_portrait_gives(
        self, angle: float, scale: float, x: float, y: float
    ) -> None:
        portrait, frame = noise(100, 110), noise(24, 24, seed=1)
        mask = cv2.GaussianBlur(np.pad(np.full((12, 12), 255, np.uint8), 6), (0, 0), 2)
        transform = cv2.getRotationMatrix2D((12, 12), angle, scale)
        transform[:, 2] += (x, y)
        weight = cv2.warpAffine(mask.astype(np.float32) / 255, transform, (110, 100))[..., None]
        warped = cv2.warpAffine(frame, transform, (110, 100), borderMode=cv2.BORDER_REPLICATE)
        expected = weight * warped + (1 - weight) * portrait
        try:
            result = PasteBack(portrait, mask, transform)(frame)
        except InputError:
            assert weight.max() == 0
            return
        # Interpolation runs in steps of 1/32 pixel, which the box's origin may round differently.
        difference = np.abs(result - expected)
        assert np.mean(difference) < 0.5
        np.testing.assert_array_equal(result[weight[..., 0] == 0], portrait[weight[..., 0] == 0])

    def test_a_feathered_edge_is_monotonic_and_leaves_no_seam(self) -> None:
        portrait = np.zeros((40, 40, 3), np.uint8)
        mask = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (40, 1))
        row = PasteBack(portrait, mask, IDENTITY)(np.full((40, 40, 3), 255, np.uint8))[20, :, 0]
        assert (np.diff(row.astype(int)) >= 0).all()
        assert np.diff(row.astype(int)).max() <= 8

    def test_results_belong_to_the_caller(self) -> None:
        paste = PasteBack(noise(32, 32), np.full((16, 16), 255, np.uint8), IDENTITY)
        first = paste(noise(16, 16, seed=1))
        kept = first.copy()
        second = paste(noise(16, 16, seed=2))
        np.testing.assert_array_equal(first, kept)
        second[:] = 0
        np.testing.assert_array_equal(paste(noise(16, 16, seed=1)), kept)

    @pytest.mark.parametrize(
        ("transform", "text"),
        [
            (((1, 0, 500), (0, 1, 0)), "outside the portrait"),
            (((1, 0, 0), (2, 0, 0)), "singular"),
            (((1, 0, np.nan), (0, 1, 0)), "finite 2x3"),
            (np.eye(3), "finite 2x3"),
        ],
    )
    def test_transforms_that_cannot_be_are_refused(self, transform: object, text: str) -> None:
        with pytest.raises(InputError, match=text):
            PasteBack(noise(32, 32), np.full((16, 16), 255, np.uint8), transform)

    def test_pictures_of_other_kinds_are_refused(self) -> None:
        mask = np.full((16, 16), 255, np.uint8)
        with pytest.raises(InputError, match="portrait is not"):
            PasteBack(np.zeros((32, 32, 4), np.uint8), mask, IDENTITY)
        with pytest.raises(InputError, match="mask is not"):
            PasteBack(noise(32, 32), mask.astype(np.float32), IDENTITY)
        with pytest.raises(InputError, match="does not fit the paste-back mask"):
            PasteBack(noise(32, 32), mask, IDENTITY)(noise(17, 16))


def figure_on(color: tuple[int, int, int]) -> np.ndarray:
    """A round skin-coloured figure with a soft edge on a plain background."""
    y, x = np.mgrid[:80, :80]
    weight = np.clip((28 - np.hypot(x - 40, y - 46)) / 3 + 0.5, 0, 1)[..., None]
    return (weight * (205, 150, 125) + (1 - weight) * color).round().astype(np.uint8)


class TestChromaKey:
    @pytest.mark.parametrize("color", [(0, 177, 64), (0, 255, 0), (30, 60, 200), (245, 245, 245)])
    def test_the_background_goes_and_the_figure_stays(self, color: tuple[int, int, int]) -> None:
        picture = figure_on(color)
        background = noise(80, 80)
        key = ChromaKey.from_picture(picture)
        result = key.replace(picture, background)
        np.testing.assert_array_equal(result[:12], background[:12])
        np.testing.assert_array_equal(result[40:52, 34:46], picture[40:52, 34:46])

    def test_the_edge_keeps_no_fringe_of_the_key(self) -> None:
        picture = figure_on((0, 255, 0))
        result = ChromaKey.from_picture(picture).replace(picture, np.zeros_like(picture))
        green = result[..., 1].astype(int) - result[..., 0]
        assert green.max() <= 40

    def test_the_weight_rises_from_background_to_figure(self) -> None:
        row = ChromaKey((0, 255, 0)).figure_weight(figure_on((0, 255, 0)))[46, :41]
        assert row[0] == 0
        assert row[-1] == 1
        assert (np.diff(row) >= -1e-6).all()

    def test_a_background_with_texture_is_refused(self) -> None:
        with pytest.raises(InputError, match="not plain enough"):
            ChromaKey.from_picture(noise(64, 64))

    def test_sizes_must_agree(self) -> None:
        with pytest.raises(InputError, match="differ in size"):
            ChromaKey((0, 255, 0)).replace(noise(8, 8), noise(8, 9))

    def test_distances_must_be_in_order(self) -> None:
        with pytest.raises(InputError, match="out of order"):
            ChromaKey((0, 0, 0), inner=5, outer=5)


class TestBackground:
    @pytest.mark.parametrize(
        ("text", "color"),
        [("#102030", (16, 32, 48)), ("ff0000", (255, 0, 0)), ("White", (255, 255, 255))],
    )
    def test_colours_are_understood(self, text: str, color: tuple[int, int, int]) -> None:
        assert parse_color(text) == color
        assert (make_background(text, 5, 4) == color).all()
        assert make_background(text, 5, 4).shape == (4, 5, 3)

    @pytest.mark.parametrize(("width", "height"), [(30, 30), (200, 50), (50, 200)])
    def test_a_picture_covers_the_size(self, tmp_path: Path, width: int, height: int) -> None:
        path = tmp_path / "b.png"
        cv2.imwrite(str(path), np.full((60, 90, 3), (30, 20, 10), np.uint8))
        background = make_background(str(path), width, height)
        assert background.shape == (height, width, 3)
        assert (background == (10, 20, 30)).all()

    def test_what_is_neither_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="neither a colour nor a file"):
            make_background("bluish", 4, 4)
        (tmp_path / "b.png").write_bytes(b"no picture")
        with pytest.raises(InputError, match="cannot be decoded"):
            make_background(str(tmp_path / "b.png"), 4, 4)
        with pytest.raises(InputError, match="cannot be read"):
            read_picture(tmp_path / "none.png")


class TestFrames:
    @given(value=st.floats(-1, 2))
    def test_values_are_rounded_and_clipped(self, value: float) -> None:
        frame = np.full((1, 3, 2, 2), value, np.float32)
        expected = int(np.clip(np.floor(np.float32(value) * np.float32(255) + 0.5), 0, 255))
        assert abs(int(rgb_pixels(frame, "NCHW")[0, 0, 0]) - expected) <= (value % 1 != 0)

    def test_every_8_bit_value_survives_the_round_trip(self) -> None:
        pixels = noise(16, 16)
        frame = np.moveaxis(pixels, -1, 0)[None].astype(np.float32) / 255
        np.testing.assert_array_equal(rgb_pixels(frame, "NCHW"), pixels)
        np.testing.assert_array_equal(rgb_pixels(np.moveaxis(frame, 1, -1), "NHWC"), pixels)
        np.testing.assert_array_equal(rgb_pixels(frame * 2 - 1, "NCHW", (-1.0, 1.0)), pixels)

    def test_8_bit_frames_are_taken_as_they_are(self) -> None:
        pixels = noise(4, 4)
        np.testing.assert_array_equal(rgb_pixels(pixels[None], "NHWC"), pixels)

    @pytest.mark.parametrize(
        ("shape", "layout"), [((1, 3, 4, 4), ""), ((1, 4, 4, 4), "NCHW"), ((3, 4, 4), "NCHW")]
    )
    def test_other_shapes_are_refused(self, shape: tuple[int, ...], layout: str) -> None:
        with pytest.raises(InputError):
            rgb_pixels(np.zeros(shape, np.float32), layout)
