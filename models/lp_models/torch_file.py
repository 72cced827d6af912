"""Read a `.pth` file that may come from a stranger."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

import torch

from .errors import CheckpointError

MAX_REASON = 160  # characters of torch's own message
FETCH = "fetch it again with `lp-pack fetch-weights`"


def read_torch_file(path: Path, max_bytes: int) -> object:
    """Unpickle tensors and plain containers, nothing else, from a file of bounded size.

    Args:
        path: the file.
        max_bytes: more than the file may hold, on disk and unpacked.

    Raises:
        CheckpointError: absent, too large, truncated, no checkpoint, or with other objects inside.
    """
    if not path.is_file():
        raise CheckpointError(
            "a checkpoint file is missing",
            where=path,
            expected="a file in LivePortrait's published layout",
            got="a folder" if path.is_dir() else "nothing",
            remedy="get the published weights with `lp-pack fetch-weights`, or check the path",
        )
    try:
        with path.open("rb") as stream:
            _check_size(stream, path, max_bytes)
            _check_archive(stream, path, max_bytes)
            stream.seek(0)
            return _load(stream, path)
    except OSError as error:
        raise CheckpointError(
            "a checkpoint file cannot be read",
            where=path,
            got=error,
            remedy="check its permissions",
        ) from error


def _load(stream: BinaryIO, path: Path) -> object:
    try:
        return torch.load(stream, map_location="cpu", weights_only=True)
    # Broken and hostile files make torch raise a dozen unrelated types; each means the same here.
    except Exception as error:
        raise CheckpointError(
            "the file is no checkpoint that can be read safely",
            where=path,
            expected="a torch archive of tensors only",
            got=_reason(error),
            remedy=f"it is damaged, or holds code instead of weights; {FETCH}",
        ) from error


def _reason(error: Exception) -> str:
    """The fact in torch's message, without its advice to switch the safety off."""
    text = str(error)
    asked = re.search(r"GLOBAL (\S+)", text)
    if asked:
        return f"it asks to call {asked[1][:MAX_REASON]!r}"
    _, found, detail = text.partition("WeightsUnpickler error:")
    if isinstance(error, pickle.UnpicklingError) and not found:
        return "a pickle of something else than tensors"
    lines = (detail if found else text).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    return "".join(sign if sign.isprintable() else "?" for sign in reason[:MAX_REASON])


def _check_size(stream: BinaryIO, path: Path, max_bytes: int) -> None:
    size = os.fstat(stream.fileno()).st_size
    if size > max_bytes:
        raise CheckpointError(
            "the checkpoint file is larger than its network could be",
            where=path,
            expected=f"at most {max_bytes} bytes",
            got=f"{size} bytes",
            remedy="pass the dims that these weights were made with, or the right file",
        )


def _check_archive(stream: BinaryIO, path: Path, max_bytes: int) -> None:
    """Refuse anything but torch's archive, whose members are stored uncompressed."""

    def refuse(got: str) -> CheckpointError:
        return CheckpointError(
            "the file is no torch checkpoint, or only a part of one",
            where=path,
            expected="an archive as torch.save writes it, uncompressed and complete",
            got=got,
            remedy=FETCH,
        )

    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
        raise refuse(str(error)) from error
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise refuse("compressed members")
    unpacked = sum(member.file_size for member in members)
    if unpacked > max_bytes:
        raise refuse(f"members of {unpacked} bytes in all")
