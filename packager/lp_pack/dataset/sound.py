"""A recording's sound as 16 kHz mono with its place in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from lp_pack.errors import DatasetError
from lp_runtime.audio import FORMATS

Array = NDArray[np.float32]
MAX_SECONDS = 4 * 3600.0
# A hole in the sound's timestamps longer than this is filled with silence.
SMALLEST_HOLE_SECONDS = 0.04


@dataclass(frozen=True)
class TimedSound:
    """Mono samples (n,) in [-1, 1]; the first one is heard at `start` seconds of the file."""

    samples: Array
    start: float
    sample_rate: int
    notices: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        """When it ends, in seconds of the file."""
        return self.start + len(self.samples) / self.sample_rate


@contextlib.contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a self-contained media file; playlists and addresses are refused.

    Raises:
        DatasetError: it cannot be read or is no media file.
    """
    with contextlib.ExitStack() as opened:
        try:
            # A file object, not a name: FFmpeg takes some names for addresses or playlists.
            stream = opened.enter_context(path.open("rb"))
            container = av.open(stream, "r", options={"format_whitelist": FORMATS})
        except av.error.FFmpegError as error:
            raise damaged(path, None, error) from error
        except OSError as error:
            raise DatasetError("the file cannot be read", where=path, got=error.strerror) from error
        yield opened.enter_context(container)


def damaged(path: Path, frame: int | None, error: Exception) -> DatasetError:
    """The error for a file that FFmpeg cannot decode any further."""
    return DatasetError(
        "the file is damaged or no media file",
        where=f"clip {path.name}" + ("" if frame is None else f", after frame {frame}"),
        expected="an intact video file, such as MP4, MOV, MKV or WebM",
        got=getattr(error, "strerror", None) or error,
        remedy="copy it again, or convert it: ffmpeg -i FILE -c:v libx264 -c:a aac NEW.mp4",
    )


def read_sound(path: Path, sample_rate: int) -> TimedSound:
    """Decode the first audio stream; holes in its timestamps become silence.

    Raises:
        DatasetError: there is no sound, or the file is damaged or too long.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            raise DatasetError(
                "the recording has no sound",
                where=f"clip {path.name}",
                expected="an audio track",
                got=", ".join(stream.type for stream in container.streams) or "no streams",
                remedy="record with sound; motion is learned from what is heard",
            )
        try:
            return _decode(container, sample_rate, path)
        except av.error.FFmpegError as error:
            raise damaged(path, None, error) from error


def _decode(container: av.container.InputContainer, sample_rate: int, path: Path) -> TimedSound:
    resampler = AudioResampler(format="fltp", rate=sample_rate)
    parts: list[Array] = []
    notices: list[str] = []
    start: float | None = None
    # Samples at the new rate that were handed in, whether or not they came out yet.
    expected = 0.0
    for frame in container.decode(audio=0):
        if start is None:
            start = frame.time or 0.0
        due = start + expected / sample_rate
        hole = 0.0 if frame.time is None else frame.time - due
        if hole > SMALLEST_HOLE_SECONDS:
            parts += [_mono(part) for part in resampler.resample(None)]
            resampler = AudioResampler(format="fltp", rate=sample_rate)
            parts.append(np.zeros(round(hole * sample_rate), np.float32))
            expected += hole * sample_rate
            notices.append(f"no sound for {hole:.2f} s from {due:.2f} s on: silence there")
        frame.pts = None
        parts += [_mono(part) for part in resampler.resample(frame)]
        expected += frame.samples * sample_rate / frame.sample_rate
        if expected > MAX_SECONDS * sample_rate:
            raise DatasetError(
                "the recording is too long",
                where=f"clip {path.name}",
                expected=f"{MAX_SECONDS / 3600:g} hours at most",
                remedy="cut it into parts",
            )
    parts += [_mono(part) for part in resampler.resample(None)]
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not len(samples):
        raise DatasetError("the recording's sound is empty", where=f"clip {path.name}")
    return TimedSound(np.clip(samples, -1, 1), start or 0.0, sample_rate, tuple(notices))


def _mono(frame: av.AudioFrame) -> Array:
    return frame.to_ndarray().mean(axis=0, dtype=np.float32)
