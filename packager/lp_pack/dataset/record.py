"""One clip on disk: `<id>.safetensors` with the numbers, `<id>.json` with where they come from.

The numbers are memory-mapped: a reader touches only the frames that it asks for, so a dataset may
be far larger than memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lp_models.atomic_file import atomic_write
from lp_pack.errors import DatasetError

FORMAT = 1
SAMPLE_RATE, FRAME_RATE, SAMPLES_PER_FRAME = 16_000, 25, 640
MOTION_SIZE, NUM_KEYPOINTS = 70, 21
FULL_SCALE = 32767
MAX_JSON_BYTES = 16 * 1024 * 1024
COMPONENTS = (
    *(f"exp {index // 3} {'xyz'[index % 3]}" for index in range(63)),
    *("scale", "t x", "t y", "t z", "pitch", "yaw", "roll"),
)
Array = NDArray[np.float32]


class ClipRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a clip comes from, and what there is to know about it.

    kind: what the labels were made by: video, template, sequence or phonemes.
    source: names of the files, without their folders; hashes: SHA-256 by name.
    key: hash of everything that the numbers depend on; a rerun compares it.
    network: hash of the motion extractor's weights, "seeded" or "".
    notices: what was repaired, with frames.
    """

    format: int = FORMAT
    id: str
    kind: str
    frames: int
    valid_frames: int
    key: str
    source: tuple[str, ...]
    hashes: dict[str, str]
    network: str = ""
    options: dict[str, str] = {}
    text: str = ""
    language: str = ""
    emotion: str = "neutral"
    intensity: float = 1.0
    drift: float | None = None
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / FRAME_RATE


@dataclass(frozen=True)
class ClipData:
    """The numbers of a clip.

    pcm: (frames * 640,) int16, 16 kHz mono.
    motion: (frames, 70) float32, row i the face in the middle of audio frame i.
    valid: (frames,) bool, False where there is no trustworthy label.
    canonical_keypoints: (frames, 21, 3) float32; zeros where the source has none.
    """

    pcm: NDArray[np.int16]
    motion: Array
    valid: NDArray[np.bool_]
    canonical_keypoints: Array

    @classmethod
    def of(
        cls,
        samples: Array,
        motion: Array,
        valid: NDArray[np.bool_] | None = None,
        canonical_keypoints: Array | None = None,
    ) -> ClipData:
        """From samples (frames * 640,) in [-1, 1] and motion (frames, 70)."""
        frames = len(motion)
        if canonical_keypoints is None:
            canonical_keypoints = np.zeros((frames, NUM_KEYPOINTS, 3), np.float32)
        return cls(
            np.round(np.clip(samples, -1, 1) * FULL_SCALE).astype(np.int16),
            motion.astype(np.float32),
            np.ones(frames, np.bool_) if valid is None else valid,
            canonical_keypoints.astype(np.float32),
        )


def check_motion(clip: str, motion: Array) -> None:
    """Refuse labels (frames, 70) that are not finite.

    Raises:
        DatasetError: names the clip, its first bad frame and the number in it.
    """
    bad = np.argwhere(~np.isfinite(motion))
    if len(bad):
        frame, component = (int(index) for index in bad[0])
        raise DatasetError(
            "a motion label is not a finite number",
            where=f"clip {clip}, frame {frame}, {COMPONENTS[component]}",
            expected="finite numbers",
            got=f"{motion[frame, component]} (and {len(bad) - 1} more in the clip)",
            remedy="make the labels again, or leave the clip out",
        )


def write_clip(folder: Path, record: ClipRecord, data: ClipData) -> None:
    """Write a clip; its JSON last, so that a clip without one is not there.

    Raises:
        DatasetError: a label is not finite, or the arrays do not fit each other.
    """
    check_motion(record.id, data.motion)
    expected = (record.frames * SAMPLES_PER_FRAME, record.frames, record.frames, record.frames)
    got = (len(data.pcm), len(data.motion), len(data.valid), len(data.canonical_keypoints))
    if expected != got:
        raise DatasetError(
            "sound and motion are not equally long",
            where=f"clip {record.id}",
            expected=f"{expected[0]} samples for {record.frames} frames",
            got=got,
        )
    tensors = {
        "pcm": data.pcm,
        "motion": data.motion,
        "valid": data.valid.astype(np.uint8),
        "canonical_keypoints": data.canonical_keypoints,
    }
    with atomic_write(folder / f"{record.id}.safetensors") as stream:
        stream.write(save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))
    with atomic_write(folder / f"{record.id}.json") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def read_record(path: Path) -> ClipRecord:
    """Read a clip's JSON.

    Raises:
        DatasetError: it is no such file, or of another version.
    """
    try:
        with path.open("rb") as stream:
            record = msgspec.json.decode(stream.read(MAX_JSON_BYTES), type=ClipRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(
            "a clip's record cannot be read", where=path, got=error, remedy="extract it again"
        ) from error
    if record.format != FORMAT or record.id != path.stem:
        raise DatasetError(
            "a clip's record is not what its name says",
            where=path,
            expected=f"format {FORMAT}, id {path.stem}",
            got=f"format {record.format}, id {record.id}",
        )
    return record


class ClipReader:
    """Random access to one clip's numbers; nothing but what is asked for is read."""

    def __init__(self, folder: Path, record: ClipRecord) -> None:
        """Raises DatasetError when the file is absent, damaged or not of the record's size."""
        self.record = record
        self._path = folder / f"{record.id}.safetensors"
        try:
            self._file: Any = safe_open(self._path, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise self._broken(error) from error
        shapes = {
            "pcm": [record.frames * SAMPLES_PER_FRAME],
            "motion": [record.frames, MOTION_SIZE],
            "valid": [record.frames],
            "canonical_keypoints": [record.frames, NUM_KEYPOINTS, 3],
        }
        keys = set(self._file.keys())
        found = {name: self._file.get_slice(name).get_shape() for name in keys & shapes.keys()}
        if found != shapes:
            raise self._broken(f"tensors {found}")

    def pcm(self, start: int, stop: int) -> NDArray[np.int16]:
        """Samples of frames [start, stop), ((stop - start) * 640,)."""
        return self._part("pcm", start * SAMPLES_PER_FRAME, stop * SAMPLES_PER_FRAME)

    def samples(self, start: int, stop: int) -> Array:
        """The same as float32 in [-1, 1]."""
        return self.pcm(start, stop).astype(np.float32) / np.float32(FULL_SCALE)

    def motion(self, start: int, stop: int) -> Array:
        """Motion of frames [start, stop), (stop - start, 70)."""
        return self._part("motion", start, stop)

    def valid(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Which of frames [start, stop) have a trustworthy label."""
        return self._part("valid", start, stop).astype(np.bool_)

    def canonical_keypoints(self, start: int, stop: int) -> Array:
        """Canonical keypoints of frames [start, stop), (stop - start, 21, 3)."""
        return self._part("canonical_keypoints", start, stop)

    def _part(self, name: str, start: int, stop: int) -> NDArray[Any]:
        return np.asarray(self._file.get_slice(name)[start:stop])

    def _broken(self, got: object) -> DatasetError:
        return DatasetError(
            "a clip's numbers cannot be read",
            where=self._path,
            expected=f"{self.record.frames} frames",
            got=got,
            remedy="extract it again",
        )


def remove_clip(folder: Path, identifier: str) -> None:
    """Remove what lies there of a clip."""
    for ending in (".json", ".safetensors"):
        with contextlib.suppress(FileNotFoundError):
            (folder / f"{identifier}{ending}").unlink()


def records(folder: Path) -> Iterator[ClipRecord]:
    """Records of all clips of a folder, by name.

    Raises:
        DatasetError: a record cannot be read.
    """
    for path in sorted(folder.glob("*.json")):
        yield read_record(path)
