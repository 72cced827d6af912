"""What the decoder covered up is no label: damaged pictures are left out, and named."""

from __future__ import annotations

import pytest
from recordings import face_picture

from lp_pack.dataset.face_track import track_face
from lp_pack.dataset.picture_stream import GridPicture
from lp_pack.errors import DatasetError


def pictures(damaged: set[int], count: int = 25) -> list[GridPicture]:
    face = face_picture()
    return [GridPicture(n, n / 25, 0.0, lambda: face, n in damaged) for n in range(count)]


def test_damaged_pictures_are_left_out_with_a_notice() -> None:
    track = track_face("a.mp4", pictures({7, 8, 9, 10}), 25.0)
    assert track.valid.tolist() == [n not in {7, 8, 9, 10} for n in range(25)]
    assert "clip a.mp4, frames 7 to 10: the picture is damaged; these frames are left out" in (
        track.notices
    )


def test_nothing_but_damage_is_refused_with_clip_and_frame() -> None:
    with pytest.raises(DatasetError, match="damaged") as caught:
        track_face("a.mp4", pictures(set(range(25))), 25.0)
    assert "clip a.mp4, frame 0" in str(caught.value)
