"""`lp-pack build --dry-run`: what it foretells, and that it does nothing."""

from __future__ import annotations

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from tiny_persona import build_arguments, write_audio2motion

from lp_pack.build_config import read_options
from lp_pack.cache import Cache
from lp_pack.cli import group, main
from lp_pack.forecast import Forecast, forecast
from lp_pack.stage_costs import MEASURED, table_seconds
from lp_runtime.bundle import Bundle


def foretell(
    arguments: list[str], cache: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, object], str]:
    """Exit code, what --json printed, and the messages."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--cache", str(cache), "--dry-run", "--json"])
    printed = capsys.readouterr()
    code = stop.value.code
    assert isinstance(code, int)
    return code, json.loads(printed.out) if printed.out else {}, printed.err


def states(planned: dict[str, object]) -> dict[str, str]:
    stages = planned["stages"]
    assert isinstance(stages, list)
    return {stage["name"]: stage["state"] for stage in stages}


def test_an_empty_cache_leaves_everything_to_do_and_is_left_empty(
    tiny_options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "b.lpbundle"
    code, planned, _ = foretell([*tiny_options, "-o", str(output)], tmp_path / "cache", capsys)
    assert code == 0
    assert states(planned)["crop"] == states(planned)["export_audio2motion"] == "to do"
    assert states(planned)["bake"] == "depends"
    assert list(tmp_path.iterdir()) == []


def test_after_a_build_everything_is_cached_and_sizes_are_exact(
    tiny_options: list[str],
    tiny_built: Path,
    cache_copy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*tiny_options, "-o", str(tmp_path / "b.lpbundle")]
    _, planned, _ = foretell(arguments, cache_copy, capsys)
    assert set(states(planned).values()) == {"cached"}
    assert planned["seconds"] == 0
    built = Bundle.open(tiny_built / "tiny.lpbundle").manifest
    sizes = {
        variant.precision: sum(r.bytes for g in variant.graphs.values() for r in g.files)
        for variant in built.variants
    }
    assert planned["variants"] == [
        {"target": "onnx", "precision": name, "bytes": sizes[name], "exact": True}
        for name in ("fp32", "fp16")
    ]


def test_another_motion_network_is_followed_as_far_as_can_be_known(
    tiny_weights: Path, cache_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_audio2motion(tmp_path / "other.safetensors", seed=1)
    arguments = [*build_arguments(tiny_weights, other), "-o", str(tmp_path / "b.lpbundle")]
    _, planned, _ = foretell(arguments, cache_copy, capsys)
    found = states(planned)
    assert found["fp32_generator"] == found["bake"] == "cached"
    assert found["reference"] == found["export_audio2motion"] == "to do"
    assert found["rewrite_parity"] == found["fp16_audio2motion"] == "depends"
    # Times were recorded by the build that filled the cache, for networks of the same size.
    stages = planned["stages"]
    assert isinstance(stages, list)
    for stage in stages:
        if stage["state"] != "cached":
            assert stage["seconds"] > 0
            assert stage["seconds_from"] == "earlier builds"
    assert planned["stages_of_unknown_time"] == []
    assert planned["seconds"] > 0


def test_estimated_sizes_are_near_the_real_ones(
    tiny_options: list[str], tiny_built: Path, tmp_path: Path
) -> None:
    given = dict(zip(tiny_options[1::2], tiny_options[2::2], strict=True))
    named = {key.removeprefix("--"): value for key, value in given.items()}
    options = read_options(None, {**named, "output": tmp_path / "b"})
    (estimate, _) = forecast(options, Cache(tmp_path / "cache")).variants
    assert not estimate.exact
    variant = Bundle.open(tiny_built / "tiny.lpbundle").manifest.variants[0]
    real = sum(r.bytes for graph in variant.graphs.values() for r in graph.files)
    # Tables of indices weigh more than weights in networks this small.
    assert 0.3 < estimate.bytes / real < 1.5


@pytest.fixture
def without_converters(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where neither optional converter is installed."""
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> object:
        absent = ("coremltools", "litert_torch", "ai_edge_litert")
        return None if name in absent else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


@pytest.mark.usefixtures("without_converters")
def test_converters_that_are_missing_are_named_with_their_extra(
    tiny_options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*tiny_options, "--targets", "onnx,coreml,tflite", "-o", str(tmp_path / "b")]
    code, planned, _ = foretell(arguments, tmp_path / "cache", capsys)
    assert code == 1
    problems = planned["problems"]
    assert isinstance(problems, list)
    assert 'pip install "lp-pack[coreml]"' in problems[0]
    assert 'pip install "lp-pack[tflite]"' in problems[1]
    # The rest of the plan is shown all the same.
    assert "export_generator" in states(planned)
    assert not any(name.startswith(("coreml", "tflite")) for name in states(planned))
    # The build itself refuses before its first stage.
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--cache", str(tmp_path / "cache")])
    assert stop.value.code == 1
    assert "lp-pack[coreml]" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("without_converters")
def test_without_any_converter_there_is_no_plan(
    tiny_options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*tiny_options, "--targets", "coreml,tflite", "-o", str(tmp_path / "b")]
    code, planned, messages = foretell(arguments, tmp_path / "cache", capsys)
    assert (code, planned) == (1, {})
    assert "lp-pack[coreml]" in messages
    assert "lp-pack[tflite]" in messages


def test_a_person_reads_the_same(
    tiny_options: list[str], cache_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*tiny_options, "--cache", str(cache_copy), "-o", str(tmp_path / "b.lpbundle")]
    with pytest.raises(SystemExit) as stop:
        group.main([*arguments, "--dry-run"], prog_name="lp-pack", standalone_mode=False)
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert "a portrait without a face" in " ".join(printed.split())
    assert "0 of 15 stages to run" in printed
    assert not (tmp_path / "b.lpbundle").exists()


def test_an_output_that_exists_is_a_problem_of_the_plan_too(
    tiny_options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    code, _, messages = foretell([*tiny_options, "-o", str(tmp_path / "b")], tmp_path / "c", capsys)
    assert code == 1
    assert "--force" in messages


def test_the_table_is_only_for_networks_of_the_measured_size() -> None:
    for tier, measured in MEASURED.items():
        stage, seconds = next(iter(measured.seconds.items()))
        assert table_seconds(tier, measured.weights, stage) == seconds
        assert table_seconds(tier, measured.weights * 3, stage) is None
        assert table_seconds(tier, measured.weights // 3, stage) is None
        assert table_seconds(tier, measured.weights, "no such stage") is None
    assert table_seconds("no such tier", 1, "crop") is None


def test_a_forecast_sums_only_what_it_knows() -> None:
    from lp_pack.forecast import StageForecast

    stages = (
        StageForecast("a", "", "cached"),
        StageForecast("b", "", "to do", seconds=2.0, seconds_from="table"),
        StageForecast("c", "", "depends", waits_for=("b",)),
    )
    planned = Forecast(Path("o"), "n", stages, (), ())
    assert planned.seconds == 2.0
    assert planned.unknown == ("c",)


def motion_template(path: Path, frames: int, value: float = 0.0) -> Path:
    """A template whose frames are all alike."""
    still = {
        "exp": np.full((1, 21, 3), value, np.float32),
        "scale": np.ones((1, 1), np.float32),
        "t": np.zeros((1, 3), np.float32),
        "R": np.eye(3, dtype=np.float32)[None],
    }
    content = {"n_frames": frames, "output_fps": 25, "motion": [still] * frames}
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("precision", "'onnx' does not have the precision 'w4'"),
        ("empty", "frames"),
        ("constant", "motion that changes"),
        ("nan", "finite"),
        ("too few samples", "at least 2 samples"),
    ],
)
def test_what_cannot_be_compressed_ends_before_the_first_stage(
    tiny_options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bad: str,
    says: str,
    dry_run: bool,
) -> None:
    template = tmp_path / "template.pkl"
    given = {
        "precision": lambda: ["--precision", "fp32,w4"],
        "empty": lambda: ["--calibration-motion", str(motion_template(template, 0))],
        "constant": lambda: ["--calibration-motion", str(motion_template(template, 5))],
        "nan": lambda: ["--calibration-motion", str(motion_template(template, 5, np.nan))],
        "too few samples": lambda: ["--calibration-samples", "1"],
    }[bad]()
    precision = [] if bad == "precision" else ["--precision", "int8"]
    places = ["--cache", str(tmp_path / "cache"), "-o", str(tmp_path / "b.lpbundle")]
    arguments = [*tiny_options, *precision, *given, *places, *(["--dry-run"] if dry_run else [])]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert "where:" in printed.err
    assert "Traceback" not in printed.err
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "b.lpbundle").exists()


def test_compressed_stages_are_in_the_plan(
    tiny_options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*tiny_options, "--precision", "int8", "-o", str(tmp_path / "b")]
    _, planned, _ = foretell(arguments, tmp_path / "cache", capsys)
    assert states(planned)["calibration"] == "depends"
    assert states(planned)["int8_generator"] == "depends"
    variants = planned["variants"]
    assert isinstance(variants, list)
    _, wide, _ = foretell(
        [*tiny_options, "--precision", "fp32", "-o", str(tmp_path / "b")], tmp_path / "c", capsys
    )
    assert isinstance(wide["variants"], list)
    assert variants[0]["bytes"] == pytest.approx(wide["variants"][0]["bytes"] / 4, rel=0.01)
