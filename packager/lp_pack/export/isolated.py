"""Run a conversion in a process of its own.

Converters keep what they allocated, number their nodes from process-wide counters, print a great
deal, and some of their failures end the process. In a child the memory comes back, equal modules
give equal names, the noise goes into a log, and a crash is an ExportError with the log's path.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lp_pack import errors
from lp_pack.errors import ExportError, LpPackError

LOG_LINES = 3
_FIELDS = ("what", "where", "expected", "got", "remedy")


def run_isolated(function: Callable[..., None], *arguments: Any, what: str) -> None:
    """Call `function(*arguments)` in a new process.

    Args:
        function: of a module's top level, so that the child can import it.
        arguments: what pickles, modules included.
        what: the conversion in words, e.g. "Core ML conversion of 'generator'".

    Raises:
        LpPackError: as the function raised it; the log's path is named and the log kept.
        ExportError: the function raised something else, or the process died; likewise.
    """
    handle, name = tempfile.mkstemp(prefix="lp-pack-", suffix=".log")
    os.close(handle)
    log = Path(name)
    report = log.with_suffix(".json")
    process = multiprocessing.get_context("spawn").Process(
        target=_child, args=(function, arguments, log, report)
    )
    try:
        process.start()
        process.join()
        refused = json.loads(report.read_text()) if report.exists() else None
    finally:
        if process.is_alive():
            process.kill()
            process.join()
        report.unlink(missing_ok=True)
    if refused is not None:
        kind: type[LpPackError] = getattr(errors, refused.pop("kind"))
        raise kind(refused.pop("what"), **_with_log(refused, log))
    if process.exitcode != 0:
        raise ExportError(
            f"{what} ended abnormally",
            expected="a finished file",
            got=f"{_ending(process.exitcode)}; {last_lines(log)}",
            remedy=f"read the converter's log: {log}",
        )
    log.unlink()


def _child(
    function: Callable[..., None], arguments: tuple[Any, ...], log: Path, report: Path
) -> None:
    sink = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    try:
        function(*arguments)
    except LpPackError as error:
        traceback.print_exc()
        known = {"kind": type(error).__name__}
        known |= {name: getattr(error, name) for name in _FIELDS}
        report.write_text(json.dumps({k: None if v is None else str(v) for k, v in known.items()}))


def _with_log(fields: dict[str, str | None], log: Path) -> dict[str, Any]:
    remedy = fields.get("remedy") or "see the log"
    return {**fields, "remedy": f"{remedy} (the converter's log: {log})"}


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}"


def last_lines(log: Path) -> str:
    """The end of a log, on one line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-LOG_LINES:]) or "an empty log"
