"""A Flutter app for Linux, built by hand and run without a screen or a GPU.

Flutter's GTK engine, its C library and a graphics driver in software lie in a root folder of their
own (LP_FLUTTER_LINUX, see flutter_bridge/tools/get_dart.sh --linux). The app runs with that folder
as its root, in a namespace that ends with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dart_tools import dart
from flutter_tools import FLUTTER_PACKAGE, flutter_engine
from native_bridge import BUILD, dependencies, require_tools

SOURCES = Path(__file__).resolve().parents[1] / "flutter_bridge" / "linux_app"
SECONDS = 120


def flutter_root() -> Path:
    """The root folder of Flutter's GTK engine; skips where it or a tool is absent."""
    found = os.environ.get("LP_FLUTTER_LINUX")
    if not found or not (Path(found) / "usr/include/flutter_linux").is_dir():
        pytest.skip("no GTK engine of Flutter: set LP_FLUTTER_LINUX (get_dart.sh --linux)")
    require_tools("cmake", "c++", "pkg-config", "bwrap", "Xvfb")
    if subprocess.run(["pkg-config", "--exists", "gtk+-3.0"]).returncode != 0:
        pytest.skip("libgtk-3-dev is not installed: an app for Linux cannot be built here")
    probe = [*_sandbox(Path(found)), "/lib64/ld-linux-x86-64.so.2", "--version"]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("bwrap may not make namespaces here")
    return Path(found)


def build_app(root: Path, folder: Path, program: Path, packages: Path) -> Path:
    """Compile the plugin, a runner and the Dart program (ahead of time) into a bundle's folder."""
    build = BUILD / "linux-app"
    options = [f"-DFLUTTER_ROOT={root}", f"-DPLUGIN={FLUTTER_PACKAGE}"]
    options += [f"-DLP_DEPENDENCIES_DIR={dependencies()}"]
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    _run("cmake", "-S", SOURCES, "-B", build, *generator, *options)
    _run("cmake", "--build", build, "--parallel", "2")
    shutil.copytree(build / "bundle", folder)
    (folder / "data" / "flutter_assets").mkdir(parents=True)
    kernel = folder.parent / "app.dill"
    sdk = flutter_engine() / "flutter_patched_sdk_product"
    _run(
        *(dart().resolve().parent / "dartaotruntime",),
        flutter_engine() / "frontend_server_aot.dart.snapshot",
        *("--sdk-root", f"{sdk}/", "--target=flutter", "--aot", "--tfa"),
        *("-Ddart.vm.product=true", f"--packages={packages}", f"--output-dill={kernel}", program),
    )
    snapshot = root / "usr/lib/flutter-engine/linux-x64-release/gen_snapshot"
    library = folder / "lib" / "libapp.so"
    _run(snapshot, "--snapshot_kind=app-aot-elf", f"--elf={library}", "--strip", kernel)
    return folder


def run_app(root: Path, app: Path, environment: dict[str, str], visible: list[Path]) -> str:
    """Run the app's `runner` until it ends, with `visible` folders; returns what it printed."""
    mounts = [word for path in (app, *visible) for word in ("--ro-bind", str(path), str(path))]
    settings = {"GDK_BACKEND": "x11", "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1"}
    with _x_server() as display:
        done = subprocess.run(
            [*_sandbox(root), *mounts, str(app / "runner")],
            env=settings | environment | {"DISPLAY": display, "HOME": "/tmp"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
    return done.stdout


def _sandbox(root: Path) -> list[str]:
    mounts = [w for name in ("usr", "etc") for w in ("--ro-bind", str(root / name), f"/{name}")]
    links = [
        w for name in ("lib", "lib64", "bin") for w in ("--symlink", f"usr/{name}", f"/{name}")
    ]
    own = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--die-with-parent"]
    return ["bwrap", *mounts, *links, *own]


@contextmanager
def _x_server() -> Iterator[str]:
    """A virtual screen's name; reached through its abstract socket, which no mount hides."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout is not None
        # It writes the free number that it found, once it answers.
        number = server.stdout.readline().decode().strip()
        assert number, "the X server did not come up"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def _run(*command: Any) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
