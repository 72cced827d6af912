"""lp_play, the command-line player: same frames and values as Python, and a report."""

from __future__ import annotations

import json
import os
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from native_bridge import engine_library, runner_path

from lp_runtime import Bundle
from lp_runtime.composer import Composer

FRAMES = 6


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [runner_path(), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"LP_ONNXRUNTIME_LIBRARY": str(engine_library())},
    )


@pytest.fixture
def speech(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A WAV and its samples as the graphs hear them."""
    samples = np.random.default_rng(8).integers(-9000, 9000, FRAMES * 640).astype(np.int16)
    path = tmp_path / "speech.wav"
    with wave.open(str(path), "wb") as stream:
        stream.setparams((1, 2, 16_000, 0, "NONE", ""))
        stream.writeframes(samples.tobytes())
    return path, (samples / np.float32(32768)).astype(np.float32)


def test_it_plays_what_python_plays(
    pristine: Path, tmp_path: Path, speech: tuple[Path, np.ndarray]
) -> None:
    path, samples = speech
    done = run(pristine, "--sound", path, "--value", "motion", "--dump", tmp_path, "--threads", 1)
    assert done.returncode == 0, done.stderr
    bundle = Bundle.open(pristine)
    session = bundle.session(precision="fp32", threads=1)
    wanted = ("motion", "frame")
    values = [*session.push_pcm(samples, wanted), *session.flush(wanted)]
    motion = np.fromfile(tmp_path / "motion.f32", np.float32).reshape(FRAMES, 70)
    assert np.abs(motion - np.concatenate([v["motion"] for v in values])).max() <= 1e-5
    expected = np.stack([Composer(bundle, session)(v["frame"]) for v in values])
    frames = np.fromfile(tmp_path / "frames.rgba", np.uint8).reshape(*expected.shape[:3], 4)
    assert np.abs(frames[..., :3].astype(int) - expected).max() <= 1


def test_the_report(pristine: Path) -> None:
    done = run(pristine, "--frames", 12, "--threads", 1, "--precision", "fp16")
    report = json.loads(done.stdout)
    assert report["precision"] == "fp16"
    assert report["execution_provider"] == "cpu"
    assert report["latency"]["engine"]["count"] == 12
    assert report["latency"]["frame"]["count"] == 11
    frame = report["latency"]["frame"]
    assert 0 < frame["median"] <= frame["p95"] <= frame["p99"] <= frame["worst"]
    assert report["peak_memory_mb"] > 1
    assert report["open_ms"] > 0
    assert report["deadline_ms"] == 40


def test_sound_longer_than_the_queue(pristine: Path, tmp_path: Path) -> None:
    raw = tmp_path / "long.raw"
    raw.write_bytes(bytes(2 * 16_000 * 70))
    report = json.loads(run(pristine, "--sound", raw, "--threads", 1).stdout)
    assert report["latency"]["engine"]["count"] == 70 * 25


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "which bundle?"),
        (["BUNDLE", "--magic"], 2, "no option --magic"),
        (["BUNDLE", "--frames", "many"], 2, "--frames takes a number"),
        (["BUNDLE", "--threads"], 2, "needs a value"),
        (["BUNDLE", "--sound", "/nowhere.wav"], 2, "cannot be read"),
        (["BUNDLE", "--dump", "/nowhere"], 2, "cannot write"),
        (["BUNDLE", "--value", "nothing"], 1, "no value of this name"),
        (["BUNDLE", "--precision", "int3"], 1, "no variant that fits"),
        (["/nowhere"], 1, "no bundle here"),
    ],
)
def test_what_cannot_be_done_is_said(
    pristine: Path, arguments: list[str], code: int, said: str
) -> None:
    done = run(*(pristine if word == "BUNDLE" else word for word in arguments))
    assert done.returncode == code
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "content", [b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff", b""]
)
def test_a_damaged_sound_is_refused(pristine: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    done = run(pristine, "--sound", path)
    assert done.returncode == 2
    assert "lp_play: " in done.stderr
