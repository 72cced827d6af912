"""Device classes and what is estimated for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lp_pack.budgets.devices import read_devices
from lp_pack.budgets.estimate import estimate_graph
from lp_pack.budgets.graph_cost import GraphCost, OperatorCost
from lp_pack.errors import ConfigError

DEVICE = """
[board]
title = "A board"
target = "onnx"
engine = "an engine"
peak_gflops = { fp32 = 100.0 }
sustained_share = 0.5
bandwidth_gb_s = 10.0
bandwidth_share = 0.5
operator_us = 2.0
sources = ["a data sheet"]
"""


def table(folder: Path, text: str) -> Path:
    path = folder / "devices.toml"
    path.write_text(text)
    return path


def test_every_device_of_the_shipped_table_names_its_sources() -> None:
    devices = read_devices()
    assert len(devices) >= 5
    assert all(device.sources for device in devices.values())


def test_an_operator_takes_the_longer_of_arithmetic_and_traffic(tmp_path: Path) -> None:
    device = read_devices(table(tmp_path, DEVICE))["board"]
    busy = OperatorCost("a", "Conv", flop=50_000_000, bytes=1)  # 1 ms at 50 GFLOP/s
    waiting = OperatorCost("b", "Add", flop=1, bytes=15_000_000)  # 3 ms at 5 GB/s
    free = OperatorCost("c", "Reshape", flop=0, bytes=0)
    estimate = estimate_graph("g", GraphCost((busy, waiting, free)), device, "fp32")
    assert estimate.milliseconds == pytest.approx(1 + 3 + 2 * 0.002, rel=1e-3)
    assert estimate.memory_bound_share == pytest.approx(3 / 4.004, rel=1e-3)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("operator_us", "operator_ms", "operator_ms"),
        ("0.5", "1.5", "out of range"),
        ('["a data sheet"]', "[]", "no source"),
        ("[board]", "[board", "cannot be used"),
        ("fp32", "fp31", "fp31"),
    ],
)
def test_a_wrong_table_is_refused_by_field(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    path = table(tmp_path, DEVICE.replace(before, after, 1))
    with pytest.raises(ConfigError, match=said) as caught:
        read_devices(path)
    assert "devices.toml" in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_devices(tmp_path / "none.toml")
