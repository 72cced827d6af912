"""Decoding sound: formats, rates, channels, and files that are none."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest
from shared_data import shared_path

from lp_runtime import InputError
from lp_runtime.audio import read_audio

RATE = 16_000


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def write_wav(path: Path, channels: list[np.ndarray], rate: int) -> Path:
    samples = (np.stack(channels, axis=1) * 32767).round().astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def encode(path: Path, codec: str, samples: np.ndarray, rate: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            (samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def loudest_frequency(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax()) * rate / len(samples)


def test_a_wav_at_the_wanted_rate_comes_back_sample_for_sample(tmp_path: Path) -> None:
    samples = tone(0.3, RATE)
    read = read_audio(write_wav(tmp_path / "a.wav", [samples], RATE), RATE)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, samples, atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    read = read_audio(write_wav(tmp_path / "a.wav", [tone(1.0, rate)], rate), RATE)
    assert abs(len(read) - RATE) <= 32
    assert loudest_frequency(read, RATE) == pytest.approx(440, abs=2)


def test_stereo_is_mixed_to_mono(tmp_path: Path) -> None:
    left, right = tone(0.5, RATE, 440), tone(0.5, RATE, 1000)
    read = read_audio(write_wav(tmp_path / "a.wav", [left, right], RATE), RATE)
    np.testing.assert_allclose(read, (left + right) / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.mka", "pcm_s16le")]
)
def test_compressed_files_are_read(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, tone(1.0, RATE), RATE)
    read = read_audio(path, RATE)
    assert abs(len(read) - RATE) < 0.1 * RATE
    assert loudest_frequency(read, RATE) == pytest.approx(440, abs=10)


def test_real_speech_is_read() -> None:
    read = read_audio(shared_path("real/joyvasa_001.wav"), RATE)
    assert len(read) == 319_878
    assert 0.05 < np.abs(read).max() <= 1.0


def test_the_sound_of_a_video_is_read() -> None:
    assert len(read_audio(shared_path("real/driving_d20.mp4"), RATE)) > RATE


class TestRefused:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"cannot be read(.|\n)*none\.wav"):
            read_audio(tmp_path / "none.wav", RATE)

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            read_audio(tmp_path, RATE)

    @pytest.mark.parametrize("content", [b"", b"RIFF", b"not sound at all" * 100])
    def test_what_is_not_sound(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.wav").write_bytes(content)
        with pytest.raises(InputError, match="cannot be decoded"):
            read_audio(tmp_path / "a.wav", RATE)

    def test_a_damaged_file(self, tmp_path: Path) -> None:
        path = encode(tmp_path / "a.flac", "flac", tone(1.0, RATE), RATE)
        content = bytearray(path.read_bytes())
        content[4:60] = bytes(56)
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"cannot be decoded|is empty|no sound"):
            read_audio(path, RATE)

    def test_an_empty_sound(self, tmp_path: Path) -> None:
        path = write_wav(tmp_path / "a.wav", [np.zeros(0)], RATE)
        with pytest.raises(InputError, match="is empty"):
            read_audio(path, RATE)

    def test_a_video_without_sound(self, tmp_path: Path) -> None:
        path = tmp_path / "v.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width = stream.height = 32
            stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with pytest.raises(InputError, match=r"no sound(.|\n)*got: +video"):
            read_audio(path, RATE)

    def test_more_than_the_longest(self, tmp_path: Path) -> None:
        path = write_wav(tmp_path / "a.wav", [tone(1.0, RATE)], RATE)
        with pytest.raises(InputError, match="too long"):
            read_audio(path, RATE, max_seconds=0.5)

    def test_a_playlist_opens_no_other_file(self, tmp_path: Path) -> None:
        write_wav(tmp_path / "secret.wav", [tone(1.0, RATE)], RATE)
        for name, text in (
            ("list.m3u8", "#EXTM3U\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n"),
            ("list.ffconcat", "ffconcat version 1.0\nfile secret.wav\n"),
        ):
            (tmp_path / name).write_text(text)
            with pytest.raises(InputError, match="cannot be decoded"):
                read_audio(tmp_path / name, RATE)
