"""Builds with compressed variants: what the manifest says, and that recipes are replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lp_pack.cli import group
from lp_pack.export.onnx_graph import load
from lp_pack.report.layers import layer_errors
from lp_pack.verify import verify_bundle
from lp_runtime.bundle import Bundle


def build(options: list[str], *more: str) -> None:
    group.main([*options, *more], prog_name="lp-pack", standalone_mode=False)


@pytest.fixture(scope="module")
def compressed(tiny_options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `cache` and `tiny.lpbundle` in fp32, int8 and w8; not to be changed."""
    place = tmp_path_factory.mktemp("compressed")
    options = {
        "--precision": "fp32,int8,w8",
        "--calibration-samples": "8",
        "--seed": "3",
        "--cache": str(place / "cache"),
        "-o": str(place / "tiny.lpbundle"),
    }
    build(tiny_options, *(word for pair in options.items() for word in pair))
    return place


def test_the_manifest_says_what_was_done(compressed: Path) -> None:
    bundle = Bundle.open(compressed / "tiny.lpbundle")
    graphs = {variant.precision: variant.graphs for variant in bundle.manifest.variants}
    assert graphs["fp32"]["generator"].compression is None
    done = graphs["int8"]["generator"].compression
    assert done is not None
    assert done.recipe == "onnx-int8"
    assert done.calibration is not None
    assert (done.calibration.samples, done.calibration.seed) == (8, 3)
    for graph in ("audio2motion", "stitching"):
        record = graphs["int8"][graph].compression
        assert record is not None
        assert record.calibration is None
    narrow = graphs["w8"]["generator"].compression
    assert narrow is not None
    assert narrow.calibration is None


def test_compressed_variants_meet_the_gate_of_eight_bits(compressed: Path) -> None:
    bundle = Bundle.open(compressed / "tiny.lpbundle")
    used = {
        figure.threshold for figure in bundle.manifest.parity if figure.precision in ("int8", "w8")
    }
    assert {"compressed_frame", "compressed_motion"} <= used
    report = verify_bundle(compressed / "tiny.lpbundle")
    assert [variant.status for variant in report.variants] == ["passed"] * 3


def test_the_error_of_each_layer_is_reported_for_both(compressed: Path) -> None:
    bundle = Bundle.open(compressed / "tiny.lpbundle")
    errors = {one.variant: one.layers for one in layer_errors(bundle, "generator")}
    assert set(errors) == {"onnx int8", "onnx w8"}
    assert all(len(layers) > 5 for layers in errors.values())
    assert min(layer.decibels for layer in errors["onnx int8"]) < 60


def test_a_recipe_file_is_replayed(
    compressed: Path, tiny_options: list[str], tmp_path: Path
) -> None:
    def kernels(bundle: Path) -> list[str]:
        graph = load(bundle / "graphs" / "onnx" / "int8" / "generator.onnx").graph
        return [name for name in graph.initializers if name.endswith(".weight.integers")]

    before = kernels(compressed / "tiny.lpbundle")
    layer = before[-1].removesuffix(".weight.integers")
    recipe = tmp_path / "chosen.toml"
    recipe.write_text(
        'format = 1\ntarget = "onnx"\nprecision = "int8"\n'
        f'[layers.generator]\n{json.dumps(layer)} = "fp32"\n'
    )
    output = tmp_path / "mixed.lpbundle"
    arguments = ["--precision", "int8", "--recipe", str(recipe), "-o", str(output)]
    calibration = ["--calibration-samples", "8", "--seed", "3"]
    build(tiny_options, *arguments, *calibration, "--cache", str(compressed / "cache"))
    assert kernels(output) == before[:-1]
    (variant,) = Bundle.open(output).manifest.variants
    done = variant.graphs["generator"].compression
    assert done is not None
    assert done.recipe == "chosen"
