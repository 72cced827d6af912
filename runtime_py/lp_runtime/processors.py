"""The processors this process may use."""

from __future__ import annotations

import os

MAX_DEFAULT_THREADS = 8


def available_processors() -> int:
    """How many processors this process may run on, which containers make fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads() -> int:
    """Worker threads for one graph when the caller does not say."""
    return min(available_processors(), MAX_DEFAULT_THREADS)
