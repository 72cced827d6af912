"""The Hugging Face hub as this project uses it: list LivePortrait's files, download one.

Every failure of the network or the hub becomes a FetchError that says how to get the files by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from lp_pack.errors import FetchError

REPOSITORY = "KwaiVGI/LivePortrait"
HUB_FOLDER = "liveportrait"
FILES = (
    "base_models/appearance_feature_extractor.pth",
    "base_models/motion_extractor.pth",
    "base_models/warping_module.pth",
    "base_models/spade_generator.pth",
    "retargeting_models/stitching_retargeting_module.pth",
)
# The largest published file has 222 MB.
MAX_FILE_BYTES = 2 * 1024**3
TIMEOUT_SECONDS = 30.0
# The hub's client lets its HTTP library's errors through, and has changed that library twice.
HTTP_LIBRARIES = ("requests", "httpx", "httpx2", "urllib3")


@dataclass(frozen=True)
class PublishedFile:
    """One file as the hub announces it. `sha256` is None for files outside its large storage."""

    name: str
    bytes: int
    sha256: str | None


def published_files(
    folder: Path, revision: str, endpoint: str | None
) -> tuple[str, tuple[PublishedFile, ...]]:
    """The commit that `revision` stands for, and FILES as that commit has them."""
    with hub_errors(folder, revision):
        # The repository is public: no token is read or sent.
        info = HfApi(endpoint=endpoint, token=False).model_info(
            REPOSITORY, revision=revision, files_metadata=True, timeout=TIMEOUT_SECONDS
        )
        commit = str(info.sha)
        listed = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    found = []
    for name in FILES:
        sibling = listed.get(f"{HUB_FOLDER}/{name}")
        size = sibling.size if sibling is not None else None
        if sibling is None or size is None or not 0 < size <= MAX_FILE_BYTES:
            raise FetchError(
                "the hub's repository has another layout than expected",
                where=f"{REPOSITORY} at {revision}: {HUB_FOLDER}/{name}",
                expected=f"a file of at most {MAX_FILE_BYTES} bytes",
                got="no such file" if sibling is None else f"size {size}",
                remedy="pass a --revision that has the files",
            )
        found.append(PublishedFile(name, size, sibling.lfs.sha256 if sibling.lfs else None))
    return commit, tuple(found)


def download(
    file: PublishedFile, commit: str, staging: Path, folder: Path, endpoint: str | None
) -> Path:
    """Download one file into `staging` (or find it there, complete, from an earlier run)."""
    with hub_errors(folder, commit):
        path = hf_hub_download(
            REPOSITORY,
            f"{HUB_FOLDER}/{file.name}",
            revision=commit,
            local_dir=staging,
            endpoint=endpoint,
            token=False,
        )
    return Path(path)


@contextmanager
def hub_errors(folder: Path, revision: str) -> Iterator[None]:
    """Turn what the hub's client raises into a FetchError."""
    try:
        yield
    except (RevisionNotFoundError, HFValidationError) as error:
        raise FetchError(
            "the hub has no such revision",
            where=REPOSITORY,
            expected="a branch, tag or commit of the repository",
            got=revision,
            remedy="leave --revision out to take 'main'",
        ) from error
    except HfHubHTTPError as error:
        raise FetchError(
            "the hub refused the download",
            where=REPOSITORY,
            expected="the published files",
            got=first_line(error),
            remedy=f"try again later, or {by_hand(folder)}",
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FetchError(
            "the answer does not come from a Hugging Face hub",
            where=REPOSITORY,
            expected="the hub's JSON",
            got=first_line(error),
            remedy="check HF_ENDPOINT, and whether a log-in page answers for this network; "
            f"or {by_hand(folder)}",
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and not is_network_error(error):
            raise FetchError(
                "the download did not finish",
                where=folder,
                expected="room and permission to write the files, and an unbroken connection",
                got=first_line(error),
                remedy="run the command again; files that are complete are kept",
            ) from error
        if not is_network_error(error):
            raise
        raise FetchError(
            "the Hugging Face hub cannot be reached: no network, or none that leads there",
            where=REPOSITORY,
            expected="a connection to huggingface.co, or to the mirror in HF_ENDPOINT",
            got=first_line(error),
            remedy=f"check the connection (behind a proxy set HTTPS_PROXY), or {by_hand(folder)}",
        ) from error


def is_network_error(error: BaseException) -> bool:
    """Whether `error` means that the hub was not reached or the connection broke."""
    if isinstance(error, (OfflineModeIsEnabled, LocalEntryNotFoundError)):
        return True
    return any(cls.__module__.split(".")[0] in HTTP_LIBRARIES for cls in type(error).__mro__)


def by_hand(folder: Path) -> str:
    """How to get the files without this command."""
    names = "".join(f"\n              {folder / name}" for name in FILES)
    return (
        f"download them by hand on another machine from\n"
        f"            https://huggingface.co/{REPOSITORY}/tree/main/{HUB_FOLDER}\n"
        f"            and put them at{names}"
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's text, with its type where the text says little."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
