"""Motion templates: recorded head motion that drives a persona.

The files are LivePortrait's pickles (`{n_frames, output_fps, motion: [...]}`), also as JoyVASA
writes them. They come from strangers and are read by `pickle_reader`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lp_runtime.errors import InputError
from lp_runtime.pickle_reader import read_pickle

MAX_BYTES = 64 * 1024 * 1024
MAX_FRAMES = 200_000
MAX_FPS = 240.0
MOTION_SIZE = 70
# Slices of the motion vector.
EXPRESSION, SCALE, TRANSLATION = slice(0, 63), slice(63, 64), slice(64, 67)
PITCH, YAW, ROLL = 67, 68, 69
# A rotation matrix's rows may be off a right angle by this much; float32 leaves 1e-6.
ORTHOGONALITY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class MotionTemplate:
    """Recorded motion.

    fps: frames a second.
    motion: (frames, 70) float32: expression 63, scale, translation 3, pitch, yaw, roll (degrees).
    """

    fps: float
    motion: np.ndarray


def read_motion_template(path: str | Path) -> MotionTemplate:
    """Read a motion template; nothing in the file is ever executed.

    Raises InputError when the file is missing, too large, not such a pickle, or its numbers have
    the wrong shape or are not finite.
    """
    where = Path(path)
    try:
        with where.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            "The motion template cannot be read.", where=where, got=error.strerror
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(
            "The motion template is too large.",
            where=where,
            expected=f"{MAX_BYTES} bytes at most",
            got=f"{where.stat().st_size} bytes",
        )
    try:
        return parse_motion_template(read_pickle(data))
    except InputError as error:
        raise InputError(
            f"The motion template cannot be used. {error.what}",
            where=where if error.where is None else f"{where}: {error.where}",
            expected=error.expected,
            got=error.got,
            remedy=error.remedy,
        ) from error


def parse_motion_template(content: Any) -> MotionTemplate:
    """The template in an unpickled dict; raises InputError that names frame and key."""
    if not isinstance(content, dict) or not isinstance(content.get("motion"), list):
        raise InputError(
            "It is not a motion template.",
            expected="a dict with the list 'motion'",
            got=_keys(content) if isinstance(content, dict) else type(content).__name__,
        )
    frames = content["motion"]
    if not 0 < len(frames) <= MAX_FRAMES:
        raise InputError(
            "The number of frames is out of range.",
            where="motion",
            expected=f"1 to {MAX_FRAMES}",
            got=len(frames),
        )
    declared = content.get("n_frames", len(frames))
    if not isinstance(declared, int) or declared != len(frames):
        raise InputError(
            "The number of frames is not the declared one.",
            where="n_frames",
            expected=f"{len(frames)}, as there are frames",
            got=declared if isinstance(declared, int) else type(declared).__name__,
        )
    motion = np.stack([_motion_vector(frame, index) for index, frame in enumerate(frames)])
    return MotionTemplate(_frame_rate(content), motion)


def rotation_matrices(angles: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) of angles (n, 3): pitch, yaw, roll in degrees.

    R = (Rz(roll) Ry(yaw) Rx(pitch)) transposed: row vectors multiply from the left
    (LivePortrait's convention).
    """
    radians = np.radians(np.asarray(angles, dtype=np.float64))
    cos_x, cos_y, cos_z = np.cos(radians).T
    sin_x, sin_y, sin_z = np.sin(radians).T
    columns = [
        [cos_z * cos_y, sin_z * cos_y, -sin_y],
        [
            cos_z * sin_y * sin_x - sin_z * cos_x,
            sin_z * sin_y * sin_x + cos_z * cos_x,
            cos_y * sin_x,
        ],
        [
            cos_z * sin_y * cos_x + sin_z * sin_x,
            sin_z * sin_y * cos_x - cos_z * sin_x,
            cos_y * cos_x,
        ],
    ]
    return np.moveaxis(np.array(columns), -1, 0)


def angles_of(rotation: np.ndarray) -> tuple[float, float, float]:
    """Pitch, yaw, roll in degrees of one rotation (3, 3), the inverse of `rotation_matrices`.

    Yaw lies within +-90 degrees. Where it reaches 90 (gimbal lock) only the difference of pitch
    and roll is defined; roll is then zero.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    cos_yaw = np.hypot(matrix[0, 0], matrix[0, 1])
    yaw = np.arctan2(-matrix[0, 2], cos_yaw)
    if cos_yaw < 1e-6:
        pitch, roll = np.arctan2(-matrix[2, 1], matrix[1, 1]), 0.0
    else:
        pitch = np.arctan2(matrix[1, 2], matrix[2, 2])
        roll = np.arctan2(matrix[0, 1], matrix[0, 0])
    degrees = np.degrees([pitch, yaw, roll])
    return float(degrees[0]), float(degrees[1]), float(degrees[2])


def _motion_vector(frame: Any, index: int) -> np.ndarray:
    where = f"motion[{index}]"
    if not isinstance(frame, dict):
        raise InputError(
            "A frame is not a dict.", where=where, expected="a dict", got=type(frame).__name__
        )
    vector = np.empty(MOTION_SIZE, np.float32)
    vector[EXPRESSION] = _numbers(frame, "exp", (21, 3), where).reshape(63)
    vector[SCALE] = _numbers(frame, "scale", (1,), where)
    vector[TRANSLATION] = _numbers(frame, "t", (3,), where)
    vector[[PITCH, YAW, ROLL]] = _angles(frame, where)
    return vector


def _angles(frame: dict[str, Any], where: str) -> tuple[float, ...]:
    """From a rotation where there is one (all that LivePortrait uses), else from angles."""
    key = next((key for key in ("R", "R_d") if key in frame), None)
    if key is None and "pitch" in frame:
        return tuple(
            float(_numbers(frame, name, (1,), where)[0]) for name in ("pitch", "yaw", "roll")
        )
    rotation = _numbers(frame, key or "R", (3, 3), where).astype(np.float64)
    error = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if error > ORTHOGONALITY_TOLERANCE or np.linalg.det(rotation) < 0:
        raise InputError(
            "A head rotation is not a rotation matrix.",
            where=f"{where}.{key}",
            expected="orthogonal rows and determinant 1",
            got=f"off by {error:.3g}, determinant {np.linalg.det(rotation):.3g}",
        )
    return angles_of(rotation)


def _numbers(frame: dict[str, Any], key: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    """The array under `key`; leading axes of size 1 are dropped."""
    place = f"{where}.{key}"
    if key not in frame:
        raise InputError("A frame lacks a key.", where=place, expected=key, got=_keys(frame))
    value = frame[key]
    if not isinstance(value, np.ndarray | np.generic | int | float):
        raise InputError(
            "A frame's entry is not numeric.",
            where=place,
            expected=f"an array of shape {list(shape)}",
            got=type(value).__name__,
        )
    with np.errstate(over="ignore"):
        array = np.asarray(value).astype(np.float32)
    size = math.prod(shape)
    flat = array.size == size and set(array.shape) <= {1, size}
    if not flat and _without_leading_ones(array.shape) != _without_leading_ones(shape):
        raise InputError(
            "A frame's entry has the wrong shape.",
            where=place,
            expected=[1, *shape],
            got=list(array.shape),
        )
    if not np.isfinite(array).all():
        raise InputError(
            "A frame's entry holds NaN or infinity.",
            where=place,
            expected="finite single-precision numbers",
        )
    return array.reshape(shape)


def _keys(entries: dict[str, Any]) -> list[str]:
    """A few keys, short enough for a message."""
    return [key[:40] for key in sorted(entries)[:10]]


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


def _frame_rate(content: dict[str, Any]) -> float:
    rate = content.get("output_fps", 25)
    valid = isinstance(rate, int | float | np.number) and 0 < float(rate) <= MAX_FPS
    if not valid:
        raise InputError(
            "The frame rate is out of range.",
            where="output_fps",
            expected=f"0 to {MAX_FPS:g} frames a second",
            got=rate if isinstance(rate, int | float) else type(rate).__name__,
        )
    return float(rate)
