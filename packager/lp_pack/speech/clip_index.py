"""`index.json` of a folder of clips: written by `lp-pack voices`, read by `lp-pack extract`.

{"format": 1, "sample_rate": 16000, "frame_rate": 25, "clips": [{"id": ..., "file": ..., ...}]}
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lp_models.atomic_file import atomic_write
from lp_pack.errors import DatasetError

INDEX_NAME = "index.json"
FORMAT = 1
MAX_BYTES = 256 * 1024 * 1024


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One clip of the folder.

    duration: seconds of the sound. start_frame and end_frame: frames [start, end) at 25 a second
    between which somebody speaks. alignment_offset: seconds to add to a time in the sound to get
    the time in the motion or the picture. motion: file with the motion, beside `file`; absent
    where it comes from the file's own picture or from phonemes. phonemes: IPA name, start and end
    in seconds, where the engine knows them.
    """

    id: str
    file: str
    text: str = ""
    language: str = ""
    section: str = ""
    emotion: str = "neutral"
    intensity: float = 1.0
    duration: float | None = None
    start_frame: int | None = None
    end_frame: int | None = None
    alignment_offset: float = 0.0
    speed: float = 1.0
    engine: str = ""
    motion: str | None = None
    phonemes: tuple[tuple[str, float, float], ...] = ()


class ClipIndex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    format: int = FORMAT
    sample_rate: int = 16000
    frame_rate: float = 25.0
    clips: tuple[Clip, ...] = ()


def write_index(folder: Path, index: ClipIndex) -> None:
    """Write the folder's index; a reader never sees half of it."""
    with atomic_write(folder / INDEX_NAME) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n")


def read_index(folder: Path) -> ClipIndex:
    """Read the folder's index.

    Raises:
        DatasetError: it is absent, too large, not of this form, or names a clip twice.
    """
    path = folder / INDEX_NAME
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise msgspec.ValidationError(f"more than {MAX_BYTES} bytes")
        index = msgspec.json.decode(data, type=ClipIndex)
    except OSError as error:
        raise DatasetError(
            "the folder has no readable index",
            where=path,
            got=error.strerror,
            remedy="make one with `lp-pack voices`, or pass the video files themselves",
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(
            "the index is not of the expected form",
            where=path,
            expected='{"clips": [{"id": ..., "file": ...}, ...]}',
            got=error,
        ) from error
    if index.format != FORMAT:
        raise DatasetError(
            "the index is of another version", where=path, expected=FORMAT, got=index.format
        )
    seen: set[str] = set()
    for clip in index.clips:
        if clip.id in seen:
            raise DatasetError("the index names a clip twice", where=path, got=clip.id)
        seen.add(clip.id)
    return index
