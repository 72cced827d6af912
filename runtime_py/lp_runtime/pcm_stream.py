"""Sound as it arrives, of any rate, sample type, channel count and chunk size, as mono float.

Resampled by FFmpeg's swresample, whose output does not depend on how the input was cut.
"""

from __future__ import annotations

import av
import numpy as np
from av.audio.resampler import AudioResampler

from lp_runtime.errors import InputError

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
MOST_CHANNELS = 8
INT16_SCALE = 1 / 32768

Chunk = np.ndarray | bytes | bytearray | memoryview


class PcmStream:
    """Turns chunks into mono float32 samples in [-1, 1] at one rate.

    A chunk is an array of int16 or float, (n,) with the channels interleaved or (n, channels), or
    bytes of interleaved 16-bit little-endian samples, which may end inside a sample.
    """

    def __init__(self, input_rate: int, output_rate: int, channels: int = 1) -> None:
        """Raises InputError when a rate or the number of channels is out of range."""
        if not (LOWEST_RATE <= input_rate <= HIGHEST_RATE and 1 <= channels <= MOST_CHANNELS):
            raise InputError(
                "The sound's format is out of range.",
                expected=f"{LOWEST_RATE} to {HIGHEST_RATE} Hz, 1 to {MOST_CHANNELS} channels",
                got=f"{input_rate} Hz, {channels} channels",
            )
        self.input_rate = input_rate
        self.output_rate = output_rate
        self.channels = channels
        self._torn = b""
        self._resampler = self._new_resampler()

    def push(self, chunk: Chunk) -> np.ndarray:
        """The samples (n,) that are ready now; a few wait for what comes next.

        Raises InputError when the chunk is none of the forms above or not finite.
        """
        mono = self._mono(self._samples(chunk))
        if self._resampler is None or not len(mono):
            return mono
        frame = av.AudioFrame(format="flt", layout="mono", samples=len(mono))
        frame.planes[0].update(mono.tobytes())
        frame.sample_rate = self.input_rate
        return self._joined(self._resampler.resample(frame))

    def finish(self) -> np.ndarray:
        """The samples that still waited; the stream begins anew after it."""
        rest = np.zeros(0, np.float32)
        if self._resampler is not None:
            rest = self._joined(self._resampler.resample(None))
        self.clear()
        return rest

    def clear(self) -> None:
        """Forget what waits."""
        self._torn = b""
        self._resampler = self._new_resampler()

    def _new_resampler(self) -> AudioResampler | None:
        if self.input_rate == self.output_rate:
            return None
        return AudioResampler(format="flt", layout="mono", rate=self.output_rate)

    def _samples(self, chunk: Chunk) -> np.ndarray:
        """The chunk as int16 or float (n, channels)."""
        if isinstance(chunk, bytes | bytearray | memoryview):
            data = self._torn + bytes(chunk)
            whole = len(data) - len(data) % (2 * self.channels)
            self._torn = data[whole:]
            samples = np.frombuffer(data[:whole], "<i2")
        else:
            samples = np.asarray(chunk)
        fits = samples.ndim == 1 and samples.size % self.channels == 0
        if not (fits or (samples.ndim == 2 and samples.shape[1] == self.channels)):
            raise InputError(
                "The chunk does not fit the number of channels.",
                expected=f"(n,) interleaved or (n, {self.channels})",
                got=list(samples.shape),
            )
        if samples.dtype != np.int16 and samples.dtype.kind != "f":
            raise InputError(
                "The chunk is of another sample type.",
                expected="int16, float32 or float64",
                got=samples.dtype,
                remedy="32-bit integers: divide by 2 ** 31 as float",
            )
        return samples.reshape(-1, self.channels)

    def _mono(self, samples: np.ndarray) -> np.ndarray:
        """The mean of the channels (n,) as float32 in [-1, 1]."""
        scale = 1 / self.channels
        if samples.dtype == np.int16:
            scale *= INT16_SCALE
        else:
            samples = samples.astype(np.float32, copy=False)
            if not np.isfinite(samples).all():
                raise InputError("The sound holds NaN or infinity.", expected="finite samples")
            samples = np.clip(samples, -1.0, 1.0)
        # Channel by channel: numpy's mean over a short axis takes ten times as long.
        mono = samples[:, 0].astype(np.float32)
        for channel in range(1, self.channels):
            mono += samples[:, channel]
        if scale != 1:
            mono *= np.float32(scale)
        return mono

    @staticmethod
    def _joined(frames: list[av.AudioFrame]) -> np.ndarray:
        parts = [
            np.asarray(memoryview(frame.planes[0]).cast("f"))[: frame.samples] for frame in frames
        ]
        if not parts:
            return np.zeros(0, np.float32)
        # A filter overshoots. The copy owns its memory, which the frame's does not.
        return np.clip(parts[0] if len(parts) == 1 else np.concatenate(parts), -1.0, 1.0)
