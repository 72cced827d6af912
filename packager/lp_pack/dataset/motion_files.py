"""Motion that somebody recorded or generated: LivePortrait templates, JoyVASA sequences.

Formats: `.pkl` (a template, an array of 70 numbers a frame, or a dict of arrays), `.npy` with an
array (frames, 70), `.npz` with `motion` (frames, 70) or with exp, scale, t and pitch, yaw, roll or
R. The files come from strangers: pickles go through `lp_runtime.pickle_reader`, which runs nothing;
arrays of objects are refused; sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lp_pack.dataset.record import COMPONENTS, FRAME_RATE, MOTION_SIZE, check_motion
from lp_pack.errors import DatasetError
from lp_runtime.errors import InputError
from lp_runtime.motion_template import (
    MAX_FPS,
    ORTHOGONALITY_TOLERANCE,
    MotionTemplate,
    angles_of,
    parse_motion_template,
)
from lp_runtime.pickle_reader import read_pickle

Array = NDArray[np.float32]
ENDINGS = (".pkl", ".npy", ".npz")
MAX_BYTES = 256 * 1024 * 1024
SCALE, PITCH = 63, 67
# JoyVASA's own training data is normalised by its mean and deviation; scales near zero tell.
SMALLEST_SCALE, LARGEST_SCALE = 0.05, 20.0


def read_motion_file(path: Path) -> MotionTemplate:
    """Read a motion file; a rotation becomes angles exactly.

    Raises:
        DatasetError: the file is absent, too large, hostile or damaged, or a number in it is not
            finite; names clip, and frame where there is one.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError("it is too large", expected=f"{MAX_BYTES} bytes at most")
        template = _parse(path.suffix.lower(), data)
    except OSError as error:
        raise DatasetError(
            "the motion file cannot be read", where=path, got=error.strerror
        ) from error
    except (InputError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        place = getattr(error, "where", None)
        raise DatasetError(
            f"the motion file cannot be used: {getattr(error, 'what', error)}",
            where=f"clip {path.name}" + ("" if place is None else f", {place}"),
            expected=getattr(error, "expected", "motion as LivePortrait or JoyVASA write it"),
            got=getattr(error, "got", None),
            remedy=getattr(error, "remedy", None),
        ) from error
    check_motion(path.name, template.motion)
    _check_scale(path, template.motion)
    return template


def resampled(
    template: MotionTemplate, frames: int, offset: float
) -> tuple[Array, NDArray[np.bool_]]:
    """Motion (frames, 70) on the dataset's grid, and which of its rows (frames,) lie in the file.

    `offset`: seconds to add to a time in the sound to get the time in the motion. Linear between
    rows; angles take the short way.
    """
    times = ((np.arange(frames) + 0.5) / FRAME_RATE + offset) * template.fps - 0.5
    inside = (times > -1.0) & (times < len(template.motion))
    rows = template.motion.astype(np.float64).copy()
    rows[:, PITCH:] = np.unwrap(rows[:, PITCH:], axis=0, period=360.0)
    at = np.arange(len(rows))
    motion = np.stack([np.interp(times, at, column) for column in rows.T], axis=1)
    motion[:, PITCH:] = (motion[:, PITCH:] + 180.0) % 360.0 - 180.0
    return motion.astype(np.float32), np.asarray(inside, np.bool_)


def _parse(ending: str, data: bytes) -> MotionTemplate:
    if ending == ".pkl":
        content = read_pickle(data)
        if isinstance(content, dict) and isinstance(content.get("motion"), list):
            return parse_motion_template(content)
        return _sequence(content)
    if ending == ".npy":
        return _sequence(_array(np.load(io.BytesIO(data), allow_pickle=False)))
    if ending == ".npz":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_BYTES:
            raise InputError(
                "it unpacks to too much", expected=f"{MAX_BYTES} bytes", got=f"{unpacked} bytes"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return _sequence({name: _array(archive[name]) for name in archive.files})
    raise InputError("unknown kind of file", expected=" or ".join(ENDINGS), got=ending)


def _sequence(content: Any) -> MotionTemplate:
    """An array (frames, 70), or a dict of such arrays."""
    if isinstance(content, np.ndarray):
        return MotionTemplate(float(FRAME_RATE), _rows(content, (MOTION_SIZE,), "motion"))
    if not isinstance(content, dict):
        raise InputError("no motion in it", expected="an array or a dict", got=type(content))
    fps = _fps(content)
    if "motion" in content:
        return MotionTemplate(fps, _rows(content["motion"], (MOTION_SIZE,), "motion"))
    parts = [
        _rows(content.get(name), shape, name)
        for name, shape in (("exp", (21, 3)), ("scale", (1,)), ("t", (3,)))
    ]
    rotation = next((name for name in ("R", "R_d") if name in content), None)
    if rotation is not None:
        parts.append(_angles(_rows(content[rotation], (3, 3), rotation)))
    else:
        parts += [_rows(content.get(name), (1,), name) for name in ("pitch", "yaw", "roll")]
    if len({len(part) for part in parts}) != 1:
        raise InputError(
            "its arrays are not equally long", got=sorted({len(part) for part in parts})
        )
    return MotionTemplate(fps, np.concatenate(parts, axis=1))


def _rows(value: Any, shape: tuple[int, ...], name: str) -> Array:
    """`value` as (frames, product of shape) float32."""
    size = int(np.prod(shape))
    array = _array(value) if isinstance(value, np.ndarray) else None
    if array is None or array.ndim < 1 or not len(array) or array.size != len(array) * size:
        raise InputError(
            "an array is missing or has another shape",
            where=name,
            expected=f"(frames, {', '.join(map(str, shape))})",
            got="nothing" if array is None else array.shape,
        )
    with np.errstate(over="ignore"):
        return array.reshape(len(array), size).astype(np.float32)


def _array(value: NDArray[Any]) -> NDArray[Any]:
    if value.dtype.kind not in "fiu":
        raise InputError("an array does not hold numbers", expected="float32", got=value.dtype)
    return value


def _angles(rotations: Array) -> Array:
    matrices = rotations.reshape(-1, 3, 3).astype(np.float64)
    off = np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    # Written so that NaN counts as wrong.
    wrong = np.flatnonzero(~(off <= ORTHOGONALITY_TOLERANCE) | (np.linalg.det(matrices) < 0))
    if len(wrong):
        raise InputError(
            "a head rotation is not a rotation matrix",
            where=f"frame {wrong[0]}, R",
            expected="orthogonal rows and determinant 1",
            got=f"off by {off[wrong[0]]:.3g}",
        )
    return np.array([angles_of(matrix) for matrix in matrices], np.float32)


def _fps(content: dict[str, Any]) -> float:
    value = next((content[name] for name in ("output_fps", "fps") if name in content), FRAME_RATE)
    rate = np.asarray(value)
    if rate.dtype.kind not in "fiu" or rate.size != 1 or not 0 < rate.reshape(()) <= MAX_FPS:
        raise InputError(
            "the frame rate is out of range", where="fps", expected=f"0 to {MAX_FPS:g}", got=value
        )
    return float(rate.reshape(()))


def _check_scale(path: Path, motion: Array) -> None:
    wrong = np.flatnonzero((motion[:, SCALE] < SMALLEST_SCALE) | (motion[:, SCALE] > LARGEST_SCALE))
    if len(wrong):
        raise DatasetError(
            "the motion is not in LivePortrait's units",
            where=f"clip {path.name}, frame {wrong[0]}, {COMPONENTS[SCALE]}",
            expected=f"a scale of {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}",
            got=f"{motion[wrong[0], SCALE]:.3g}",
            remedy="undo the normalisation (JoyVASA's mean and deviation) before",
        )
