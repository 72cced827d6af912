"""How long graphs and frames take, and how much memory the process came to use."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np

from lp_runtime.errors import InputError


@dataclass(frozen=True)
class LatencySummary:
    """Milliseconds over a run. `first` is reported apart: it pays for caches and allocation."""

    count: int
    first: float
    median: float
    p95: float
    p99: float
    worst: float
    # How many took longer than the deadline, the first one included.
    over_deadline: int

    def as_dict(self) -> dict[str, float]:
        """The figures that the manifest keeps."""
        return {
            "median": self.median,
            "p95": self.p95,
            "p99": self.p99,
            "first": self.first,
            "worst": self.worst,
            "over_deadline": float(self.over_deadline),
        }


def summarize(milliseconds: Sequence[float], deadline_ms: float) -> LatencySummary:
    """Summary of one series of durations; the percentiles leave the first one out.

    Percentiles are the smallest observation that at least that share does not exceed, so that a
    short run reports a duration that happened. Raises InputError when the series is empty.
    """
    if not milliseconds:
        raise InputError("There is nothing to summarize.", expected="one duration or more", got=0)
    steady = np.asarray(milliseconds[1:] or milliseconds)
    median, p95, p99 = np.percentile(steady, [50, 95, 99], method="inverted_cdf")
    return LatencySummary(
        count=len(milliseconds),
        first=float(milliseconds[0]),
        median=float(median),
        p95=float(p95),
        p99=float(p99),
        worst=float(steady.max()),
        over_deadline=sum(duration > deadline_ms for duration in milliseconds),
    )


@dataclass
class Timings:
    """Collects durations by name; give one to `Session.timings` to time every graph."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Time the body of a `with` statement."""
        start = perf_counter()
        yield
        self.add(name, (perf_counter() - start) * 1e3)

    def add(self, name: str, milliseconds: float) -> None:
        """Append one duration."""
        self.milliseconds.setdefault(name, []).append(milliseconds)

    def summaries(self, deadline_ms: float) -> dict[str, LatencySummary]:
        """One summary for each name, in the order in which the names first occurred."""
        return {name: summarize(series, deadline_ms) for name, series in self.milliseconds.items()}


def peak_memory_mb() -> float:
    """The most resident memory this process has had so far, in MB (10^6 bytes)."""
    if sys.platform == "linux":
        # Not getrusage: its figure survives exec, so it may be that of the process's parent.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes, the others in KiB.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
