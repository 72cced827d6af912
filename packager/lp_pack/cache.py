"""Finished stages on disk, found by what went into them.

An entry is a folder `<stage>-<key>` that holds the stage's files and `entry.json`, which lists them
with their hashes. The key covers everything that shapes the result (`stages.stage_key`), so an
entry is never out of date; it can only be damaged: the hashes show that, and it is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lp_pack.atomic_folder import publish, unfinished_folder
from lp_pack.hashing import folder_records
from lp_runtime.manifest import FileRecord

ENTRY_NAME = "entry.json"
DEFAULT_LIMIT_BYTES = 20 * 1000**3


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What entry.json holds."""

    stage: str
    key: str
    files: tuple[FileRecord, ...]
    # How long the stage ran, and in which class of cost; not part of the result's digest.
    seconds: float | None = None
    cost_class: str = ""


@dataclass(frozen=True)
class Finished:
    """A finished stage: where its files lie, and one hash over all of them."""

    folder: Path
    digest: str


def default_cache_folder() -> Path:
    """`$XDG_CACHE_HOME/lp-pack`, by default `~/.cache/lp-pack`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lp-pack"


@dataclass(frozen=True)
class Cache:
    """A folder of finished stages; several builds may use it at once."""

    folder: Path

    def find(self, stage: str, key: str) -> Finished | None:
        """The entry, if it is there and undamaged; a damaged one is removed."""
        folder = self._place(stage, key)
        if not folder.is_dir():
            return None
        try:
            entry = msgspec.json.decode((folder / ENTRY_NAME).read_bytes(), type=_Entry)
            records = folder_records(folder, exclude=(ENTRY_NAME,))
        except (OSError, msgspec.MsgspecError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        if records != entry.files or (entry.stage, entry.key) != (stage, key):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        os.utime(folder)
        return Finished(folder, _digest(records))

    @contextlib.contextmanager
    def fill(self, stage: str, key: str, cost_class: str = "") -> Iterator[Path]:
        """A folder for the stage to write into; becomes the entry when the block ends well.

        Where another build finished the same stage meanwhile, its entry stays and this one goes.
        The time that the block took is kept for estimates of later builds of this `cost_class`.
        """
        with unfinished_folder(self.folder, f"{stage}-{key}") as folder:
            began = time.monotonic()
            yield folder
            seconds = round(time.monotonic() - began, 3)
            records = folder_records(folder, exclude=(ENTRY_NAME,))
            entry = _Entry(
                stage=stage, key=key, files=records, seconds=seconds, cost_class=cost_class
            )
            (folder / ENTRY_NAME).write_bytes(msgspec.json.encode(entry))
            with contextlib.suppress(FileExistsError):
                _publish_if_absent(folder, self._place(stage, key))

    def seconds(self, stage: str, cost_class: str) -> float | None:
        """Median time of this stage in earlier builds of the same class, whatever their key."""
        found = []
        for path in self.folder.glob(f"{stage}-*/{ENTRY_NAME}"):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                entry = msgspec.json.decode(path.read_bytes(), type=_Entry)
                if entry.seconds is not None and entry.cost_class == cost_class:
                    found.append(entry.seconds)
        return statistics.median(found) if found else None

    def trim(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> int:
        """Remove the entries unused for longest until the cache fits; returns how many."""
        entries = [path for path in self.folder.glob("*-*") if (path / ENTRY_NAME).is_file()]
        entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        total, removed = 0, 0
        for path in entries:
            total += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            if total > limit_bytes:
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
        return removed

    def _place(self, stage: str, key: str) -> Path:
        return self.folder / f"{stage}-{key}"


def _publish_if_absent(folder: Path, place: Path) -> None:
    try:
        publish(folder, place)
    except OSError as error:
        if not place.is_dir():
            raise
        raise FileExistsError(place) from error


def _digest(records: tuple[FileRecord, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(records)).hexdigest()
