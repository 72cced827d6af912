"""Pictures on the grid: each grid frame shows what a player would show in its middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recordings import Recording, marked, steady

from lp_pack.dataset.picture_stream import grid_pictures, picture_start
from lp_pack.dataset.sound import read_sound
from lp_pack.errors import DatasetError


def shown(path: Path, start: float = 0.0, frames: int = 1000) -> list[tuple[int, int]]:
    """(grid frame, number of the picture) as `marked` numbers them."""
    found = []
    for picture in grid_pictures(path, start, frames, 25):
        found.append((picture.index, round((float(picture.load().mean()) - 40) / 4)))
    return found


def write(tmp_path: Path, times: list[int]) -> Path:
    pictures = [marked(number) for number in range(len(times))]
    return Recording(pictures, times, sound=None).write(tmp_path / "v.mkv")


def test_25_a_second_stay_as_they_are(tmp_path: Path) -> None:
    assert shown(write(tmp_path, steady(10))) == [(n, n) for n in range(10)]


def test_50_a_second_lose_every_other_picture(tmp_path: Path) -> None:
    assert shown(write(tmp_path, steady(20, 50.0))) == [(n, 2 * n + 1) for n in range(10)]


def test_fewer_than_25_a_second_repeat_pictures(tmp_path: Path) -> None:
    numbers = [number for _, number in shown(write(tmp_path, steady(10, 12.5)))]
    assert numbers == [n // 2 for n in range(20)]


def test_a_variable_frame_rate_follows_the_timestamps(tmp_path: Path) -> None:
    times = [0, 15, 100, 110, 260, 300]
    expected = []
    for index in range(8):
        middle = (index + 0.5) * 40
        expected.append((index, max(n for n, time in enumerate(times) if time <= middle)))
    assert shown(write(tmp_path, times))[:8] == expected


def test_a_later_start_moves_the_grid(tmp_path: Path) -> None:
    assert shown(write(tmp_path, steady(10)), start=0.2)[0] == (0, 5)


def test_only_as_many_as_asked_for(tmp_path: Path) -> None:
    assert len(shown(write(tmp_path, steady(10)), frames=4)) == 4


def test_a_frozen_picture_grows_old(tmp_path: Path) -> None:
    path = write(tmp_path, [0, 40, 1000, 1040])
    ages = [picture.age for picture in grid_pictures(path, 0.0, 26, 25)]
    assert ages[24] == pytest.approx(0.94, abs=0.002)
    assert ages[25] == pytest.approx(0.02, abs=0.002)


def test_sound_keeps_its_place_in_time(tmp_path: Path) -> None:
    pictures = [marked(0)] * 25
    recording = Recording(pictures, steady(25), sound=(300, 1000))
    path = recording.write(tmp_path / "v.mkv")
    sound = read_sound(path, 16_000)
    assert sound.start - picture_start(path) == pytest.approx(0.3, abs=0.002)
    assert sound.end == pytest.approx(1.0, abs=0.01)
    assert np.abs(sound.samples).max() == pytest.approx(9000 / 32768, rel=0.05)


def test_a_file_without_a_picture_is_refused(tmp_path: Path) -> None:
    from lp_pack.speech.wave_file import write_wave

    write_wave(tmp_path / "s.wav", np.zeros(1600, np.float32), 16_000)
    with pytest.raises(DatasetError, match=r"no picture[\s\S]*s\.wav"):
        picture_start(tmp_path / "s.wav")


def test_a_phones_sideways_picture_is_turned_upright(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = 255
    path = Recording([picture] * 3, steady(3), sound=None).write(tmp_path / "v.mp4")
    content = path.read_bytes()

    def matrix(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)

    one, last = 1 << 16, 1 << 30
    identity = matrix(one, 0, 0, 0, one, 0, 0, 0, last)
    # Display turned clockwise by 90 degrees, as phones write it: x' = height - y, y' = x.
    clockwise = matrix(0, one, 0, -one, 0, 0, 48 * one, 0, last)
    track = content.find(identity, content.find(b"tkhd"))
    path.write_bytes(content[:track] + clockwise + content[track + len(identity) :])
    shown = next(grid_pictures(path, 0.0, 1, 25)).load()
    assert shown.shape == (64, 48, 3)
    # What was on the left is on top.
    assert shown[:28].mean() > 240
    assert shown[36:].mean() < 15
