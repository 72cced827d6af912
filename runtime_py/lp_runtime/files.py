"""Paths, sizes and hashes of a bundle's files; nothing outside the bundle is ever opened."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from lp_runtime.errors import BundleError
from lp_runtime.manifest import FileRecord

REBUILD = "copy or build the bundle again"


def path_inside(root: Path, relative: str) -> Path:
    """The path of `relative` below `root`, with every symbolic link resolved.

    Raises BundleError when it lies outside the bundle or does not exist.
    """
    resolved_root = root.resolve()
    path = resolved_root / relative
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise BundleError(
            "A file of the bundle is missing.",
            where=root / relative,
            expected="the file that the manifest lists",
            got=error.strerror if isinstance(error, OSError) else error,
            remedy=REBUILD,
        ) from error
    if not resolved.is_relative_to(resolved_root):
        raise BundleError(
            "A path leads out of the bundle.",
            where=root / relative,
            expected=f"a file below {resolved_root}",
            got=resolved,
            remedy="do not use this bundle; it was tampered with or copied wrongly",
        )
    return resolved


def checked_file(root: Path, record: FileRecord, verify_hash: bool) -> Path:
    """The record's path once its type and size (and hash, if asked for) are as recorded."""
    path = path_inside(root, record.path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise BundleError(
            "Something in the bundle is not a plain file.", where=root / record.path, remedy=REBUILD
        )
    if status.st_size != record.bytes:
        raise BundleError(
            "A file of the bundle has the wrong size.",
            where=root / record.path,
            expected=f"{record.bytes} bytes",
            got=f"{status.st_size} bytes",
            remedy=REBUILD,
        )
    if verify_hash:
        digest = file_sha256(path)
        if digest != record.sha256:
            raise BundleError(
                "A file of the bundle was changed.",
                where=root / record.path,
                expected=f"sha256 {record.sha256}",
                got=f"sha256 {digest}",
                remedy=REBUILD,
            )
    return path


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
