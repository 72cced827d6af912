"""The C++ runtime for Arm on a machine that is none: compiled by Zig, run by QEMU.

Zig comes as a Python package into build/, ONNX Runtime for arm64 as the wheel of the version that
is installed here, the C libraries from Debian (tools/get_arm64_root.sh). What cannot be had makes
the calling test skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import onnxruntime
import pytest
from native_bridge import BRIDGE, BUILD, dependencies, lock, require_tools

ZIG_VERSION = "0.17.1"
ARM64, ARM32 = "aarch64-linux-gnu.2.28", "arm-linux-gnueabihf.2.28"
FETCH_SECONDS = 900
# Zig compiles C++'s library for a new target first.
BUILD_SECONDS = 3000


@functools.cache
def zig() -> Path:
    """The Zig compiler: LP_ZIG, or the package ziglang, fetched into build/."""
    if given := os.environ.get("LP_ZIG"):
        return Path(given)
    folder = BUILD / f"ziglang-{ZIG_VERSION}"
    with lock("ziglang"):
        if not (folder / "ziglang" / "zig").exists():
            _pip("install", "--target", str(folder), f"ziglang=={ZIG_VERSION}")
    return folder / "ziglang" / "zig"


@functools.cache
def arm64_engine() -> Path:
    """ONNX Runtime's library for arm64 Linux, of the version of this machine's."""
    version = onnxruntime.__version__
    folder = BUILD / f"onnxruntime-arm64-{version}"
    with lock("onnxruntime-arm64"):
        if not (folder / "complete").exists():
            options = ["--only-binary=:all:", "--platform", "manylinux_2_28_aarch64"]
            options += ["--python-version", "3.11", "--dest", str(folder)]
            _pip("download", *options, f"onnxruntime=={version}")
            with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
                for name in wheel.namelist():
                    if "/capi/libonnxruntime.so" in name:
                        wheel.extract(name, folder)
            (folder / "complete").touch()
    return next((folder / "onnxruntime" / "capi").glob("libonnxruntime.so*"))


@functools.cache
def arm64_root() -> Path:
    """What a program for arm64 finds below / when QEMU runs it."""
    folder = BUILD / "arm64-root"
    with lock("arm64-root"):
        command = [BRIDGE / "tools" / "get_arm64_root.sh", folder]
        fetched = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    if fetched.returncode != 0:
        pytest.skip(f"the libraries of arm64 Linux cannot be had: {fetched.stderr.strip()[-300:]}")
    return folder


@functools.cache
def arm64_player() -> Path:
    """lp_play for arm64, beside its library."""
    require_tools("cmake")
    folder = BUILD / "bridge-arm64"
    compilers = {language: _compiler(folder, ARM64, language) for language in ("cc", "c++")}
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    options = ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"]
    options += [f"-DCMAKE_C_COMPILER={compilers['cc']}", "-DLP_BUILD_RUNNER=ON"]
    options += [f"-DCMAKE_CXX_COMPILER={compilers['c++']}"]
    options += [f"-DLP_DEPENDENCIES_DIR={dependencies()}"]
    with lock("bridge-arm64"):
        _run(["cmake", "-S", BRIDGE, "-B", folder, *generator, *options])
        _run(["cmake", "--build", folder, "--parallel", "2"])
    return folder / "runner" / "lp_play"


def compile_for_arm32(source: Path, folder: Path) -> str:
    """What the compiler says about one source for 32-bit Arm; empty when it has no complaint.

    A 64-bit size that is cut to 32 bits without a cast is one.
    """
    headers = dependencies() / "usr" / "include"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wshorten-64-to-32", "-Werror"]
    for name in ("include", "src"):
        flags += ["-I", str(BRIDGE / name)]
    flags += ["-DLP_BRIDGE_BUILDING"]
    for where in (headers, headers / "stb", headers / "onnxruntime"):
        flags += ["-isystem", str(where)]
    compiled = subprocess.run(
        [_compiler(folder, ARM32, "c++"), *flags, "-c", source, "-o", folder / "object.o"],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    return "" if compiled.returncode == 0 else compiled.stderr


def _compiler(folder: Path, target: str, language: str) -> Path:
    """A program that takes a compiler's arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"zig-{language}"
    path.write_text(f'#!/bin/sh\nexec "{zig()}" {language} -target {target} "$@"\n')
    path.chmod(0o755)
    return path


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", words[0], "--quiet"]
    done = subprocess.run(
        [*command, "--no-deps", *words[1:]], capture_output=True, text=True, timeout=FETCH_SECONDS
    )
    if done.returncode != 0:
        pytest.skip(f"{words[-1]} cannot be had: {done.stderr.strip()[-300:]}")


def _run(command: Sequence[object]) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_SECONDS)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
