"""A recording's sound: holes become silence, and nothing but media files is opened."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lp_pack.dataset.sound import read_sound
from lp_pack.errors import DatasetError

RATE = 48_000


def write(path: Path, pieces: list[tuple[float, float]]) -> Path:
    """Constant sound over these spans of seconds, as 16-bit PCM."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE)
        stream.layout = "mono"
        for start, end in pieces:
            block = np.full((1, round((end - start) * RATE)), 8192, np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, round(start * RATE)
            frame.time_base = Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_hole_becomes_silence_of_its_length(tmp_path: Path) -> None:
    sound = read_sound(write(tmp_path / "a.mkv", [(0, 0.5), (0.9, 1.4)]), 16_000)
    assert len(sound.samples) == pytest.approx(1.4 * 16_000, abs=40)
    assert np.abs(sound.samples[8200:14_200]).max() < 1e-3
    assert sound.samples[4000] == pytest.approx(0.25, abs=0.01)
    assert sound.samples[18_000] == pytest.approx(0.25, abs=0.01)
    assert sound.notices == ("no sound for 0.40 s from 0.50 s on: silence there",)


def test_unbroken_sound_has_no_notices(tmp_path: Path) -> None:
    sound = read_sound(write(tmp_path / "a.mkv", [(0, 0.5), (0.5, 1.0)]), 16_000)
    assert sound.notices == ()
    assert sound.end == pytest.approx(1.0, abs=0.002)


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.mkv", [(0, 0.5)])
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nsecret.mkv\n#EXT-X-ENDLIST\n")
    with pytest.raises(DatasetError, match=r"list\.m3u8"):
        read_sound(playlist, 16_000)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing\.mp4"):
        read_sound(tmp_path / "nothing.mp4", 16_000)
