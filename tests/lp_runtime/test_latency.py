"""Latency figures: percentiles of known series, deadlines, memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_runtime import InputError
from lp_runtime.latency import Timings, peak_memory_mb, summarize

DURATIONS = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=200)


def test_percentiles_of_a_known_series() -> None:
    summary = summarize([500.0, *range(1, 101)], deadline_ms=95)
    assert (summary.median, summary.p95, summary.p99, summary.worst) == (50, 95, 99, 100)
    assert (summary.first, summary.count) == (500, 101)
    assert summary.over_deadline == 6  # the first one, and 96 to 100


def test_a_single_duration_is_everything() -> None:
    summary = summarize([7.0], deadline_ms=10)
    assert (summary.first, summary.median, summary.p99, summary.over_deadline) == (7, 7, 7, 0)


def test_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to summarize"):
        summarize([], deadline_ms=40)


@given(series=DURATIONS)
def test_figures_are_ordered_and_happened(series: list[float]) -> None:
    summary = summarize(series, deadline_ms=40)
    figures = [summary.median, summary.p95, summary.p99, summary.worst]
    assert figures == sorted(figures)
    assert set(figures) <= set(series)


def test_timings_collect_by_name() -> None:
    timings = Timings()
    with timings.measure("a"):
        np.ones(10)
    timings.add("b", 50.0)
    summaries = timings.summaries(deadline_ms=40)
    assert list(summaries) == ["a", "b"]
    assert summaries["b"].over_deadline == 1


def test_peak_memory_never_falls() -> None:
    before = peak_memory_mb()
    block = np.ones(8_000_000)
    during = peak_memory_mb()
    del block
    assert 10 < before <= during + 1
    # The kernel counts in batches of pages for each thread.
    assert peak_memory_mb() >= during - 1
