"""Download LivePortrait's published checkpoints from the Hugging Face hub, and prove them whole.

Files arrive in a staging folder inside the target. Only when all of them are there and match the
hashes that the hub announces do they move to their places, and `weights.json` is written last. A
broken download therefore never looks finished, and the next run continues with the files that are
still missing.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lp_pack.errors import FetchError
from lp_pack.hashing import file_record, file_sha256
from lp_pack.hub import HUB_FOLDER, REPOSITORY, PublishedFile, download, published_files
from lp_pack.weights_record import (
    RECORD_NAME,
    WeightsRecord,
    is_intact,
    read_record,
    write_record,
)
from lp_runtime.manifest import FileRecord

STAGING_NAME = ".download"


@dataclass(frozen=True)
class FetchedWeights:
    """The outcome: the folder, its record, which files were downloaded now, and notices."""

    folder: Path
    record: WeightsRecord
    downloaded: tuple[str, ...]
    notices: tuple[str, ...]


def fetch_weights(
    folder: str | Path, revision: str = "main", endpoint: str | None = None
) -> FetchedWeights:
    """Bring the five published files into `folder`; a complete folder needs no network.

    `revision` is a branch, tag or commit of the hub's repository; `endpoint` replaces the hub's
    address (default: HF_ENDPOINT, else huggingface.co).
    Raises FetchError where the hub cannot be reached or what arrives is not what it announced.
    """
    folder = Path(folder)
    new = make_folder(folder)
    try:
        return bring_in(folder, revision, endpoint)
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()


def bring_in(folder: Path, revision: str, endpoint: str | None) -> FetchedWeights:
    """Check what is there, download the rest, move it in, write the record."""
    record = read_record(folder)
    notices: list[str] = []
    if record is not None and revision in (record.requested, record.revision):
        damaged = [file.path for file in record.files if not intact(folder, file)]
        if not damaged:
            return FetchedWeights(folder, record, (), ())
        notices = [
            f"{name} no longer matches {RECORD_NAME}; it is downloaded again" for name in damaged
        ]
    commit, published = published_files(folder, revision, endpoint)
    staging = folder / STAGING_NAME
    wanted = [file for file in published if not matches(folder / file.name, file)]
    for file in wanted:
        staged = download(file, commit, staging, folder, endpoint)
        check_download(staged, file)
    # From here to the new record the folder must not look finished.
    (folder / RECORD_NAME).unlink(missing_ok=True)
    for file in wanted:
        place = folder / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        (staging / HUB_FOLDER / file.name).replace(place)
    files = tuple(file_record(folder, folder / file.name) for file in published)
    record = WeightsRecord(REPOSITORY, revision, commit, files)
    write_record(folder, record)
    shutil.rmtree(staging, ignore_errors=True)
    return FetchedWeights(folder, record, tuple(file.name for file in wanted), tuple(notices))


def make_folder(folder: Path) -> bool:
    """Create the target folder; says whether it is new. FetchError where it cannot be one."""
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(
            "the weights folder cannot be made",
            where=folder,
            expected="a folder that can be written to",
            got=error.strerror,
            remedy="pass another folder with -o",
        ) from error
    return new


def intact(folder: Path, file: FileRecord) -> bool:
    """Whether a recorded file is still what it was."""
    return is_intact(folder / file.path, file.bytes, file.sha256)


def matches(path: Path, file: PublishedFile) -> bool:
    """Whether `path` already is the published file (downloaded by hand, or by an earlier run)."""
    return file.sha256 is not None and is_intact(path, file.bytes, file.sha256)


def check_download(staged: Path, file: PublishedFile) -> None:
    """Compare what arrived with what the hub announced; a wrong file is removed."""
    size = staged.stat().st_size
    found = file_sha256(staged)
    if size == file.bytes and file.sha256 in (None, found):
        return
    staged.unlink()
    raise FetchError(
        "a downloaded file is not the one that the hub announced",
        where=file.name,
        expected=f"{file.bytes} bytes, sha256 {file.sha256}",
        got=f"{size} bytes, sha256 {found}",
        remedy="run the command again; if it stays so, a proxy or mirror alters the download",
    )
