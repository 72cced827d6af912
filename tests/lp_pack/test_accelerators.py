"""The table of accelerators and what it says about a bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from tiny_bundle import TinyBundle

from lp_pack.accelerators.exceptions import exceptions
from lp_pack.accelerators.report import placements
from lp_pack.accelerators.table import Accelerator, accelerators
from lp_pack.graph_files import graph_file
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Target


def test_every_target_has_accelerators_with_sources() -> None:
    assert {accelerator.target for accelerator in accelerators()} == set(get_args(Target))
    names = [accelerator.name for accelerator in accelerators()]
    assert len(names) == len(set(names))
    assert all(accelerator.sources for accelerator in accelerators())


@pytest.mark.parametrize(
    ("rule", "expected"), [("listed", (True, False)), ("refused", (False, True))]
)
def test_a_rule_decides_about_what_is_not_named(rule: str, expected: tuple[bool, bool]) -> None:
    accelerator = Accelerator("a", "onnx", rule, frozenset({"Conv"}), (), ("https://x",))  # type: ignore[arg-type]
    assert (accelerator.takes("Conv"), accelerator.takes("Gather")) == expected


def test_operator_names_are_those_of_their_target() -> None:
    onnx = pytest.importorskip("onnx")
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    known = {
        "onnx": {one.name for one in onnx.defs.get_all_schemas()},
        "tflite": set(vars(schema.BuiltinOperator)),
    }
    for accelerator in accelerators():
        if accelerator.target in known:
            assert accelerator.operators <= known[accelerator.target], accelerator.name


def test_every_operator_is_either_taken_or_left(pristine_tiny: Path) -> None:
    manifest = Bundle.open(pristine_tiny).manifest
    found = placements(manifest)
    counted = {
        (v.target, v.precision, name): g for v in manifest.variants for name, g in v.graphs.items()
    }
    assert {p.accelerator.target for p in found} == {"onnx"}
    for placement in found:
        graph = counted[placement.target, placement.precision, placement.graph]
        assert placement.taken + sum(placement.left.values()) == sum(graph.operators.values())


def test_what_falls_off_is_named(tiny: TinyBundle, run: Callable) -> None:
    def change(data: dict) -> None:
        for variant in data["variants"]:
            variant["graphs"]["generator"]["operators"] = {"Conv": 3, "GridSample": 2}

    tiny.rewrite(change)
    result = run("inspect", tiny.path, "--accelerators", "--json")
    rows = {
        row["accelerator"]: row
        for row in json.loads(result.stdout)
        if row["graph"] == "generator" and row["precision"] == "fp32"
    }
    assert rows["ONNX Runtime XNNPACK"]["left"] == {"GridSample": 2}
    assert rows["ONNX Runtime XNNPACK"]["taken"] == 3
    assert rows["ONNX Runtime QNN"]["left"] == {}
    shown = run("inspect", tiny.path, "--accelerators").stdout
    assert "GridSample 2" in shown
    assert "https://" in shown


def test_the_manifest_names_each_exception_with_its_reason() -> None:
    found = exceptions("coreml", {"conv": 9, "gather": 4})
    assert [(one.accelerator, one.operator, one.count) for one in found] == [
        ("Core ML neural engine", "gather", 4)
    ]
    assert "motion decides" in found[0].reason
    assert exceptions("coreml", {"conv": 9}) == ()
    (left,) = (one for one in exceptions("onnx", {"GridSample": 2}) if "XNNPACK" in one.accelerator)
    assert left.reason == "not on the accelerator's published list"


def test_a_record_of_a_graph_says_what_the_table_says(pristine_tiny: Path) -> None:
    bundle = Bundle.open(pristine_tiny)
    named, listed = set(), set()
    for variant in bundle.manifest.variants:
        for name, graph in variant.graphs.items():
            record = graph_file(variant.target, pristine_tiny / graph.path, graph.path)
            for one in record.exceptions:
                named.add((variant.precision, name, one.accelerator, one.operator, one.count))
    for placement in placements(bundle.manifest):
        for operator, count in placement.left.items():
            place = (placement.precision, placement.graph, placement.accelerator.name)
            listed.add((*place, operator, count))
    assert named == listed
    assert named
