"""ONNX Runtime for the web: one pinned release from the npm registry, fetched once.

It is 15 MB, so it is not part of this repository. `install` asks the user's own npm for the
package's archive, checks it against the digest pinned here, and keeps the two files that the page
needs. Its licence is MIT.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from lp_pack.cache import default_cache_folder
from lp_pack.errors import StudioError

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# The registry's `dist.integrity` of that release.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
SCRIPT, PROGRAM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
# Path in the archive -> name in the folder.
WANTED = {
    f"package/dist/{SCRIPT}": SCRIPT,
    f"package/dist/{PROGRAM}": PROGRAM,
}
MAX_FILE_BYTES = 64 * 1024 * 1024
NPM_SECONDS = 600


def engine_folder() -> Path:
    """Where the release is kept: one folder for each version."""
    return default_cache_folder() / "studio" / f"{PACKAGE}-{VERSION}"


def installed_engine(folder: Path | None = None) -> Path:
    """The folder with the engine's files; raises StudioError when it was not installed."""
    place = folder or engine_folder()
    missing = [name for name in WANTED.values() if not (place / name).is_file()]
    if missing:
        raise StudioError(
            f"{PACKAGE} {VERSION} is not installed.",
            where=place,
            expected=" and ".join(WANTED.values()),
            got=f"no {missing[0]}",
            remedy="lp-pack studio --install (needs npm and the npm registry, once)",
        )
    return place


def install(folder: Path | None = None) -> Path:
    """Fetch the pinned release with npm and keep what the page needs; returns the folder.

    Raises StudioError when npm is missing or fails, or the archive is not the pinned one.
    """
    place = folder or engine_folder()
    npm = shutil.which("npm")
    if npm is None:
        raise StudioError(
            "npm was not found.",
            expected="npm on the PATH (it comes with Node.js)",
            remedy=f"install Node.js, or put {' and '.join(WANTED.values())} into {place}",
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        archive = _download(npm, Path(temporary))
        check_archive(archive)
        unpacked = Path(temporary) / "unpacked"
        unpacked.mkdir()
        extract(archive, unpacked)
        if place.exists():
            shutil.rmtree(place)
        os.replace(unpacked, place)
    return place


def check_archive(archive: Path) -> None:
    """Raise StudioError unless the archive is the release that is pinned here."""
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise StudioError(
            "The registry's archive is not the one that lp-pack was tested with.",
            where=f"{PACKAGE} {VERSION}",
            expected=f"sha512-{SHA512}",
            got=f"sha512-{digest}",
            remedy="check which registry npm uses: npm config get registry",
        )


def extract(archive: Path, folder: Path) -> None:
    """Write the wanted files into `folder` by the names given here, never by the archive's."""
    with tarfile.open(archive) as content:
        for member_name, name in WANTED.items():
            member = content.getmember(member_name)
            source = content.extractfile(member) if member.isfile() else None
            if source is None or member.size > MAX_FILE_BYTES:
                raise StudioError("The archive is not as expected.", where=member_name)
            (folder / name).write_bytes(source.read())


def _download(npm: str, folder: Path) -> Path:
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StudioError("npm did not answer.", got=f"nothing for {NPM_SECONDS} s") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        raise StudioError(
            "npm could not fetch the package.",
            where=f"{PACKAGE}@{VERSION}",
            got=(done.stderr.strip().splitlines() or ["nothing"])[-1],
            remedy="check the network and which registry npm uses: npm config get registry",
        )
    return archives[0]
