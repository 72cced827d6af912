"""One face is taken, a clearly largest one with a notice; otherwise the user is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lp_pack.errors import PortraitError
from lp_pack.portrait.crop_spec import BoxCrop, parse_crop
from lp_pack.portrait.face_detection import Box, DetectedFace
from lp_pack.portrait.face_geometry import FaceFrame, crop_square
from lp_pack.portrait.face_selection import MOST_LISTED, choose_face

WHERE = Path("group.jpg")


def face(x: float, size: float) -> DetectedFace:
    return DetectedFace(Box(x, 50, size), None, None, None, 0.0, 40)


def test_a_single_face_is_taken_silently():
    chosen = choose_face([face(0, 100)], WHERE)
    assert chosen.face == face(0, 100)
    assert chosen.notices == ()


def test_a_clearly_largest_face_is_taken_with_a_notice():
    chosen = choose_face([face(0, 150), face(300, 100)], WHERE)
    assert chosen.face == face(0, 150)
    assert "2 faces" in chosen.notices[0]


def test_no_face_is_an_error_that_names_every_way_out():
    with pytest.raises(PortraitError, match="no face found") as caught:
        choose_face([], WHERE)
    assert caught.value.where == WHERE
    for way_out in ("X,Y,SIZE", "landmarks.json", "none"):
        assert way_out in str(caught.value.remedy)


def test_several_faces_are_listed_with_crops_that_choose_them():
    faces = [face(0, 149), face(300, 100)]
    with pytest.raises(PortraitError, match="several faces") as caught:
        choose_face(faces, WHERE)
    values = re.findall(r"--crop (-?\d+,-?\d+,\d+)", str(caught.value.got))
    assert len(values) == 2
    for value, listed in zip(values, faces, strict=True):
        spec = parse_crop(value)
        assert isinstance(spec, BoxCrop)
        wanted = crop_square(FaceFrame.from_detection(listed))
        assert spec.square().centre == pytest.approx(wanted.centre, abs=1)
        assert spec.size == pytest.approx(wanted.side, abs=1)


def test_a_crowd_is_not_listed_in_full():
    crowd = [face(200 * i, 100) for i in range(MOST_LISTED + 5)]
    with pytest.raises(PortraitError) as caught:
        choose_face(crowd, WHERE)
    assert str(caught.value.got).count("--crop") == MOST_LISTED
    assert "and 5 smaller ones" in str(caught.value.got)
