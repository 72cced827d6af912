"""Hashes of files, folders and source code."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

from lp_pack.atomic_folder import LOCK_NAME
from lp_runtime.manifest import FileRecord


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_record(root: Path, path: Path) -> FileRecord:
    """The record of a file, with its path relative to `root` in POSIX form."""
    return FileRecord(
        path=path.relative_to(root).as_posix(),
        sha256=file_sha256(path),
        bytes=path.stat().st_size,
    )


def folder_records(root: Path, exclude: tuple[str, ...] = ()) -> tuple[FileRecord, ...]:
    """Records of all files under `root`, sorted by path."""
    files = [path for path in root.rglob("*") if path.is_file()]
    names = {*exclude, LOCK_NAME}
    kept = [path for path in files if path.relative_to(root).as_posix() not in names]
    return tuple(sorted((file_record(root, path) for path in kept), key=lambda r: r.path))


@functools.cache
def code_sha256(module: str) -> str:
    """SHA-256 over the source of a module, or of all modules of a package; nothing is imported."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    origin = Path(spec.origin)
    files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(origin.parent).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
