"""`lp-pack verify`: a pass, and an exit code and a reason for everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_bundle import TinyBundle, record

from lp_pack.verify import verify_bundle


def disagree(tiny: TinyBundle) -> None:
    """Make the recorded frame another one, with a valid hash."""
    file = tiny.path / "golden" / "generator.safetensors"
    tensors = load_file(file)
    tensors["output.frame"][2] += np.float32(0.1)
    save_file(tensors, file)
    new = record(tiny.path, file)

    def change(data: dict) -> None:
        entry = next(entry for entry in data["golden"] if entry["name"] == "generator")
        entry["file"].update(sha256=new.sha256, bytes=new.bytes)

    tiny.rewrite(change)


def test_an_intact_bundle_passes_in_every_variant(pristine_tiny: Path) -> None:
    report = verify_bundle(pristine_tiny, threads=1)
    assert report.passed
    assert [(v.precision, v.status) for v in report.variants] == [
        ("fp32", "passed"),
        ("fp16", "passed"),
    ]
    assert report.files_checked == 12


def test_the_command_shows_a_table_and_says_untrained(run: Callable, pristine_tiny: Path) -> None:
    result = run("verify", pristine_tiny)
    assert result.exit_code == 0
    for text in ("12 files intact", "onnx fp32: passed", "generator", "max_abs <= 0.001"):
        assert text in result.stdout
    assert "UNTRAINED" in result.stderr


def test_json_holds_every_figure(run: Callable, pristine_tiny: Path) -> None:
    report = json.loads(run("verify", pristine_tiny, "--json").stdout)
    assert report["passed"] is True
    assert report["trained"] is False
    figure = report["variants"][0]["figures"][2]
    assert (figure["graph"], figure["tensor"]) == ("generator", "frame")
    assert figure["worst"] <= figure["bound"]


def test_a_disagreement_fails_and_is_named(run: Callable, tiny: TinyBundle) -> None:
    disagree(tiny)
    result = run("verify", tiny.path)
    assert result.exit_code == 1
    assert "onnx fp32: failed (differs from torch: generator.frame" in result.stdout
    report = json.loads(run("verify", tiny.path, "--json").stdout)
    assert report["passed"] is False
    assert report["variants"][0]["figures"][2]["worst_frame"] == 2


def test_a_changed_file_fails_with_its_name(run: Callable, tiny: TinyBundle) -> None:
    file = tiny.path / "graphs" / "onnx" / "fp16" / "stitching.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    result = run("verify", tiny.path)
    assert result.exit_code == 1
    assert "stitching.onnx" in result.stderr
    assert "sha256" in result.stderr


def test_a_graph_that_does_not_load_fails_its_variant_only(tiny: TinyBundle) -> None:
    file = tiny.path / "graphs" / "onnx" / "fp16" / "generator.onnx"
    file.write_bytes(b"no graph")
    new = record(tiny.path, file)

    def change(data: dict) -> None:
        files = data["variants"][1]["graphs"]["generator"]["files"]
        files[0].update(sha256=new.sha256, bytes=new.bytes)

    tiny.rewrite(change)
    report = verify_bundle(tiny.path, threads=1)
    assert not report.passed
    assert [variant.status for variant in report.variants] == ["passed", "failed"]
    assert "cannot load a graph" in report.variants[1].detail


@pytest.fixture
def no_coremltools(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine can neither run nor evaluate Core ML programs."""

    def absent() -> None:
        raise ImportError("No module named 'coremltools'")

    monkeypatch.setattr("lp_pack.target_engines.coremltools", absent)


@pytest.mark.usefixtures("no_coremltools")
def test_a_variant_without_engine_does_not_fail_the_others(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda data: data["variants"][1].update(target="coreml"))
    report = verify_bundle(tiny.path, threads=1)
    assert [variant.status for variant in report.variants] == ["passed", "not runnable"]
    assert "lp-pack[coreml]" in report.variants[1].detail
    assert report.passed


@pytest.mark.usefixtures("no_coremltools")
def test_nothing_runnable_is_no_pass(run: Callable, tiny: TinyBundle) -> None:
    def change(data: dict) -> None:
        for variant in data["variants"]:
            variant.update(target="coreml")

    tiny.rewrite(change)
    result = run("verify", tiny.path)
    assert result.exit_code == 1
    assert "nothing was compared" in result.stdout


def test_a_bundle_without_golden_data_is_no_pass(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda data: data.update(golden=[]))
    report = verify_bundle(tiny.path, threads=1)
    assert not report.passed
    assert "no golden data" in report.variants[0].detail


@pytest.mark.parametrize("name", ["nowhere", "tiny_bundle.py"])
def test_no_bundle_is_a_clear_error(run: Callable, tmp_path: Path, name: str) -> None:
    if name.endswith(".py"):
        (tmp_path / name).touch()
    result = run("verify", tmp_path / name)
    assert result.exit_code == 1
    assert "There is no bundle here" in result.stderr
