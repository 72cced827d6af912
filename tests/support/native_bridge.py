"""The C++ runtime for tests: built once per checkout, driven through ctypes.

The ctypes structs and prototypes are made from lp_bridge.h itself, so that a test cannot use an
outdated copy of them. Where a compiler or the headers cannot be had, tests skip and say so.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import onnxruntime
import pytest
from shared_data import REPOSITORY

BRIDGE = REPOSITORY / "flutter_bridge"
BUILD = REPOSITORY / "build"
C_TYPES: dict[str, Any] = {
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "uint8_t": ctypes.c_uint8,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "lp_status": ctypes.c_int32,
    "void": None,
    "const char *": ctypes.c_char_p,
}


def load_tool(name: str) -> ModuleType:
    """A script of flutter_bridge/tools as a module."""
    path = BRIDGE / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def engine_library() -> Path:
    """ONNX Runtime's shared library, as it lies in the Python wheel."""
    folder = Path(onnxruntime.__file__).parent / "capi"
    found = sorted([*folder.glob("libonnxruntime.so.*"), *folder.glob("libonnxruntime*.dylib")])
    if not found:
        pytest.skip("the onnxruntime wheel of this platform holds no shared library")
    return found[0]


def require_tools(*names: str) -> None:
    """Skip the calling test unless these commands exist."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"'{name}' is not installed: the C++ runtime cannot be built here")


@functools.cache
def dependencies() -> Path:
    """The folder of third-party headers, fetched when it is not there."""
    if given := os.environ.get("LP_DEPENDENCIES_DIR"):
        return Path(given)
    folder = BUILD / "dependencies"
    with lock("dependencies"):
        fetched = subprocess.run(
            [BRIDGE / "tools" / "get_dependencies.sh", folder], capture_output=True, text=True
        )
    if fetched.returncode != 0:
        pytest.skip(f"the C++ runtime's headers cannot be fetched: {fetched.stderr.strip()[-300:]}")
    return folder


@functools.cache
def build(flavour: str, *options: str, target: str = "all") -> Path:
    """Configure and build into build/bridge-<flavour>; returns that folder."""
    require_tools("cmake", "c++")
    folder = BUILD / f"bridge-{flavour}"
    headers = dependencies()
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    with lock(f"bridge-{flavour}"):
        configure = [f"-DLP_DEPENDENCIES_DIR={headers}", *options]
        _run(["cmake", "-S", BRIDGE, "-B", folder, *generator, *configure])
        _run(["cmake", "--build", folder, "--target", target, "--parallel", "2"])
    return folder


def runner_path() -> Path:
    """The built lp_play."""
    return build("release", "-DLP_BUILD_RUNNER=ON") / "runner" / "lp_play"


def library_path() -> Path:
    """The built liblp_bridge."""
    folder = build("release", "-DLP_BUILD_RUNNER=ON")
    return next(path for path in folder.glob("liblp_bridge.*") if path.suffix in (".so", ".dylib"))


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Test processes that run at the same time build one after the other."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _run(command: list[Any]) -> None:
    finished = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if finished.returncode != 0:
        raise AssertionError(f"{command[0]} failed:\n{finished.stdout[-4000:]}{finished.stderr}")


class NativeBridge:
    """lp_bridge.h through ctypes: `.constants`, `.structs` by name, functions as attributes."""

    def __init__(self, path: Path) -> None:
        self.header = load_tool("header_reader").read_header()
        self.constants = {item.name: item.value for item in self.header.constants}
        self.structs: dict[str, Any] = {}
        self.callbacks: dict[str, Any] = {}
        for callback in self.header.callbacks:
            arguments = [self._type(item.type) for item in callback.parameters]
            self.callbacks[callback.name] = ctypes.CFUNCTYPE(None, *arguments)
        for struct in self.header.structs:
            fields = [(item.name, self._type(item.type)) for item in struct.fields]
            self.structs[struct.name] = type(struct.name, (ctypes.Structure,), {"_fields_": fields})
        self.library = ctypes.CDLL(str(path))
        for function in self.header.functions:
            entry = getattr(self.library, function.name)
            entry.restype = self._type(function.result)
            entry.argtypes = [self._type(item.type) for item in function.parameters]
            setattr(self, function.name, entry)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"lp_bridge.h has no function '{name}'")

    def _type(self, text: str) -> Any:
        if text in C_TYPES:
            return C_TYPES[text]
        base = text.removeprefix("const ").rstrip(" *")
        if text.endswith("*"):
            # Numbers and structs are passed by reference; opaque and char pointers as addresses.
            known = {**C_TYPES, **self.structs}.get(base)
            return ctypes.POINTER(known) if known is not None else ctypes.c_void_p
        return self.callbacks[base]

    def new(self, struct: str, **fields: Any) -> Any:
        """A struct with struct_size set."""
        kind = self.structs[struct]
        return kind(struct_size=ctypes.sizeof(kind), **fields)

    def error_text(self) -> str:
        """The text of this thread's last error."""
        buffer = ctypes.create_string_buffer(8192)
        assert self.lp_last_error(buffer, len(buffer), None) == 0
        return buffer.value.decode()
