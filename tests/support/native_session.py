"""A session of the C++ runtime as a test sees it: numpy in, numpy out, statuses as names."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from native_bridge import NativeBridge, engine_library


class StatusError(AssertionError):
    """A call returned something else than LP_OK."""

    def __init__(self, bridge: NativeBridge, call: str, status: int) -> None:
        self.status = bridge.lp_status_name(status).decode()
        self.text = bridge.error_text()
        super().__init__(f"{call}: {self.status}: {self.text}")


@dataclass(frozen=True)
class NativeFrame:
    """One drawn frame: pixels (height, width, 4) uint8 and what lp_frame_info says."""

    pixels: np.ndarray
    utterance: int
    index: int
    time_us: int
    is_last: bool
    dropped_before: int


class NativeSession:
    """lp_open ... lp_close; every method raises StatusError when its call does not succeed."""

    def __init__(self, bridge: NativeBridge, path: Path | str, **options: Any) -> None:
        self.bridge = bridge
        self.handle = ctypes.c_void_p()
        options.setdefault("engine_library", str(engine_library()).encode())
        options.setdefault("abi_version", bridge.constants["LP_ABI_VERSION"])
        options.setdefault("thread_count", 1)
        given = bridge.new("lp_open_options", **options)
        self._check("lp_open", str(path).encode(), ctypes.byref(given), ctypes.byref(self.handle))
        self.info = bridge.new("lp_info")
        self._check("lp_get_info", self.handle, ctypes.byref(self.info))

    def __enter__(self) -> NativeSession:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.bridge.lp_close(self.handle)

    def call(self, name: str, *arguments: Any) -> str:
        """The status of a call on this session, as a name."""
        status = getattr(self.bridge, name)(self.handle, *arguments)
        return self.bridge.lp_status_name(status).decode()

    def _check(self, name: str, *arguments: Any) -> None:
        status = getattr(self.bridge, name)(*arguments)
        if status != 0:
            raise StatusError(self.bridge, name, status)

    def push(self, samples: np.ndarray, rate: int | None = None) -> None:
        kind, name = (
            (ctypes.c_int16, "lp_push_pcm16")
            if samples.dtype == np.int16
            else (ctypes.c_float, "lp_push_pcm")
        )
        pointer = np.ascontiguousarray(samples).ctypes.data_as(ctypes.POINTER(kind))
        rate = self.info.sample_rate_hz if rate is None else rate
        self._check(name, self.handle, pointer, len(samples), rate)

    def flush(self) -> None:
        self._check("lp_flush", self.handle)

    def reset(self) -> None:
        self._check("lp_reset", self.handle)

    def set_emotion(self, label: str, intensity: float) -> None:
        self._check("lp_set_emotion", self.handle, label.encode(), intensity)

    def set_control(self, name: str, values: np.ndarray) -> None:
        flat = np.ascontiguousarray(values, np.float32).reshape(-1)
        pointer = flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._check("lp_set_control", self.handle, name.encode(), pointer, flat.size)

    def set_background(self, **fields: Any) -> None:
        background = self.bridge.new("lp_background", **fields)
        self._check("lp_set_background", self.handle, ctypes.byref(background))

    def set_background_picture(self, rgb: np.ndarray) -> None:
        rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        rgba = np.ascontiguousarray(rgba)
        self.set_background(
            kind=self.bridge.constants["LP_BACKGROUND_PICTURE"],
            width_px=rgb.shape[1],
            height_px=rgb.shape[0],
            stride_bytes=rgb.shape[1] * 4,
            capacity_bytes=rgba.nbytes,
            pixels=rgba.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)),
        )

    def surface(self, buffer: np.ndarray, stride: int, picture_format: str = "RGBA8") -> Any:
        """An lp_surface over a one-dimensional uint8 buffer, which must outlive it."""
        return self.bridge.new(
            "lp_surface",
            format=self.bridge.constants[f"LP_FORMAT_{picture_format}"],
            width_px=self.info.width_px,
            height_px=self.info.height_px,
            stride_bytes=stride,
            capacity_bytes=buffer.size,
            pixels=buffer.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)),
        )

    def render(self, timeout_ms: int = 20_000, picture_format: str = "RGBA8") -> NativeFrame:
        height, width = self.info.height_px, self.info.width_px
        buffer = np.zeros(height * width * 4, np.uint8)
        surface = self.surface(buffer, width * 4, picture_format)
        info = self.bridge.new("lp_frame_info")
        self._check("lp_render", self.handle, ctypes.byref(surface), timeout_ms, ctypes.byref(info))
        return NativeFrame(
            buffer.reshape(height, width, 4),
            info.utterance,
            info.index,
            info.time_us,
            bool(info.is_last),
            info.dropped_before,
        )

    def render_all(self) -> list[NativeFrame]:
        """Frames up to the last of the utterance."""
        frames = [self.render()]
        while not frames[-1].is_last:
            frames.append(self.render())
        return frames

    def watch(self, name: str) -> None:
        self._check("lp_watch", self.handle, name.encode())

    def value(self, name: str) -> np.ndarray:
        count = ctypes.c_uint64()
        self.bridge.lp_read_value(self.handle, name.encode(), None, 0, ctypes.byref(count))
        values = np.zeros(count.value, np.float32)
        pointer = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._check(
            "lp_read_value", self.handle, name.encode(), pointer, values.size, ctypes.byref(count)
        )
        return values

    def json(self, call: str) -> Any:
        """The JSON that `lp_describe` or `lp_self_check_report` writes."""
        needed = ctypes.c_uint64()
        self.call(call, None, 0, ctypes.byref(needed))
        buffer = ctypes.create_string_buffer(needed.value)
        self._check(call, self.handle, buffer, needed.value, None)
        return json.loads(buffer.value)

    def self_check(self) -> Any:
        result = self.bridge.new("lp_self_check_result")
        self._check("lp_self_check", self.handle, ctypes.byref(result))
        return result

    def statistics(self) -> Any:
        result = self.bridge.new("lp_statistics")
        self._check("lp_get_statistics", self.handle, ctypes.byref(result))
        return result


def open_in_new_process(bundle: Path, engine: str) -> tuple[str, str]:
    """Status and text of an lp_open that must fail, in a process of its own.

    A process keeps its first engine.
    """
    program = (
        "import json, sys\n"
        "from native_bridge import NativeBridge, library_path\n"
        "from native_session import NativeSession, StatusError\n"
        "try:\n"
        "    NativeSession(NativeBridge(library_path()), sys.argv[1],"
        " engine_library=sys.argv[2].encode())\n"
        "except StatusError as error:\n"
        "    print(json.dumps([error.status, error.text]))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    finished = subprocess.run(
        [sys.executable, "-c", program, str(bundle), engine],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert finished.returncode == 0, finished.stderr
    status, text = json.loads(finished.stdout)
    return status, text
