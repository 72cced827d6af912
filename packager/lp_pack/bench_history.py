"""The history of measurements on this machine, and how a run compares with the last like it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lp_pack.bench import FRAME, BenchReport
from lp_pack.errors import LpPackError

# What must be equal for two runs to be comparable.
SAME = ("bundle", "machine", "target", "precision", "threads", "width", "height")
MAX_LINE_BYTES = 1 << 20


def default_history() -> Path:
    """`$XDG_STATE_HOME/lp-pack/bench.jsonl`, by default under `~/.local/state`."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lp-pack" / "bench.jsonl"


@dataclass(frozen=True)
class Comparison:
    """A run against the last like it: ratios, above 1 where the new one needed more."""

    when: str
    frame_median: float
    peak_memory: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class History:
    """A file with one JSON object a line, the oldest first."""

    path: Path

    def append(self, bundle: str, when: datetime, report: BenchReport) -> None:
        """Add a run; raises LpPackError when the file cannot be written."""
        line = json.dumps({"bundle": bundle, "when": when.isoformat(), **report.as_dict()})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise LpPackError(
                "The measurement cannot be added to the history.",
                where=self.path,
                got=error.strerror,
                remedy="choose another file with --history, or leave it out with --no-history",
            ) from error

    def compare(self, bundle: str, report: BenchReport) -> Comparison | None:
        """Against the latest comparable run; None where there is none.

        Lines that an older or newer version wrote otherwise are passed over.
        """
        wanted = {"bundle": bundle, **report.as_dict()}
        last: Mapping[str, Any] | None = None
        for line in self._lines():
            if all(line.get(key) == wanted[key] for key in SAME) and _figures(line):
                last = line
        if last is None:
            return None
        median, peak = _figures(last) or (1.0, 1.0)
        return Comparison(
            when=str(last["when"]),
            frame_median=report.latency[FRAME].median / median,
            peak_memory=report.peak_memory_mb / peak,
        )

    def _lines(self) -> list[dict[str, Any]]:
        try:
            with self.path.open("rb") as stream:
                lines = list(iter(lambda: stream.readline(MAX_LINE_BYTES), b""))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LpPackError(
                "The history cannot be read.", where=self.path, got=error.strerror
            ) from error
        return [decoded for line in lines if (decoded := _decoded(line)) is not None]


def _decoded(line: bytes) -> dict[str, Any] | None:
    """A line's object, or None for one that was cut off while it was written."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "when" in value else None


def _figures(line: Mapping[str, Any]) -> tuple[float, float] | None:
    try:
        median = float(line["latency"][FRAME]["median"])
        peak = float(line["peak_memory_mb"])
    except (KeyError, TypeError, ValueError):
        return None
    return (median, peak) if median > 0 and peak > 0 else None
