"""`lp-pack diff`: says what changed between two bundles, and nothing when nothing did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tiny_bundle import TinyBundle, build_tiny_bundle

from lp_pack.diff import compare_manifests
from lp_runtime import Bundle


def test_a_bundle_does_not_differ_from_its_copy(
    run: Callable, pristine_tiny: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.lpbundle"
    shutil.copytree(pristine_tiny, copy)
    result = run("diff", pristine_tiny, copy, "--exit-code")
    assert (result.exit_code, result.stdout.strip()) == (0, "Both hold the same.")


def test_each_changed_fact_is_named_with_both_values(
    run: Callable, pristine_tiny: Path, tiny: TinyBundle
) -> None:
    def change(manifest: dict) -> None:
        manifest["name"] = "other"
        manifest["parity"][0]["worst"] = 0.0005
        manifest["provenance"]["versions"]["onnx"] = "0.0.1"
        manifest["variants"][0]["graphs"]["generator"]["operators"]["Conv"] = 7

    tiny.rewrite(change)
    result = run("diff", pristine_tiny, tiny.path, "--json", "--exit-code")
    assert result.exit_code == 1
    changes = {(one["section"], one["what"]): one for one in json.loads(result.stdout)["changes"]}
    assert changes["bundle", "name"]["after"] == "other"
    assert "worst 0.0005" in changes["parity", "engine onnx fp32 audio2motion motion"]["after"]
    assert changes["provenance", "version of onnx"]["after"] == "0.0.1"
    assert changes["operators", "onnx fp32 generator Conv"]["before"] == "absent"
    # The operator count is part of the graph's line as well.
    assert len(changes) == 5


def test_a_long_vector_is_told_by_its_beginning_and_a_digest(
    pristine_tiny: Path, tiny: TinyBundle
) -> None:
    before = Bundle.open(pristine_tiny).manifest

    def change(manifest: dict) -> None:
        manifest["pipeline"]["inputs"][2]["default"] = [0.0] * 69 + [1.0]

    after = Bundle.open(tiny.rewrite(change).path).manifest
    (only,) = compare_manifests(before, after)
    assert only.what == "inputs reference_motion"
    assert len(only.after) < 200
    assert "sha256" in only.after


def test_a_missing_variant_shows_as_absent_graphs(pristine_tiny: Path, tmp_path: Path) -> None:
    smaller = build_tiny_bundle(tmp_path / "small.lpbundle", ("fp32",))
    before, after = (Bundle.open(path).manifest for path in (pristine_tiny, smaller.path))
    gone = [change for change in compare_manifests(before, after) if change.section == "graphs"]
    assert {change.what for change in gone} == {
        f"onnx fp16 {graph}" for graph in ("audio2motion", "stitching", "generator")
    }
    assert all(change.after == "absent" for change in gone)


def test_the_terminal_lists_changes_by_section(
    run: Callable, pristine_tiny: Path, tiny: TinyBundle
) -> None:
    tiny.rewrite(lambda manifest: manifest.update(name="[bold]other"))
    result = run("diff", pristine_tiny, tiny.path)
    assert result.exit_code == 0
    assert "[bold]other" in result.stdout


def test_a_missing_bundle_is_named(run: Callable, pristine_tiny: Path, tmp_path: Path) -> None:
    result = run("diff", pristine_tiny, tmp_path / "none.lpbundle")
    assert result.exit_code == 1
    assert "none.lpbundle" in result.stderr


def test_compression_is_compared_fact_by_fact(pristine_tiny: Path, tiny: TinyBundle) -> None:
    calibration = {"source": "talking.pkl", "sha256": "0" * 64, "samples": 32, "seed": 0}
    narrow = {
        "recipe": "onnx-int8",
        "description": "convolutions in integers",
        "calibration": calibration,
        "kept_wide": [
            {"rule": "last convolution", "reason": "seen", "precision": "fp32", "layers": 2}
        ],
    }

    def compress(manifest: dict) -> None:
        manifest["variants"][1]["graphs"]["generator"]["compression"] = narrow

    before = Bundle.open(tiny.rewrite(compress).path).manifest
    narrow["recipe"], narrow["kept_wide"][0]["layers"] = "mine", 3  # type: ignore[index]
    calibration["samples"] = 64
    after = Bundle.open(tiny.rewrite(compress).path).manifest
    changes = {one.what: one for one in compare_manifests(before, after)}
    graph = "onnx fp16 generator"
    assert changes[f"{graph} how"].after == "mine: convolutions in integers"
    assert changes[f"{graph} calibration"].before.startswith("32 samples of talking.pkl")
    assert changes[f"{graph} kept wide: last convolution"].after == "3 layers in fp32"
    added = {one.section for one in compare_manifests(Bundle.open(pristine_tiny).manifest, after)}
    assert "compression" in added
