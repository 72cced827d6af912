"""Small videos of a face (scikit-image's astronaut) with sound, and everything that goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import skimage.data

TIME_BASE = Fraction(1, 1000)
SIZE = 240
TONE_RATE = 44_100


def face_picture(shift: int = 0) -> np.ndarray:
    """(240, 240, 3) uint8 RGB with one face, moved right by `shift` pixels."""
    portrait = skimage.data.astronaut()[0:300, 70:370]
    picture = cv2.resize(portrait, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.roll(picture, shift, axis=1)


def empty_picture() -> np.ndarray:
    """The same size without a face."""
    return np.full((SIZE, SIZE, 3), 90, np.uint8)


def two_faces() -> np.ndarray:
    """Two equal faces side by side, (240, 480, 3)."""
    return np.concatenate([face_picture(), face_picture()], axis=1)


def marked(number: int) -> np.ndarray:
    """A grey picture whose brightness tells its number, for timing."""
    return np.full((64, 64, 3), 40 + 4 * number, np.uint8)


@dataclass(frozen=True)
class Recording:
    """What to write. times: milliseconds of each picture. sound: milliseconds of start and end."""

    pictures: Sequence[np.ndarray]
    times: Sequence[int]
    sound: tuple[int, int] | None = (0, 1000)
    frequency: float = 220.0

    def write(self, path: Path) -> Path:
        """Write an MKV or MP4 file (lossless video where brightness matters: crf 1)."""
        with av.open(str(path), "w") as container:
            height, width = self.pictures[0].shape[:2]
            video = container.add_stream("libx264", rate=25, options={"crf": "4", "bf": "0"})
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.time_base = video.codec_context.time_base = TIME_BASE
            audio = None
            if self.sound is not None:
                # FLAC has no encoder delay, so that timestamps stay what they are.
                audio = container.add_stream("flac", rate=TONE_RATE)
                audio.layout = "mono"
            for picture, time in zip(self.pictures, self.times, strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = time, TIME_BASE
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if audio is not None:
                self._write_sound(container, audio)
        return path

    def _write_sound(self, container: av.container.OutputContainer, stream: object) -> None:
        assert self.sound is not None
        first, last = (round(time * TONE_RATE / 1000) for time in self.sound)
        samples = 9000 * np.sin(2 * np.pi * self.frequency * np.arange(first, last) / TONE_RATE)
        for start in range(0, len(samples), 4096):
            block = samples[None, start : start + 4096].astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = TONE_RATE, first + start
            frame.time_base = Fraction(1, TONE_RATE)
            container.mux(stream.encode(frame))  # type: ignore[attr-defined]
        container.mux(stream.encode(None))  # type: ignore[attr-defined]


def steady(count: int, rate: float = 25.0) -> list[int]:
    """Times of a constant frame rate, milliseconds."""
    return [round(1000 * index / rate) for index in range(count)]
