"""The teacher's frames on disk: drawn once, read many times, resumed after a kill.

Layout of the folder: `keypoints.npy` (n, 21, 3) float32, `frames.bin` n x size x size x 3 uint8,
`cache.json` with what it was made of and how many frames are complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write
from lp_pack.distillation.teacher import Teacher, checked_frames
from lp_pack.errors import DistillationError

CHUNK = 16
SPARE_BYTES = 64 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FrameCache:
    """Keypoints (n, 21, 3) and the teacher's frames (n, size, size, 3) for them."""

    keypoints: NDArray[np.float32]
    frames: NDArray[np.uint8]


def cached_frames(
    teacher: Teacher,
    keypoints: NDArray[np.float32],
    folder: Path,
    label: str,
    progress: Progress | None = None,
) -> FrameCache:
    """Draw frames for `keypoints` into `folder`, or take up what is there.

    Args:
        teacher: draws the frames.
        keypoints: (n, 21, 3)
        folder: belongs to this cache alone; made if absent.
        label: says which teacher it is; frames of another one are drawn anew.
        progress: called with (complete, n) after each chunk.

    Raises:
        DistillationError: Not enough room on the disk, or the teacher's frames are unusable.
    """
    points = np.ascontiguousarray(keypoints, dtype=np.float32)
    size = teacher.frame_size
    key = hashlib.sha256(points.tobytes() + f"{label} {size}".encode()).hexdigest()
    record, store = folder / "cache.json", folder / "frames.bin"
    folder.mkdir(parents=True, exist_ok=True)
    complete = _complete(record, store, key, size)
    if complete == 0:
        store.unlink(missing_ok=True)
        _check_room(folder, len(points) * size * size * 3)
        np.save(folder / "keypoints.npy", points)
    try:
        with store.open("r+b" if store.exists() else "w+b") as stream:
            stream.seek(complete * size * size * 3)
            while complete < len(points):
                frames = checked_frames(teacher, points[complete : complete + CHUNK])
                stream.write(frames.tobytes())
                stream.flush()
                complete += len(frames)
                _write_record(record, key, complete)
                if progress is not None:
                    progress(complete, len(points))
    except OSError as error:
        raise DistillationError(
            "the teacher's frames could not be written",
            where=store,
            got=error.strerror or str(error),
            remedy="free some room or pass another work folder, then run the same command again: "
            "it resumes",
        ) from error
    shape = (len(points), size, size, 3)
    return FrameCache(points, np.memmap(store, dtype=np.uint8, mode="r", shape=shape))


def _complete(record: Path, store: Path, key: str, size: int) -> int:
    """How many frames of this very cache are already on disk."""
    if not record.is_file() or not store.is_file():
        return 0
    try:
        content = json.loads(record.read_text())
    except ValueError:
        return 0
    if not isinstance(content, dict) or content.get("key") != key:
        return 0
    return min(int(content.get("complete", 0)), store.stat().st_size // (size * size * 3))


def _write_record(record: Path, key: str, complete: int) -> None:
    with atomic_write(record) as stream:
        stream.write(json.dumps({"key": key, "complete": complete}).encode())


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise DistillationError(
            "the disk has no room for the teacher's frames",
            where=folder,
            expected=f"{(needed + SPARE_BYTES) >> 20} MiB",
            got=f"{free >> 20} MiB free",
            remedy="pass another work folder, or fewer training frames",
        )
