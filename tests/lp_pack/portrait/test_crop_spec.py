"""The --crop option: four forms, everything else refused with the reason."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_pack.errors import PortraitError
from lp_pack.portrait.crop_spec import (
    MAX_LANDMARKS_BYTES,
    AutoCrop,
    BoxCrop,
    LandmarkCrop,
    WholePicture,
    parse_crop,
)

FIVE = [[30, 30], [70, 30], [50, 60], [35, 100], [65, 100]]


def landmarks_file(folder: Path, content: object) -> str:
    path = folder / "face.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def refusal(text: str) -> PortraitError:
    with pytest.raises(PortraitError) as caught:
        parse_crop(text)
    assert caught.value.where
    assert caught.value.remedy
    return caught.value


def test_auto_and_none_are_words():
    assert parse_crop("auto") == AutoCrop()
    assert parse_crop(" none ") == WholePicture()


@given(x=st.integers(-999, 9999), y=st.integers(-999, 9999), size=st.integers(96, 9999))
def test_a_box_is_read_as_left_top_and_side(x: int, y: int, size: int):
    spec = parse_crop(f"{x}, {y},{size}")
    assert spec == BoxCrop(x, y, size)
    assert parse_crop(spec.describe()) == spec


def test_the_first_pixel_of_a_box_is_its_corner():
    matrix = BoxCrop(100, 200, 512).square().frame_to_portrait(512)
    assert matrix == pytest.approx(np.array([[1, 0, 100], [0, 1, 200]]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "middle",
        "1,2",
        "1,2,3,4",
        "a,b,c",
        "0,0,nan",
        "inf,0,200",
        "0,0,1e9",
        "0,0,95",
        "0,0,-9",
    ],
)
def test_anything_else_is_refused(text: str):
    assert refusal(text).where == "--crop"


@given(st.text(max_size=40))
def test_no_text_makes_the_parser_crash(text: str):
    with contextlib.suppress(PortraitError):
        assert parse_crop(text).describe()


@pytest.mark.parametrize("count", [5, 68, 106, 203])
def test_landmarks_are_read_from_a_file(tmp_path: Path, count: int):
    points = np.random.default_rng(0).uniform(0, 100, (count, 2))
    if count == 5:
        points = np.array(FIVE, dtype=float)
    elif count == 68:
        points[36:42], points[42:48], points[48:] = (30, 30), (70, 30), (50, 100)
    spec = parse_crop(landmarks_file(tmp_path, {"landmarks": points.tolist()}))
    assert isinstance(spec, LandmarkCrop)
    np.testing.assert_array_equal(spec.points, points)
    assert str(tmp_path) not in spec.describe()


def test_equal_landmarks_are_described_alike_whatever_the_file(tmp_path: Path):
    first = parse_crop(landmarks_file(tmp_path, {"landmarks": FIVE}))
    (tmp_path / "other").mkdir()
    second = parse_crop(landmarks_file(tmp_path / "other", {"landmarks": FIVE}))
    assert first == second
    assert first.describe() == second.describe()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "truncated"),
        ("{", "truncated"),
        ("[[1, 2]]", "object"),
        ({}, "landmarks"),
        ({"landmarks": FIVE, "version": 1}, "version"),
        ({"landmarks": FIVE[:4]}, "4 points"),
        ({"landmarks": [*FIVE[:4], [1]]}, r"landmarks\[4\]|length"),
        ({"landmarks": [*FIVE[:4], [1, "2"]]}, r"landmarks\[4\]"),
        ({"landmarks": [*FIVE[:4], [1, True]]}, r"landmarks\[4\]"),
        ({"landmarks": [*FIVE[:4], [1, None]]}, r"landmarks\[4\]"),
        ('{"landmarks": [[NaN, 1], [2, 2], [3, 3], [4, 4], [5, 5]]}', "invalid"),
        ({"landmarks": [*FIVE[:4], [1, 1e7]]}, "coordinate beyond"),
        ({"landmarks": [[5, 5]] * 5}, "coincide"),
        ({"landmarks": [[y, x] for x, y in FIVE]}, "mirrored"),
        ({"landmarks": [FIVE[1], FIVE[0], *FIVE[2:]]}, "mirrored"),
        ("[" * 100_000, "."),
        ('{"landmarks": ' + "[" * 100_000, "."),
        (" " * (MAX_LANDMARKS_BYTES + 1), "more than"),
    ],
)
def test_a_wrong_landmarks_file_is_refused_with_the_reason(
    tmp_path: Path, content: object, reason: str
):
    path = landmarks_file(tmp_path, content)
    error = refusal(path)
    assert str(error.where) == path
    with pytest.raises(PortraitError, match="landmarks file cannot be used"):
        parse_crop(path)
    assert re.search(reason, str(error.got))


def test_a_missing_landmarks_file_is_named():
    assert refusal("no/such/face.json").got == "no such file"
