"""`lp-pack inspect`: the facts of a manifest, as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
from tiny_bundle import TinyBundle

from lp_pack.inspect import inspect_bundle
from lp_runtime.manifest import Manifest


def test_the_summary_adds_up(pristine_tiny: Path) -> None:
    summary = inspect_bundle(pristine_tiny)
    assert len(summary.graphs) == 6
    generator = next(graph for graph in summary.graphs if graph.graph == "generator")
    assert generator.operators == 4
    assert generator.common_operators[0] == ("Reshape", 2)
    assert generator.requires == "opset 13"
    files = [path for path in pristine_tiny.rglob("*") if path.is_file()]
    unrecorded = {"manifest.json", "test.txt"}
    assert summary.total_bytes == sum(
        path.stat().st_size for path in files if path.name not in unrecorded
    )


def test_the_command_shows_everything_a_reader_asks_for(run: Callable, pristine_tiny: Path) -> None:
    result = run("inspect", pristine_tiny)
    assert result.exit_code == 0
    for text in ("UNTRAINED", "look-ahead 2", "audio2motion", "1 x 640", "opset 13", "CC0-1.0"):
        assert text in result.stdout
    assert "UNTRAINED" in result.stderr


def test_json_holds_the_whole_manifest(run: Callable, pristine_tiny: Path) -> None:
    data = json.loads(run("inspect", pristine_tiny, "--json").stdout)
    manifest = msgspec.convert(data["manifest"], Manifest)
    assert manifest == inspect_bundle(pristine_tiny).manifest
    assert data["total_bytes"] > 0


def test_text_from_the_manifest_is_not_taken_for_markup(run: Callable, tiny: TinyBundle) -> None:
    def change(data: dict) -> None:
        data.update(name="[bold]x[/nothing]", notes=["[/red] a"])
        data["pipeline"]["inputs"][0].update(description="[/b] c")
        data["provenance"]["options"]["[/i]"] = "d"

    tiny.rewrite(change)
    result = run("inspect", tiny.path)
    assert result.exit_code == 0
    for text in ("[bold]x[/nothing]", "[/b] c", "[/i]"):
        assert text in result.stdout
    assert run("verify", tiny.path).exit_code == 0


def test_no_bundle_is_a_clear_error(run: Callable, tmp_path: Path) -> None:
    result = run("inspect", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "There is no bundle here" in result.stderr
