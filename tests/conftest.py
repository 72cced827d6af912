"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every run, and no deadline: a shared machine must not decide a result.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
