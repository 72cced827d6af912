"""`lp-pack bench`: which figures it reports and where it keeps them, never how large they are."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tiny_bundle import TinyBundle

from lp_pack.bench import (
    BenchOptions,
    BenchReport,
    bench_bundle,
    bench_in_fresh_process,
    machine_name,
    spread,
)
from lp_pack.bench_history import History
from lp_pack.measurements import record_measurements
from lp_runtime import Bundle, InputError

MAIN = "from lp_pack.cli import main; main()"


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test writes into the user's history."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(scope="module")
def report(pristine_tiny: Path) -> BenchReport:
    return bench_bundle(pristine_tiny, BenchOptions(frames=20, threads=1))


def test_every_stage_is_timed_for_every_frame(pristine_tiny: Path) -> None:
    report = bench_bundle(pristine_tiny, BenchOptions(frames=20, threads=1))
    assert list(report.latency) == ["audio2motion", "stitching", "generator", "paste_back", "frame"]
    assert report.latency["frame"].count == 20
    assert report.latency["paste_back"].count == 20
    assert report.deadline_ms == 40
    assert report.frames_per_second > 0
    assert report.threads == 1


def test_the_first_frame_waits_for_its_sound_and_the_look_ahead(pristine_tiny: Path) -> None:
    report = bench_bundle(pristine_tiny, BenchOptions(frames=3, threads=1))
    assert report.first_frame_cold_ms > 3 * 40
    assert report.first_frame_warm_ms > 3 * 40


def test_a_slow_bundle_is_timed_for_a_limited_time(pristine_tiny: Path) -> None:
    report = bench_bundle(pristine_tiny, BenchOptions(frames=50, threads=1, max_seconds=1e-9))
    assert report.frames == report.latency["frame"].count == 1


def test_memory_is_that_of_a_fresh_process(pristine_tiny: Path) -> None:
    ballast = bytearray(os.urandom(1 << 20) * 300)
    report = bench_in_fresh_process(pristine_tiny, BenchOptions(frames=3, threads=1))
    assert 20 < report.peak_memory_mb < len(ballast) / 1e6


def test_an_error_in_the_fresh_process_arrives_as_it_was(tiny: TinyBundle) -> None:
    options = BenchOptions(precision="int8", threads=1)
    with pytest.raises(InputError, match="fp32 or fp16"):
        bench_in_fresh_process(tiny.path, options)


def test_the_command_measures_every_precision_as_json(run: Callable, pristine_tiny: Path) -> None:
    result = run("bench", pristine_tiny, "--frames", 3, "--threads", 1, "--json")
    reports = json.loads(result.stdout)
    assert [report["precision"] for report in reports] == ["fp32", "fp16"]
    assert {"median", "p95", "p99", "first", "over_deadline"} <= set(reports[0]["latency"]["frame"])
    assert reports[0]["machine"] == machine_name()
    assert "UNTRAINED" in result.stderr


def test_the_command_prints_a_table(run: Callable, pristine_tiny: Path) -> None:
    arguments = ("--frames", 3, "--precision", "fp32", "--threads", 1, "--no-paste-back")
    result = run("bench", pristine_tiny, *arguments)
    assert result.exit_code == 0
    for text in (
        *("median", "p99", "generator", "frames a second", "peak memory", "load average"),
        *("processor time", "loading", "steady"),
    ):
        assert text in result.stdout


def test_recorded_figures_stay_in_the_bundle_and_are_replaced(
    run: Callable, tiny: TinyBundle
) -> None:
    for _ in range(2):
        arguments = ("--frames", 3, "--threads", 1, "--record", "--json")
        assert run("bench", tiny.path, *arguments).exit_code == 0
        measured = Bundle.open(tiny.path).manifest.measurements
        assert [(m.precision, m.frames) for m in measured] == [("fp16", 3), ("fp32", 3)]
    assert {"median", "p95", "p99", "first"} <= set(measured[0].latency_ms["generator"])
    assert not list(tiny.path.glob(".*"))


def test_a_measurement_of_another_machine_is_kept(tiny: TinyBundle) -> None:
    one = bench_bundle(tiny.path, BenchOptions(frames=2, threads=1)).measurement()
    record_measurements(tiny.path, [one])
    record_measurements(tiny.path, [msgspec.structs.replace(one, machine="another")])
    assert len(Bundle.open(tiny.path).manifest.measurements) == 2


def test_nothing_to_measure_is_refused(pristine_tiny: Path) -> None:
    with pytest.raises(InputError, match="nothing to measure"):
        bench_bundle(pristine_tiny, BenchOptions(frames=0))


def test_a_target_that_is_not_there_is_refused(run: Callable, pristine_tiny: Path) -> None:
    result = run("bench", pristine_tiny, "--target", "tflite")
    assert result.exit_code == 1
    assert "no graphs for the target 'tflite'" in result.stderr


def test_loading_memory_and_processor_time_are_reported(report: BenchReport) -> None:
    assert report.load_cold_ms > 0
    assert report.load_warm_ms > 0
    assert 0 < report.steady_memory_mb <= report.peak_memory_mb * 1.01
    assert report.cpu_ms_per_frame > 0
    low, high = report.frame_spread_ms
    assert 0 < low <= report.latency["frame"].median <= high


def test_spread_is_that_of_parts_of_the_run_without_the_first_frame() -> None:
    assert spread([900.0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]) == (1.0, 5.0)
    assert spread([7.0]) == (7.0, 7.0)


def test_both_numbers_of_threads_are_measured(run: Callable, pristine_tiny: Path) -> None:
    arguments = ("--frames", 2, "--precision", "fp32", "--json")
    reports = json.loads(run("bench", pristine_tiny, *arguments).stdout)
    assert [one["threads"] for one in reports] == [1, 2]


def test_a_sustained_run_tells_its_drift(pristine_tiny: Path) -> None:
    options = BenchOptions(frames=20, threads=1, sustained_minutes=0.01)
    sustained = bench_bundle(pristine_tiny, options).sustained
    assert sustained is not None
    assert sustained.minutes >= 0.01
    assert len(sustained.window_medians_ms) == 10
    first, last = sustained.window_medians_ms[0], sustained.window_medians_ms[-1]
    assert sustained.drift == pytest.approx(last / first - 1)


def test_a_second_run_is_compared_with_the_first(
    run: Callable, pristine_tiny: Path, state_home: Path
) -> None:
    arguments = ("bench", pristine_tiny, "--frames", 3, "--precision", "fp32", "--threads", 1)
    first, second = (json.loads(run(*arguments, "--json").stdout)[0] for _ in range(2))
    assert first["last_run"] is None
    ratio = second["latency"]["frame"]["median"] / first["latency"]["frame"]["median"]
    assert second["last_run"]["frame_median"] == pytest.approx(ratio)
    assert len((state_home / "lp-pack" / "bench.jsonl").read_text().splitlines()) == 2
    assert "against 20" in run(*arguments).stdout


def test_only_runs_of_the_same_kind_are_compared(tmp_path: Path, report: BenchReport) -> None:
    history = History(tmp_path / "bench.jsonl")
    when = datetime(2026, 1, 2, tzinfo=UTC)
    history.append("tiny", when, report)
    assert history.compare("other", report) is None
    assert history.compare("tiny", replace(report, threads=2)) is None
    compared = history.compare("tiny", replace(report, peak_memory_mb=2 * report.peak_memory_mb))
    assert compared is not None
    assert (compared.frame_median, compared.peak_memory) == (1.0, 2.0)
    assert compared.when == "2026-01-02T00:00:00+00:00"


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path, report: BenchReport) -> None:
    history = History(tmp_path / "bench.jsonl")
    history.append("tiny", datetime(2026, 1, 2, tzinfo=UTC), report)
    with history.path.open("a") as stream:
        stream.write('{"bundle": "tiny", "when')
    assert history.compare("tiny", report) is not None


def test_no_history_leaves_no_trace(run: Callable, pristine_tiny: Path, state_home: Path) -> None:
    arguments = ("--frames", 2, "--precision", "fp32", "--threads", 1, "--no-history")
    assert run("bench", pristine_tiny, *arguments).exit_code == 0
    assert not state_home.exists()


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for programs first."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def folders(place: Path) -> set[Path]:
    return {path for path in place.iterdir() if path.is_dir()}


def test_over_ssh_the_bundle_is_measured_there_and_its_copy_removed(
    run: Callable, pristine_tiny: Path, programs: Path, tmp_path: Path
) -> None:
    # This machine stands for the other one: ssh runs the command here, scp copies here.
    program(
        programs, "ssh", f'for last; do :; done; cd {tmp_path}; TMPDIR={tmp_path} sh -c "$last"'
    )
    program(programs, "scp", 'for last; do from=$to; to=$last; done; cp -r "$from" "${to#*:}"')
    program(programs, "lp-pack", f'exec {sys.executable} -c "{MAIN}" "$@"')
    before = folders(tmp_path)
    arguments = ("--frames", 2, "--precision", "fp32", "--threads", 1)
    result = run("bench", pristine_tiny, "--ssh", "board", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert [one["frames"] for one in json.loads(result.stdout)] == [2]
    assert folders(tmp_path) == before


def test_a_host_that_goes_away_is_named(run: Callable, pristine_tiny: Path, programs: Path) -> None:
    program(programs, "ssh", "echo 'Connection closed' >&2; exit 255")
    result = run("bench", pristine_tiny, "--ssh", "board")
    assert result.exit_code == 1
    assert "went away" in result.stderr
    assert "board" in result.stderr


def test_a_host_that_is_an_option_is_refused(run: Callable, pristine_tiny: Path) -> None:
    result = run("bench", pristine_tiny, "--ssh=-oProxyCommand=true")
    assert result.exit_code == 1
    assert "no host's name" in result.stderr
