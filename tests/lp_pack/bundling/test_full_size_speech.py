"""The whole road at the published dims: a recording, a network learned from it, a bundle, a video.

The arithmetic is real; the weights follow from the parameters' names, so the labels mean nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from shared_data import shared_path

from lp_pack.persona.picture import astronaut_path
from lp_pack.speech.wave_file import write_wave
from lp_runtime.audio import read_audio
from lp_runtime.bundle import Bundle

RECORDING = "real/driving_d20.mp4"
SAMPLE_RATE = 16_000
HEARD_FRAMES = 6


def lp_pack(*arguments: object) -> dict[str, Any]:
    """Run the command in a process of its own; returns what it printed as JSON."""
    program = [sys.executable, "-c", "from lp_pack.cli import main; main()"]
    began = time.monotonic()
    words = [*map(str, arguments), "--json"]
    done = subprocess.run([*program, *words], stdout=subprocess.PIPE, check=True)
    print(f"{words[0]}: {time.monotonic() - began:.0f} s")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.full_size
def test_a_recording_becomes_a_talking_bundle(
    weights: Path, full_size_cache: Path, tmp_path: Path
) -> None:
    recording = shared_path(RECORDING)
    dataset, model = tmp_path / "dataset", tmp_path / "model"
    bundle, video = tmp_path / "me.lpbundle", tmp_path / "me.mp4"

    extracted = lp_pack("extract", recording, "-o", dataset, "--weights", weights)
    (clip,) = extracted["clips"]
    assert (clip["status"], clip["frames"], clip["valid_frames"]) == ("made", 175, 175)

    short = ("--steps", 20, "--evaluate-every", 10, "--batch-size", 4, "--frames", 40)
    learned = lp_pack("train-audio2motion", dataset, "-o", model, *short)
    assert learned["best_step"] in (10, 20)
    assert np.isfinite(learned["validation_loss"])

    sound = tmp_path / "sound.wav"
    samples = read_audio(recording, SAMPLE_RATE)[: HEARD_FRAMES * 640]
    write_wave(sound, samples, SAMPLE_RATE)
    persona = ("--portrait", astronaut_path(), "--crop", "96,0,256", "--weights", weights)
    network = ("--audio2motion", model / "audio2motion.safetensors")
    stages = ("--cache", full_size_cache)
    lp_pack("build", *persona, *network, "--precision", "fp32", *stages, "-o", bundle)
    lp_pack("render", bundle, "--audio", sound, "-o", video)

    manifest = Bundle.open(bundle).manifest
    assert manifest.pipeline.look_ahead_frames == 2
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == HEARD_FRAMES
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 0
