"""`weights.json`: which published files lie in a folder, from which revision, with which hashes.

It is written last, so a folder that has it was once complete.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from lp_pack.hashing import file_sha256
from lp_pack.hub import FILES
from lp_runtime.manifest import FileRecord

RECORD_NAME = "weights.json"
MAX_RECORD_BYTES = 64 * 1024


class WeightsRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was downloaded. `requested` is the branch, tag or commit asked for, `revision` the
    commit that it stood for.
    """

    repository: str
    requested: str
    revision: str
    files: tuple[FileRecord, ...]


def read_record(folder: Path) -> WeightsRecord | None:
    """The record of `folder`; None where there is none or it is no record of all FILES.

    An unreadable record only means that every file is checked against the hub again.
    """
    try:
        with (folder / RECORD_NAME).open("rb") as stream:
            data = stream.read(MAX_RECORD_BYTES + 1)
        record = msgspec.json.decode(data, type=WeightsRecord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if {file.path for file in record.files} == set(FILES) else None


def write_record(folder: Path, record: WeightsRecord) -> None:
    """Write `weights.json` beside its place, then rename."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    partial = folder / f".{RECORD_NAME}.{os.getpid()}.partial"
    try:
        partial.write_bytes(text)
        partial.replace(folder / RECORD_NAME)
    finally:
        partial.unlink(missing_ok=True)


def is_intact(path: Path, size: int, sha256: str) -> bool:
    """Whether `path` is a file of that size and hash."""
    return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256
