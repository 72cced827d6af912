"""Folders that appear whole or not at all.

A new folder is filled under a hidden name beside its place and renamed when it is complete. While
it is being filled a lock is held on it; a hidden folder that nobody locks belongs to a process that
died, and is removed by the next one that comes by.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PARTIAL = ".partial-"
LOCK_NAME = ".lock"


@contextlib.contextmanager
def unfinished_folder(parent: Path, name: str) -> Iterator[Path]:
    """A hidden folder in `parent` to fill; removed on leaving, unless `publish` moved it away.

    Raises:
        OSError: `parent` cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(parent, name)
    folder = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{name}-", dir=parent))
    os.chmod(folder, 0o755 & ~_umask())
    lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def publish(folder: Path, target: Path, replace: bool = False) -> None:
    """Give a complete folder its name.

    With `replace`, what stands there is moved aside first and removed after the new folder is in
    place; if the rename fails the old one comes back.

    Raises:
        OSError: the target exists (without `replace`), or cannot be written.
    """
    (folder / LOCK_NAME).unlink(missing_ok=True)
    if not (replace and target.exists()):
        os.rename(folder, target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{target.name}-", dir=target.parent))
    old = aside / "old"
    os.rename(target, old)
    try:
        os.rename(folder, target)
    except OSError:
        os.rename(old, target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_abandoned(parent: Path, name: str) -> int:
    """Remove hidden folders of this name that no living process fills; returns how many."""
    removed = 0
    for folder in sorted(parent.glob(f"{PARTIAL}{name}-*")):
        lock = _lock(folder)
        if lock is None:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        removed += 1
    return removed


def _lock(folder: Path) -> int | None:
    """An open, locked descriptor of the folder's lock file; None where another process has it."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
