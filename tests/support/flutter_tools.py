"""The Flutter package and its tools for tests: sources, compiler, headless engine.

Flutter's own `flutter` command is not used: packages are resolved to folders, tests are compiled by
the engine's front-end compiler and run in flutter_tester. Where a tool is absent tests skip.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from dart_tools import PACKAGE, dart, write_packages
from native_bridge import BRIDGE, BUILD, dependencies, require_tools

FLUTTER_PACKAGE = BRIDGE / "flutter"
LANGUAGE = "3.7"
# Text that package:flutter_test's reporter ends with; flutter_tester exits with 0 whatever it was.
ENDING = re.compile(r"All tests passed!|Some tests failed\.|No tests ran\.")


def flutter_engine() -> Path:
    """The folder with flutter_tester and the front-end compiler: LP_FLUTTER_ENGINE."""
    found = os.environ.get("LP_FLUTTER_ENGINE")
    folder = Path(found) if found else _beside_dart()
    if folder is None or not (folder / "flutter_tester").exists():
        pytest.skip(
            "no headless Flutter engine: set LP_FLUTTER_ENGINE to the folder with flutter_tester"
        )
    return folder


def _beside_dart() -> Path | None:
    for parent in dart().resolve().parents:
        if (folder := parent / "lib" / "flutter-engine" / "linux-x64").is_dir():
            return folder
    return None


def flutter_sources() -> Path:
    """The folder that holds package:flutter, flutter_test and what they need, as in Debian."""
    for parent in dart().resolve().parents:
        if (folder := parent / "share" / "dart" / "packages" / "flutter_test").is_dir():
            return folder.parent
    pytest.skip("package:flutter's sources are not beside the Dart SDK")


def resolve(folder: Path, **own: Path) -> Path:
    """Write the package configuration of `folder`: Flutter's packages, ours, and `own`."""
    ours = {"lp_pack": PACKAGE, "lp_pack_flutter": FLUTTER_PACKAGE, **own}
    sources = [path for path in sorted(flutter_sources().iterdir()) if (path / "lib").is_dir()]
    packages = [(path.name, path, "3.11") for path in sources]
    packages += [(name, path, LANGUAGE) for name, path in ours.items()]
    return write_packages(folder, packages)


def compile_kernel(source: Path, packages: Path, output: Path) -> None:
    """Compile a Dart program for Flutter's engine; fails the test with the compiler's messages."""
    engine = flutter_engine()
    command = [
        dart().resolve().parent / "dartaotruntime",
        engine / "frontend_server_aot.dart.snapshot",
        *("--sdk-root", f"{engine / 'flutter_patched_sdk'}/"),
        *("--target=flutter", f"--packages={packages}", f"--output-dill={output}"),
        source,
    ]
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, timeout=600)
    # The compiler's last line ends in its number of errors; its exit code may be 0 all the same.
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    messages = [line for line in lines if not line.startswith(("+", "-", "result "))]
    errors = lines[-1].rsplit(" ", 1)[-1] if lines else "no output"
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert errors == "0", "\n".join(messages) + done.stderr[-4000:]
    assert output.exists()


def run_widget_tests(
    kernel: Path, packages: Path, assets: Path, environment: dict[str, str], seconds: float = 300
) -> str:
    """Run compiled widget tests until their reporter's last line; returns what was printed.

    flutter_tester neither exits at the end nor tells failure by its exit code: that line decides
    and none within `seconds` is a failure.
    """
    assets.mkdir(parents=True, exist_ok=True)
    command = [
        flutter_engine() / "flutter_tester",
        *("--run-forever", "--disable-vm-service", "--use-test-fonts"),
        *("--enable-software-rendering", f"--packages={packages}"),
        *(f"--flutter-assets-dir={assets}", kernel),
    ]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"FLUTTER_TEST": "true"} | environment,
    )
    try:
        return _read_until_ending(process, time.monotonic() + seconds)
    finally:
        process.kill()
        process.wait()


def _read_until_ending(process: subprocess.Popen[bytes], deadline: float) -> str:
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    text = b""
    while time.monotonic() < deadline:
        readable, _, _ = select.select([descriptor], [], [], 1.0)
        if not readable:
            continue
        chunk = os.read(descriptor, 65536)
        text += chunk
        if not chunk or ENDING.search(text.decode(errors="replace")):
            break
    return text.decode(errors="replace")


def run_flutter_dart(*arguments: Any, folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `dart` in a Flutter package's folder; its settings and caches go to `home`."""
    return subprocess.run(
        [str(word) for word in (dart(), *arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"HOME": str(home), "DART_DISABLE_ANALYTICS": "1"},
        timeout=900,
    )


def build_feed_test(flavour: str, *options: str) -> Path:
    """Build the native test of the texture feed; returns the program."""
    require_tools("cmake", "c++")
    folder = BUILD / f"texture-feed-{flavour}"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    configure = [f"-DLP_DEPENDENCIES_DIR={dependencies()}", "-DLP_BUILD_FEED_TEST=ON", *options]
    for command in (
        ["cmake", "-S", FLUTTER_PACKAGE / "src", "-B", folder, *generator, *configure],
        ["cmake", "--build", folder, "--target", "texture_feed_test", "--parallel", "2"],
    ):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder / "texture_feed_test"
