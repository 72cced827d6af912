"""Stored pixel formats become 8-bit sRGB with their scale and their alpha."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lp_pack.portrait.pixel_conversion import UnsupportedPixelsError, composite, to_pixels


def reopened(image: Image.Image, file_format: str, **options) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return Image.open(io.BytesIO(stream.getvalue()))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_rounded(file_format: str):
    samples = np.array([[0, 128, 129, 32768], [65535, 65406, 65407, 257]], dtype=np.uint16)
    pixels = to_pixels(reopened(Image.fromarray(samples), file_format))
    expected = np.rint(samples / 257.0)
    for channel in range(3):
        np.testing.assert_array_equal(pixels.rgb[..., channel], expected)


def test_twelve_bit_samples_in_sixteen_bit_storage_fill_the_range():
    image = Image.fromarray(np.array([[0, 4095]], dtype=np.uint16))
    image.tag_v2 = {258: (12,)}
    assert to_pixels(image).rgb[0, :, 0].tolist() == [0, 255]


def test_floating_point_pixels_are_refused():
    with pytest.raises(UnsupportedPixelsError, match="floating-point"):
        to_pixels(Image.fromarray(np.zeros((2, 2), dtype=np.float32)))


@pytest.mark.parametrize("value", [-1, 65536])
def test_integers_beyond_sixteen_bits_are_refused(value: int):
    with pytest.raises(UnsupportedPixelsError, match="beyond"):
        to_pixels(Image.fromarray(np.full((2, 2), value, dtype=np.int32)))


def test_grey_becomes_three_equal_channels():
    pixels = to_pixels(Image.fromarray(np.array([[0, 77, 255]], dtype=np.uint8)))
    assert pixels.rgb.tolist() == [[[0, 0, 0], [77, 77, 77], [255, 255, 255]]]


def test_one_bit_pixels_become_black_and_white():
    pixels = to_pixels(Image.fromarray(np.array([[True, False]])))
    assert pixels.rgb.tolist() == [[[255, 255, 255], [0, 0, 0]]]


def test_a_transparent_palette_entry_becomes_alpha():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    pixels = to_pixels(reopened(image, "PNG", transparency=1))
    assert pixels.alpha is not None
    assert pixels.alpha.tolist() == [[255, 0]]
    assert pixels.rgb.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_transparent_colour_key_becomes_alpha():
    image = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8))
    pixels = to_pixels(reopened(image, "PNG", transparency=(4, 5, 6)))
    assert pixels.alpha is not None
    assert pixels.alpha.tolist() == [[255, 0]]


def test_cmyk_without_a_profile_is_converted_and_said():
    inks = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 0]]], dtype=np.uint8)
    pixels = to_pixels(Image.fromarray(inks, mode="CMYK"))
    assert pixels.rgb.tolist() == [[[255, 255, 255], [0, 0, 0], [0, 255, 255]]]
    assert "CMYK" in pixels.notices[0]


def test_cmyk_jpeg_keeps_white_white():
    # Adobe stores inverted inks; reading them plainly would give a negative.
    image = reopened(Image.new("CMYK", (16, 16)), "JPEG")
    assert to_pixels(image).rgb.min() >= 250


def test_an_unusable_profile_is_ignored_and_said():
    image = Image.new("RGB", (4, 4), (10, 200, 30))
    image.info["icc_profile"] = b"this is no profile"
    pixels = to_pixels(image)
    assert pixels.rgb[0, 0].tolist() == [10, 200, 30]
    assert "ICC" in pixels.notices[0]


def test_an_srgb_profile_changes_no_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(picture)
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(to_pixels(image).rgb, picture)


def test_lab_is_converted_through_its_colour_space():
    lab = ImageCms.applyTransform(
        Image.new("RGB", (4, 4), (200, 60, 90)),
        ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        ),
    )
    found = to_pixels(lab).rgb[0, 0].astype(int)
    assert np.abs(found - [200, 60, 90]).max() <= 3


def test_a_profile_with_other_primaries_changes_the_pixels():
    image = Image.new("RGB", (4, 4), (200, 60, 90))
    image.info["icc_profile"] = swapped_primaries_profile()
    assert np.abs(to_pixels(image).rgb[0, 0].astype(int) - [200, 60, 90]).max() > 20


def swapped_primaries_profile() -> bytes:
    """An sRGB profile whose red and green primaries changed places, and with another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * profile[131], 12)}
    red, green = table[b"rXYZ"], table[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "oRGB".encode("utf-16-be"))


@given(value=st.integers(0, 255), alpha=st.integers(0, 255))
def test_compositing_lies_between_the_colour_and_white(value: int, alpha: int):
    rgb = np.full((1, 1, 3), value, dtype=np.uint8)
    found = composite(rgb, np.full((1, 1), alpha, dtype=np.uint8))[0, 0, 0]
    exact = (value * alpha + 255 * (255 - alpha)) / 255
    assert abs(float(found) - exact) <= 0.5
