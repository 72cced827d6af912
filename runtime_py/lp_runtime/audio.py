"""Any audio (or video) file's sound as mono float samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler

from lp_runtime.errors import InputError

MAX_SECONDS = 3600.0
# Self-contained file formats. Playlists (HLS, concat, DASH) could make the decoder open other
# files or addresses.
FORMATS = (
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,ac3,amr,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "avi,asf,flv,mpegts,mpeg,wv,ape,tta"
)


def read_audio(path: str | Path, sample_rate: int, max_seconds: float = MAX_SECONDS) -> np.ndarray:
    """Decode the first audio stream of a file: float32 samples (n,) in [-1, 1], mono.

    Resampled by FFmpeg's swresample; the channels' mean is the mono sound.

    Raises InputError when the file cannot be read, is no media file, has no sound, is damaged, or
    is longer than `max_seconds`.
    """
    where = Path(path)
    try:
        # A file object, not a name: FFmpeg takes some names for addresses or playlists.
        with (
            where.open("rb") as stream,
            av.open(stream, "r", options={"format_whitelist": FORMATS}) as container,
        ):
            if not container.streams.audio:
                raise InputError(
                    "The file has no sound.",
                    where=where,
                    expected="an audio stream",
                    got=", ".join(s.type for s in container.streams) or "no streams",
                )
            chunks = list(_decoded(container, sample_rate, max_seconds, where))
    except av.error.FFmpegError as error:
        raise InputError(
            "The sound cannot be decoded.",
            where=where,
            expected="an intact audio file, such as WAV, FLAC, MP3, Ogg, M4A or MP4",
            got=error.strerror,
            remedy="convert the file to WAV, or check that it was copied whole",
        ) from error
    except OSError as error:
        raise InputError(
            "The sound file cannot be read.", where=where, got=error.strerror
        ) from error
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
    if not len(samples):
        raise InputError("The sound is empty.", where=where, expected="one sample or more", got=0)
    if not np.isfinite(samples).all():
        raise InputError("The sound holds NaN or infinity.", where=where, expected="finite samples")
    return np.clip(samples, -1.0, 1.0)


def _decoded(
    container: av.container.InputContainer, sample_rate: int, max_seconds: float, where: Path
) -> Iterator[np.ndarray]:
    resampler = AudioResampler(format="fltp", rate=sample_rate)
    total = 0
    for frame in container.decode(audio=0):
        for converted in resampler.resample(frame):
            total += converted.samples
            if total > max_seconds * sample_rate:
                raise InputError(
                    "The sound is too long.",
                    where=where,
                    expected=f"{max_seconds:g} s at most",
                    got="more",
                    remedy="cut it into parts",
                )
            yield _mono(converted)
    for converted in resampler.resample(None):
        yield _mono(converted)


def _mono(frame: av.AudioFrame) -> np.ndarray:
    # swresample would add stereo channels at 0.7 each, which clips; a new array is made either way.
    return frame.to_ndarray().mean(axis=0, dtype=np.float32)
