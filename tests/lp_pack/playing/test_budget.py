"""`lp-pack budget`: costs counted, times marked as estimates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def test_every_graph_is_counted_and_every_time_is_called_an_estimate(
    run: Callable, pristine_tiny: Path
) -> None:
    result = run("budget", pristine_tiny, "--json")
    data = json.loads(result.stdout)
    costs = {(one["precision"], one["graph"]): one for one in data["graphs"]}
    assert len(costs) == 6
    # 63 numbers to 3 x 16 x 16, as one matrix product, then a sigmoid.
    assert costs["fp32", "generator"]["gflop"] == (2 * 63 + 1) * 768 / 1e9
    assert data["assumptions"]
    assert {one["precision"] for one in data["estimates"]} == {"fp32", "fp16"}
    for one in data["estimates"]:
        assert one["estimated_milliseconds"] > 0
        assert one["sources"]


def test_the_terminal_prints_the_assumptions(run: Callable, pristine_tiny: Path) -> None:
    result = run("budget", pristine_tiny)
    assert result.exit_code == 0
    assert "ESTIMATES" in result.stdout
    assert "not measurements" in result.stdout
    assert "Raspberry Pi 5" in result.stdout


def test_operators_that_fall_off_an_accelerator_are_named(
    run: Callable, pristine_tiny: Path
) -> None:
    placed = json.loads(run("budget", pristine_tiny, "--json").stdout)["accelerators"]
    assert {one["graph"] for one in placed} == {"audio2motion", "stitching", "generator"}
    for one in placed:
        assert one["taken"] + sum(one["left"].values()) > 0
        assert one["sources"]
