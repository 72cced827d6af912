"""A recording's pictures on a grid of 25 a second, chosen by their timestamps.

Grid frame i stands for the time t0 + (i + 0.5) / 25, the middle of audio frame i, and gets the
picture that a player would show then. That handles every frame rate, variable ones included, and
any offset between sound and picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from lp_pack.dataset.sound import damaged, open_media
from lp_pack.errors import DatasetError

# Timestamps are rounded to the file's time base; half a millisecond is no difference.
TIME_TOLERANCE = 5e-4
MAX_SIDE = 8192


@dataclass(frozen=True)
class GridPicture:
    """The picture of one grid frame.

    index: which grid frame. time: the picture's own time in seconds of the file. age: for how long
    it had been shown at the grid frame's time; large where the camera or the file froze. damaged:
    the decoder found errors in it and covered them up.
    """

    index: int
    time: float
    age: float
    load: Callable[[], NDArray[np.uint8]]
    damaged: bool = False


def picture_start(path: Path) -> float:
    """Time of the first picture, in seconds of the file.

    Raises:
        DatasetError: there is no picture, or the file is damaged.
    """
    with open_media(path) as container:
        _check(container, path)
        try:
            for frame in container.decode(video=0):
                return _time(frame, path, 0)
        except av.error.FFmpegError as error:
            raise damaged(path, 0, error) from error
    raise damaged(path, 0, ValueError("no picture could be decoded"))


def grid_pictures(
    path: Path, start: float, frames: int, frame_rate: float
) -> Iterator[GridPicture]:
    """Grid frames 0, 1, ... in order, at most `frames`; ends early where the pictures end.

    `start` is the time of the grid's beginning in seconds of the file. `load` gives the picture as
    (height, width, 3) uint8 RGB, upright, and works until the next picture is taken.

    Raises:
        DatasetError: the file is damaged or has no usable picture.
    """
    with open_media(path) as container:
        _check(container, path)
        container.streams.video[0].thread_type = "AUTO"
        index = 0
        shown: av.VideoFrame | None = None
        shown_time, period = 0.0, 1 / frame_rate
        try:
            for frame in container.decode(video=0):
                time = _time(frame, path, index)
                if shown is not None and time <= shown_time:
                    continue
                while shown is not None and index < frames:
                    at = start + (index + 0.5) / frame_rate
                    if at >= time - TIME_TOLERANCE:
                        break
                    if at >= shown_time - TIME_TOLERANCE:
                        yield _picture(index, shown, shown_time, at)
                    index += 1
                if shown is not None:
                    period = time - shown_time
                shown, shown_time = frame, time
                if index >= frames:
                    return
        except av.error.FFmpegError as error:
            raise damaged(path, index, error) from error
        # The last picture is shown for as long as the one before it.
        while shown is not None and index < frames:
            at = start + (index + 0.5) / frame_rate
            if at >= shown_time + period + TIME_TOLERANCE:
                return
            if at >= shown_time - TIME_TOLERANCE:
                yield _picture(index, shown, shown_time, at)
            index += 1


def upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame as RGB (height, width, 3), turned as its display matrix says."""
    rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    # FFmpeg's rotation counts anticlockwise degrees that the picture is to be turned by.
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb


def _picture(index: int, frame: av.VideoFrame, time: float, at: float) -> GridPicture:
    age = max(0.0, at - time)
    return GridPicture(index, time, age, lambda: upright(frame), bool(frame.is_corrupt))


def _time(frame: av.VideoFrame, path: Path, index: int) -> float:
    if frame.time is None:
        raise DatasetError(
            "a picture has no timestamp",
            where=f"clip {path.name}, frame {index}",
            remedy="convert the file: ffmpeg -i FILE -c:v libx264 -c:a aac NEW.mp4",
        )
    return float(frame.time)


def _check(container: av.container.InputContainer, path: Path) -> None:
    if not container.streams.video:
        raise DatasetError(
            "the recording has no picture",
            where=f"clip {path.name}",
            expected="a video track",
            got=", ".join(stream.type for stream in container.streams) or "no streams",
        )
    size = container.streams.video[0].codec_context
    if max(size.width, size.height) > MAX_SIDE:
        raise DatasetError(
            "the picture is too large",
            where=f"clip {path.name}",
            expected=f"sides of at most {MAX_SIDE} pixels",
            got=f"{size.width} x {size.height}",
        )
