"""The native half of PersonaView: frames taken from a session, kept for Flutter's raster thread."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from flutter_tools import build_feed_test
from native_bridge import engine_library

# ONNX Runtime is not instrumented: its locks are unknown to ThreadSanitizer.
OPTIONS = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1 halt_on_error=1"}
QUICK = "-DCMAKE_CXX_FLAGS=-O1", "-DCMAKE_BUILD_TYPE=None"


def run_feed_test(program: Path, bundle: Path) -> None:
    done = subprocess.run(
        [program, bundle, engine_library()],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | OPTIONS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all passed" in done.stdout


def test_feed_on_a_real_bundle(pristine: Path) -> None:
    run_feed_test(build_feed_test("release"), pristine)


@pytest.mark.full_size
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_feed_under_sanitizers(pristine: Path, sanitizer: str) -> None:
    flavour = sanitizer.replace(",", "-")
    run_feed_test(build_feed_test(flavour, f"-DLP_SANITIZE={sanitizer}", *QUICK), pristine)
