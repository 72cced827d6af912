"""The published dims, end to end: checkpoints of the real layout to a verified bundle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared_path

from lp_pack.persona.picture import astronaut_path
from lp_runtime.bundle import Bundle

PEAK_MEMORY_LIMIT = 10e9


@pytest.mark.full_size
def test_a_portrait_and_the_published_layout_become_a_verified_bundle(
    weights: Path, full_size_cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "full.lpbundle"
    program = [sys.executable, "-c", "from lp_pack.cli import main; main()", "build"]
    options = {
        "--portrait": astronaut_path(),
        "--crop": "96,0,256",
        "--weights": weights,
        "--parity-motion": shared_path("real/talking.pkl"),
        "--cache": full_size_cache,
        "-o": output,
    }
    arguments = [str(word) for pair in options.items() for word in pair]
    began = time.monotonic()
    process = subprocess.Popen([*program, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"built in {time.monotonic() - began:.0f} s, peak memory {peak / 1e9:.2f} GB")
    assert process.returncode == 0
    assert peak < PEAK_MEMORY_LIMIT

    bundle = Bundle.open(output)
    generators = {v.precision: v.graphs["generator"] for v in bundle.manifest.variants}
    for graph in generators.values():
        assert graph.opset == 13
        assert not {"GridSample", "ConvTranspose"} & set(graph.operators)
    assert generators["fp16"].files[0].bytes < 0.52 * generators["fp32"].files[0].bytes
    assert {figure.motion_source for figure in bundle.manifest.parity} == {
        "talking.pkl",
        "seeded sound",
    }
    frames = list(bundle.session(precision="fp32").push_pcm(np.zeros(3 * 640, np.float32)))
    assert [frame["frame"].shape for frame in frames] == [(1, 3, 512, 512)]
