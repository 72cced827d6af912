"""`lp-pack bench` on another machine: the bundle goes there, the figures come back."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lp_pack.errors import LpPackError

CONNECT_SECONDS = 15


def bench_over_ssh(host: str, bundle: Path, arguments: Sequence[str]) -> list[dict[str, Any]]:
    """Copy the bundle to `host`, run its `lp-pack bench --json` with these arguments there, and
    remove the copy.

    Raises LpPackError when there is no ssh, the host does not answer or goes away, or its lp-pack
    fails; the text says which.
    """
    _check_host(host)
    ssh = [_program("ssh"), "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}", host]
    folder = _run([*ssh, "mktemp -d"], host).strip()
    if not folder.startswith("/"):
        raise LpPackError("The host gave no folder.", where=host, got=folder)
    try:
        copy = [_program("scp"), "-q", "-r", "-o", "BatchMode=yes"]
        _run([*copy, str(bundle.resolve()), f"{host}:{folder}/bundle"], host)
        command = ["lp-pack", "bench", f"{folder}/bundle", "--json", "--no-history", *arguments]
        printed = _run([*ssh, shlex.join(command)], host)
    finally:
        subprocess.run([*ssh, f"rm -rf {shlex.quote(folder)}"], check=False, capture_output=True)
    try:
        reports = json.loads(printed)
    except ValueError as error:
        raise LpPackError(
            "The host's answer is not a report.", where=host, got=printed[:200]
        ) from error
    if not isinstance(reports, list):
        raise LpPackError("The host's answer is not a list of reports.", where=host)
    return reports


def _check_host(host: str) -> None:
    if not host or host.startswith("-") or any(sign.isspace() for sign in host):
        raise LpPackError("This is no host's name.", expected="[user@]host", got=host)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise LpPackError(
            f"{name} was not found.", expected=f"{name} on the PATH", remedy=f"install {name}"
        )
    return found


def _run(command: Sequence[str], where: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
    # ssh's own failures, a host that vanishes among them, have this exit code.
    lost = Path(command[0]).name in ("ssh", "scp") and done.returncode == 255
    raise LpPackError(
        "The device cannot be reached, or went away." if lost else "The device refused.",
        where=where,
        got=f"exit code {done.returncode}: {said}",
        remedy="check the connection and run again; nothing was recorded"
        if lost
        else "check that lp-pack is installed there: `ssh HOST lp-pack --version`",
    )
