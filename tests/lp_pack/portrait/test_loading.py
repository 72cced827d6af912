"""Loading a portrait: what is read, what is converted, what is refused and how it is said."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lp_pack.errors import PortraitError
from lp_pack.portrait import loading
from lp_pack.portrait.loading import load_portrait

SIDE = 128


def colours(height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A picture in which every corner differs."""
    y, x = np.mgrid[0:height, 0:width]
    channels = (x * 255 // (width - 1), y * 255 // (height - 1), 255 - x * 255 // (width - 1))
    return np.stack(channels, axis=-1).astype(np.uint8)


def png_bytes(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims dimensions and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def refusal(path: Path) -> PortraitError:
    """The error for `path`, checked to answer every question."""
    with pytest.raises(PortraitError) as caught:
        load_portrait(path)
    error = caught.value
    assert error.where == path
    for answer in (error.expected, error.got, error.remedy):
        assert answer
    return error


def test_a_plain_png_is_returned_unchanged_with_its_provenance(save):
    path = save(colours())
    portrait = load_portrait(path)
    np.testing.assert_array_equal(portrait.rgb, colours())
    assert portrait.alpha is None
    assert portrait.notices == ()
    assert portrait.provenance.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert portrait.provenance.bytes == path.stat().st_size
    assert (portrait.provenance.format, portrait.provenance.mode) == ("PNG", "RGB")
    assert portrait.provenance.stored_size == portrait.provenance.size == (SIDE, SIDE)


@pytest.mark.parametrize("name", ["p.jpg", "p.webp", "p.tiff", "p.bmp", "p.ppm", "p.gif"])
def test_common_formats_are_read(save, name: str):
    portrait = load_portrait(save(colours(), name))
    assert portrait.rgb.shape == (SIDE, SIDE, 3)
    assert portrait.rgb.dtype == np.uint8
    assert np.abs(portrait.rgb.astype(int) - colours()).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.tiff"])
def test_exif_rotation_is_undone(save, orientation: int, name: str):
    upright = Image.fromarray(colours(SIDE, SIDE + 32))
    # How a camera stores an upright scene under each orientation: the inverse transposition.
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[loading.EXIF_ORIENTATION] = orientation
    image = upright if stored is None else upright.transpose(stored)
    options = {"quality": 95} if name == "p.jpg" else {}
    portrait = load_portrait(save(image, name, exif=exif, **options))
    assert portrait.provenance.size == upright.size
    assert np.abs(portrait.rgb.astype(int) - np.asarray(upright)).mean() < 4


def test_an_unreadable_exif_block_counts_as_none(save):
    path = save(colours(), "p.jpg", exif=b"Exif\x00\x00garbage that is no TIFF header")
    assert load_portrait(path).provenance.size == (SIDE, SIDE)


def test_alpha_is_composited_over_white_and_kept(save):
    rgba = np.dstack([np.full((SIDE, SIDE, 3), 100, np.uint8), np.zeros((SIDE, SIDE), np.uint8)])
    rgba[:, 64:, 3] = 255
    rgba[:, 32:64, 3] = 128
    portrait = load_portrait(save(rgba))
    np.testing.assert_array_equal(portrait.alpha, rgba[..., 3])
    assert portrait.rgb[0, 0].tolist() == [255, 255, 255]
    assert portrait.rgb[0, 127].tolist() == [100, 100, 100]
    assert portrait.rgb[0, 40].tolist() == [177, 177, 177]
    assert any("transparent" in notice and "white" in notice for notice in portrait.notices)


def test_an_opaque_alpha_counts_as_none(save):
    rgba = np.dstack([colours(), np.full((SIDE, SIDE), 255, np.uint8)])
    portrait = load_portrait(save(rgba))
    assert portrait.alpha is None
    assert portrait.notices == ()
    np.testing.assert_array_equal(portrait.rgb, colours())


def test_the_first_frame_of_an_animation_is_used_and_said(save):
    frames = [Image.fromarray(np.full((SIDE, SIDE), grey, np.uint8)) for grey in (40, 200)]
    path = save(frames[0], "p.gif", save_all=True, append_images=frames[1:])
    portrait = load_portrait(path)
    assert portrait.rgb[0, 0].tolist() == [40, 40, 40]
    assert "first one" in portrait.notices[0]


def test_the_preview_in_a_phone_picture_is_no_animation(save):
    main, preview = Image.fromarray(colours()), Image.fromarray(colours(32, 32))
    path = save(main, "p.jpg", format="MPO", save_all=True, append_images=[preview])
    assert load_portrait(path).notices == ()


def test_a_missing_file_is_named(tmp_path: Path):
    assert "No such file" in str(refusal(tmp_path / "absent.png").got)


def test_a_folder_is_named(tmp_path: Path):
    assert refusal(tmp_path).got == "a folder"


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    assert refusal(tmp_path / "pipe.png").got == "a special file"


def test_a_path_that_cannot_exist_is_refused():
    with pytest.raises(PortraitError):
        load_portrait("a\0b.png")


def test_an_empty_file_is_named(tmp_path: Path):
    (tmp_path / "p.png").touch()
    assert "empty" in refusal(tmp_path / "p.png").what


def test_a_file_that_is_no_picture_is_named(tmp_path: Path):
    (tmp_path / "p.png").write_text("#!/bin/sh\necho not a picture\n")
    assert "no picture" in refusal(tmp_path / "p.png").what


@pytest.mark.parametrize(
    "head", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"%PDF-1.4\n", b"<svg/>"]
)
def test_documents_are_not_handed_to_an_interpreter(tmp_path: Path, head: bytes):
    (tmp_path / "p.eps").write_bytes(head + b"showpage\n" * 100)
    assert "no picture" in refusal(tmp_path / "p.eps").what


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.webp", "p.tiff", "p.gif"])
def test_a_truncated_file_is_refused(save, name: str):
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    path = save(noise, name)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    error = refusal(path)
    assert "damaged" in error.what or "no picture" in error.what


def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path):
    (tmp_path / "p.png").write_bytes(png_header(60_000, 60_000))
    assert "too many pixels" in refusal(tmp_path / "p.png").what


def test_a_picture_just_over_the_pixel_bound_is_refused(tmp_path: Path):
    (tmp_path / "p.png").write_bytes(png_header(8_000, 10_001))
    assert refusal(tmp_path / "p.png").got == "8000 x 10001 pixels"


def test_a_file_over_the_size_bound_is_refused(save, monkeypatch: pytest.MonkeyPatch):
    path = save(colours())
    monkeypatch.setattr(loading, "MAX_FILE_BYTES", path.stat().st_size - 1)
    assert "too large" in refusal(path).what


def test_a_picture_that_is_too_small_is_refused(save):
    error = refusal(save(colours(95, 400)))
    assert "too small" in error.what
    assert error.got == "400 x 95 pixels"


def test_an_elongated_picture_is_refused(save):
    assert "elongated" in refusal(save(colours(100, 1001))).what
    assert load_portrait(save(colours(100, 1000))).rgb.shape == (100, 1000, 3)


def test_sixteen_bit_colour_keeps_its_scale(tmp_path: Path):
    deep = np.arange(SIDE * SIDE * 3, dtype=np.uint16).reshape(SIDE, SIDE, 3)
    for name in ("p.png", "p.tiff"):
        # OpenCV writes blue first.
        cv2.imwrite(str(tmp_path / name), deep[..., ::-1])
        rgb = load_portrait(tmp_path / name).rgb
        assert np.abs(rgb - deep / 257.0).max() < 1.0


PNG = png_bytes(colours(100, 100))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(PNG) - 1), st.integers(0, 255)), min_size=1, max_size=8
    ),
    cut=st.integers(0, len(PNG)),
)
def test_a_damaged_picture_is_loaded_or_refused_and_never_a_crash(tmp_path, changes, cut):
    data = bytearray(PNG)
    for position, value in changes:
        data[position] = value
    path = tmp_path / "p.png"
    path.write_bytes(data[: len(PNG) - cut // 4])
    with contextlib.suppress(PortraitError):
        portrait = load_portrait(path)
        assert portrait.rgb.dtype == np.uint8
        assert portrait.rgb.shape[2] == 3
