"""What an engine returns, and how foreign sound becomes it."""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from lp_pack.errors import SpeechError
from lp_pack.speech.espeak import Phoneme
from lp_runtime.audio import FORMATS

Array = NDArray[np.float32]
MAX_SECONDS = 600


@dataclass(frozen=True)
class Spoken:
    """Mono samples (n,) in [-1, 1] at `sample_rate` Hz; phonemes where the engine knows them."""

    samples: Array
    sample_rate: int
    phonemes: tuple[Phoneme, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration of the samples."""
        return len(self.samples) / self.sample_rate

    def at_rate(self, sample_rate: int) -> Spoken:
        """The same sound at another rate (FFmpeg's swresample)."""
        if sample_rate == self.sample_rate:
            return self
        resampler = AudioResampler(format="flt", layout="mono", rate=sample_rate)
        frame = av.AudioFrame.from_ndarray(self.samples[None], format="flt", layout="mono")
        frame.sample_rate = self.sample_rate
        parts = [*resampler.resample(frame), *resampler.resample(None)]
        samples = np.concatenate([part.to_ndarray()[0] for part in parts])
        return Spoken(samples.astype(np.float32), sample_rate, self.phonemes)


def decoded(data: bytes, where: str) -> Spoken:
    """The sound in the bytes of a media file (WAV, MP3, Ogg, FLAC, ...).

    Raises:
        SpeechError: they are no sound, or too long.
    """
    try:
        with av.open(io.BytesIO(data), "r", options={"format_whitelist": FORMATS}) as container:
            if not container.streams.audio:
                raise SpeechError("the engine's answer has no sound", where=where)
            rate = container.streams.audio[0].rate
            resampler = AudioResampler(format="fltp", rate=rate)
            parts: list[Array] = []
            for frame in container.decode(audio=0):
                parts += [_mono(part) for part in resampler.resample(frame)]
                if sum(map(len, parts)) > MAX_SECONDS * rate:
                    raise SpeechError(
                        "the engine spoke too long", where=where, expected=f"{MAX_SECONDS} s"
                    )
            parts += [_mono(part) for part in resampler.resample(None)]
    except av.error.FFmpegError as error:
        raise SpeechError(
            "the engine's answer is no sound",
            where=where,
            expected="a WAV, MP3, Ogg or FLAC file",
            got=f"{len(data)} bytes that begin with {data[:24]!r}",
            remedy="check the engine's address and model",
        ) from error
    return checked(np.concatenate(parts) if parts else np.zeros(0, np.float32), rate, where)


def _mono(frame: av.AudioFrame) -> Array:
    return frame.to_ndarray().mean(axis=0, dtype=np.float32)


def checked(samples: Any, sample_rate: int, where: str) -> Spoken:
    """An engine's array, torch tensor or list of numbers as `Spoken`.

    Raises:
        SpeechError: it is empty or not finite.
    """
    if hasattr(samples, "detach"):
        samples = samples.detach().cpu().numpy()
    flat = np.asarray(samples, dtype=np.float32).reshape(-1)
    if not len(flat) or not np.isfinite(flat).all():
        raise SpeechError(
            "the engine gave no usable sound",
            where=where,
            expected="finite samples",
            got="none" if not len(flat) else "NaN or infinity",
        )
    return Spoken(np.clip(flat, -1.0, 1.0), sample_rate)


def imported(module: str, engine: str, how: str) -> ModuleType:
    """Import what an engine needs.

    Raises:
        SpeechError: it is not installed; the error says how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SpeechError(
            f"the speech engine '{engine}' is not installed",
            expected=f"the Python package {module.split('.')[0]}",
            got=error,
            remedy=how,
        ) from error
