"""Writing videos: what a player finds in the file, and that nothing half-written stays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lp_runtime import InputError, LpRuntimeError
from lp_runtime.audio import read_audio
from lp_runtime.video import Sound, VideoWriter


def frames(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Plain frames whose colour says which one it is."""
    return [
        np.full((height, width, 3), (250 - 20 * i, 40 + 10 * i, 20 * i), np.uint8)
        for i in range(count)
    ]


def write(
    path: Path, pictures: list[np.ndarray], rate: float | Fraction, **options: object
) -> None:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, width, height, rate, **options) as writer:
        for picture in pictures:
            writer.write(picture)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_every_frame_is_in_the_file_in_its_colour(tmp_path: Path) -> None:
    pictures = frames(10)
    write(tmp_path / "v.mp4", pictures, 25)
    back = decoded(tmp_path / "v.mp4")
    assert len(back) == 10
    for picture, seen in zip(pictures, back, strict=True):
        assert np.abs(seen.astype(int) - picture).max() <= 4


def test_the_format_is_what_every_player_knows(tmp_path: Path) -> None:
    write(tmp_path / "v.mp4", frames(3), 25, sound=Sound(np.zeros(16_000, np.float32), 16_000))
    with av.open(str(tmp_path / "v.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert audio.codec_context.name == "aac"
        assert "mp4" in container.format.name


@pytest.mark.parametrize(
    "rate", [Fraction(20), Fraction(25), 29.97002997, Fraction(30000, 1001), 12.5, 40]
)
def test_the_frame_rate_is_exact(tmp_path: Path, rate: float | Fraction) -> None:
    write(tmp_path / "v.mp4", frames(9), rate)
    with av.open(str(tmp_path / "v.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(float(rate), rel=1e-6)
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(9) / float(rate), atol=1e-3)


def test_the_sound_is_there_and_in_time(tmp_path: Path) -> None:
    samples = np.zeros(16_000, np.float32)
    samples[8000:8400] = 0.8 * np.sin(np.arange(400) * 0.6)
    write(tmp_path / "v.mp4", frames(12) + frames(13), 25, sound=Sound(samples, 16_000))
    read = read_audio(tmp_path / "v.mp4", 16_000)
    heard = np.flatnonzero(np.abs(read) > 0.3)
    # AAC's own delay of 1024 samples is cut off by the player; tolerate it either way.
    assert 7_900 <= heard[0] <= 8_000 + 1_100


def test_sides_of_odd_length_lose_one_pixel(tmp_path: Path) -> None:
    write(tmp_path / "v.mp4", frames(2, width=65, height=47), 25)
    assert decoded(tmp_path / "v.mp4")[0].shape == (46, 64, 3)


def test_an_existing_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"old")
    with VideoWriter(path, 64, 48, 25) as writer:
        for picture in frames(3):
            writer.write(picture)
        assert path.read_bytes() == b"old"
    assert len(decoded(path)) == 3


class TestFailure:
    def test_an_error_inside_leaves_nothing(self, tmp_path: Path) -> None:
        def interrupted() -> None:
            with VideoWriter(tmp_path / "v.mp4", 64, 48, 25) as writer:
                writer.write(frames(1)[0])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert list(tmp_path.iterdir()) == []

    def test_no_frames_leave_nothing(self, tmp_path: Path) -> None:
        with (
            pytest.raises(InputError, match="nothing to write"),
            VideoWriter(tmp_path / "v.mp4", 64, 48, 25),
        ):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"folder does not exist(.|\n)*nowhere"):
            VideoWriter(tmp_path / "nowhere" / "v.mp4", 64, 48, 25)

    def test_a_folder_in_the_way_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "v.mp4").mkdir()
        with pytest.raises(LpRuntimeError, match="cannot be written"):
            write(tmp_path / "v.mp4", frames(2), 25)
        assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]

    @pytest.mark.parametrize(("width", "height"), [(0, 48), (64, 8), (10_000, 48)])
    def test_sizes_out_of_range_are_refused(self, tmp_path: Path, width: int, height: int) -> None:
        with pytest.raises(InputError, match="size is out of range"):
            VideoWriter(tmp_path / "v.mp4", width, height, 25)

    @pytest.mark.parametrize("rate", [0, -25, 5000])
    def test_rates_out_of_range_are_refused(self, tmp_path: Path, rate: float) -> None:
        with pytest.raises(InputError, match="frame rate is out of range"):
            VideoWriter(tmp_path / "v.mp4", 64, 48, rate)

    def test_a_frame_of_another_size_or_type_is_refused(self, tmp_path: Path) -> None:
        for bad in (np.zeros((48, 65, 3), np.uint8), np.zeros((48, 64, 3), np.float32)):
            with (
                pytest.raises(InputError, match="does not fit the video"),
                VideoWriter(tmp_path / "v.mp4", 64, 48, 25) as writer,
            ):
                writer.write(bad)
