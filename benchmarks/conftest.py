"""Options of the benchmark suites."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bundle", help="Bundle to open and play (test_bundle.py).")
