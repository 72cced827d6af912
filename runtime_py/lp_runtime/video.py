"""Writes frames and sound into an MP4 file: H.264 in yuv420p, AAC."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from lp_runtime.errors import InputError, LpRuntimeError

# BT.709, the colour space that players assume for H.264.
BT709 = 1
DEFAULT_QUALITY = 18  # x264's constant rate factor: 0 is lossless, 23 its default
AUDIO_BLOCK = 1024
MIN_SIZE, MAX_SIZE = 16, 8192
MAX_DENOMINATOR = 1_001_000


@dataclass(frozen=True)
class Sound:
    """Mono float32 samples (n,) in [-1, 1] and their rate in Hz."""

    samples: np.ndarray
    sample_rate: int


class VideoWriter:
    """Writes an MP4 file; use it in a `with` statement.

    The file appears under its name only when the block ends without an error; until then it is a
    hidden sibling, which is removed when something goes wrong.

    Sides of odd length lose their last row or column, as yuv420p stores colour for 2x2 pixels.
    Sound longer than the frames is written whole.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        frame_rate: float | Fraction,
        sound: Sound | None = None,
        quality: int = DEFAULT_QUALITY,
    ) -> None:
        """Raise InputError when size or rate is out of range or the folder does not exist."""
        self._path = Path(path)
        self._rate = Fraction(frame_rate).limit_denominator(MAX_DENOMINATOR)
        self._size = (height, width)
        self._sound = sound
        self._quality = quality
        self._frames = 0
        self._samples = 0
        if not (min(width, height) >= MIN_SIZE and max(width, height) <= MAX_SIZE):
            raise InputError(
                "The video's size is out of range.",
                where=self._path,
                expected=f"sides of {MIN_SIZE} to {MAX_SIZE} pixels",
                got=f"{width} x {height}",
            )
        if not 0 < self._rate <= 1000:
            raise InputError(
                "The frame rate is out of range.",
                where=self._path,
                expected="0 to 1000 frames a second",
                got=frame_rate,
            )
        if not self._path.parent.is_dir():
            raise InputError(
                "The video's folder does not exist.", where=self._path.parent, remedy="create it"
            )
        self._partial = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")

    def __enter__(self) -> Self:
        try:
            self._container = av.open(
                str(self._partial), "w", format="mp4", options={"movflags": "+faststart"}
            )
            self._video = self._video_stream()
            self._audio = self._audio_stream() if self._sound is not None else None
        except (av.error.FFmpegError, OSError) as error:
            self._discard()
            raise _write_error(self._path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
            self._discard()
            return
        try:
            if self._frames == 0:
                raise InputError(
                    "There is nothing to write.", where=self._path, expected="1 frame or more"
                )
            if self._sound is not None:
                self._write_sound(len(self._sound.samples))
            for stream in (self._video, self._audio):
                if stream is not None:
                    self._container.mux(stream.encode(None))
            self._container.close()
            os.replace(self._partial, self._path)
        except (av.error.FFmpegError, OSError) as failure:
            raise _write_error(self._path, failure) from failure
        finally:
            self._discard()

    def write(self, pixels: np.ndarray) -> None:
        """Append one frame: (height, width, 3) uint8 RGB.

        Raises InputError when the array is something else, LpRuntimeError when the file cannot be
        written.
        """
        if pixels.shape != (*self._size, 3) or pixels.dtype != np.uint8:
            raise InputError(
                "A frame does not fit the video.",
                where=self._path,
                expected=f"uint8 {[*self._size, 3]}",
                got=f"{pixels.dtype} {list(pixels.shape)}",
            )
        even = pixels[: self._video.height, : self._video.width]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
        frame = frame.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts = self._frames
        frame.time_base = 1 / self._rate
        try:
            self._container.mux(self._video.encode(frame))
            self._frames += 1
            if self._sound is not None:
                self._write_sound(int(self._frames / self._rate * self._sound.sample_rate))
        except (av.error.FFmpegError, OSError) as error:
            raise _write_error(self._path, error) from error

    def _video_stream(self) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=self._rate)
        height, width = self._size
        stream.width, stream.height = width - width % 2, height - height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = 1 / self._rate
        stream.codec_context.color_primaries = BT709
        stream.codec_context.color_trc = BT709
        stream.codec_context.colorspace = BT709
        stream.codec_context.color_range = 1
        stream.options = {"crf": str(self._quality), "preset": "veryfast"}
        return stream

    def _audio_stream(self) -> av.AudioStream:
        assert self._sound is not None
        stream = self._container.add_stream("aac", rate=self._sound.sample_rate, layout="mono")
        stream.bit_rate = 96_000
        return stream

    def _write_sound(self, until: int) -> None:
        """Encode whole blocks that begin before the sample `until`, so that streams interleave."""
        assert self._sound is not None
        assert self._audio is not None
        samples = self._sound.samples
        while self._samples < min(until, len(samples)):
            block = samples[self._samples : self._samples + AUDIO_BLOCK]
            planes = np.ascontiguousarray(block, np.float32)[None]
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="mono")
            frame.sample_rate = self._sound.sample_rate
            frame.pts = self._samples
            frame.time_base = Fraction(1, self._sound.sample_rate)
            self._container.mux(self._audio.encode(frame))
            self._samples += len(block)

    def _discard(self) -> None:
        self._partial.unlink(missing_ok=True)


def _write_error(path: Path, error: Exception) -> LpRuntimeError:
    return LpRuntimeError(
        "The video cannot be written.",
        where=path,
        got=getattr(error, "strerror", None) or error,
        remedy="check the free space and the right to write in this folder",
    )
