"""The C++ tests, plain and under sanitizers, with a real bundle and a real engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from native_bridge import build, engine_library

# ONNX Runtime is not instrumented. Its own allocations at exit are not ours to report, and its
# locks are unknown to ThreadSanitizer.
SUPPRESSIONS = {
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 halt_on_error=1",
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def sanitizer_works(sanitizer: str, folder: Path) -> bool:
    """Whether this machine's compiler can build and this kernel can run with the sanitizer."""
    source = folder / "empty.cpp"
    source.write_text("int main() { return 0; }\n")
    program = folder / "empty"
    command = ["c++", f"-fsanitize={sanitizer}", source, "-o", program]
    built = subprocess.run(command, capture_output=True)
    return built.returncode == 0 and subprocess.run([program], capture_output=True).returncode == 0


@pytest.mark.full_size
@pytest.mark.parametrize("sanitizer", ["", "address,undefined", "thread"])
def test_cpp_tests(pristine: Path, tmp_path: Path, sanitizer: str) -> None:
    options = ["-DLP_BUILD_TESTS=ON"]
    if sanitizer:
        if not sanitizer_works(sanitizer, tmp_path):
            pytest.skip(f"-fsanitize={sanitizer} does not work on this machine")
        # Instrumented code is slow to compile as well; -O1 keeps it readable in reports.
        options += [f"-DLP_SANITIZE={sanitizer}", "-DCMAKE_BUILD_TYPE=None"]
        options += ["-DCMAKE_CXX_FLAGS=-O1"]
    flavour = f"tests-{sanitizer.replace(',', '-') or 'plain'}"
    folder = build(flavour, *options, target="lp_bridge_tests")
    environment = os.environ | SUPPRESSIONS
    environment |= {
        "LP_TEST_BUNDLE": str(pristine),
        "LP_ONNXRUNTIME_LIBRARY": str(engine_library()),
    }
    finished = subprocess.run(
        [folder / "tests" / "lp_bridge_tests"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=1200,
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-6000:]
    assert "Status: SUCCESS" in finished.stdout
