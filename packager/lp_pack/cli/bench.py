"""`lp-pack bench`: latency and memory of a bundle on this machine, or on another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lp_pack.bench import (
    DEFAULT_FRAMES,
    DEFAULT_SECONDS,
    DEFAULT_THREADS,
    BenchOptions,
    BenchReport,
    bench_variants,
)
from lp_pack.bench_adb import DeviceRun, bench_over_adb
from lp_pack.bench_history import Comparison, History, default_history
from lp_pack.bench_remote import bench_over_ssh
from lp_pack.cli.bundle_notice import say_how_it_runs, say_what_it_is
from lp_pack.cli.common import json_option, messages, output, print_json
from lp_pack.cli.speech_options import text_as_audio
from lp_pack.cli.tables import make_table, print_table
from lp_pack.cli.variant_options import precision_option, target_option
from lp_pack.errors import ConfigError
from lp_pack.measurements import record_measurements
from lp_pack.target_engines import evaluates_programs
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Precision, Target

FILE = click.Path(path_type=Path)


@click.command("bench")
@click.argument("bundle", type=FILE)
@target_option
@precision_option("Measure this precision only.  [default: every one of the target]")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    multiple=True,
    default=DEFAULT_THREADS,
    show_default=True,
    help="Worker threads of the engine; may be given several times.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=DEFAULT_FRAMES,
    show_default=True,
    help="How many frames to time.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0.0, min_open=True),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="Stop timing a variant after so long, even with fewer frames.",
)
@click.option(
    "--sustained",
    type=click.FloatRange(min=0.0),
    default=0.0,
    metavar="MINUTES",
    help="Then go on playing for so many minutes and report how the time drifts.",
)
@click.option("--audio", type=FILE, help="Sound to play.  [default: bursts of noise]")
@click.option(
    "--paste-back/--no-paste-back",
    default=True,
    show_default=True,
    help="Include putting the frame back into the portrait.",
)
@click.option("--low-memory", is_flag=True, help="Let the engine give memory back after each run.")
@click.option("--record", is_flag=True, help="Keep the figures in the bundle's manifest.")
@click.option(
    "--history/--no-history",
    "keep_history",
    default=True,
    show_default=True,
    help="Append to the history and compare with the last run like this one.",
)
@click.option("--history-file", type=FILE, help="Where the history is.  [default: state folder]")
@click.option("--ssh", metavar="HOST", help="Measure on this host, where lp-pack is installed.")
@click.option("--adb", metavar="SERIAL", help="Measure on this attached Android device.")
@click.option(
    "--device-build",
    type=FILE,
    help="With --adb: folder with lp_play, liblp_bridge.so and libonnxruntime.so for the device.",
)
@json_option
@text_as_audio
def command(
    bundle: Path,
    target: Target,
    precision: Precision | None,
    threads: tuple[int, ...],
    frames: int,
    max_seconds: float,
    sustained: float,
    audio: Path | None,
    paste_back: bool,
    low_memory: bool,
    record: bool,
    keep_history: bool,
    history_file: Path | None,
    ssh: str | None,
    adb: str | None,
    device_build: Path | None,
    as_json: bool,
) -> None:
    """Play BUNDLE as fast as it goes and report milliseconds for each graph and for the whole
    way from sound to shown frame, the first frame, loading, processor time, and memory.

    Each precision and number of threads runs in a process of its own; nothing is pinned, and what
    else ran is said as the load average. The deadline is one frame's time.
    """
    manifest = Bundle.open(bundle, verify=False).manifest
    say_what_it_is(manifest)
    if adb is None and ssh is None:
        say_how_it_runs(target)
        _refuse_to_record_an_evaluation(target, record)
    options = BenchOptions(
        target=target,
        frames=frames,
        max_seconds=max_seconds,
        audio=audio,
        paste_back=paste_back,
        low_memory=low_memory,
        sustained_minutes=sustained,
    )
    if adb is not None:
        _on_android(adb, bundle, device_build, options, precision, threads, as_json)
        return
    if ssh is not None:
        _on_another_machine(ssh, bundle, options, precision, threads, as_json)
        return
    history = History(history_file or default_history()) if keep_history else None
    printed = []
    with messages.status("measuring"):
        for report in bench_variants(bundle, options, precision, threads):
            compared = history.compare(manifest.name, report) if history else None
            # Kept one by one: an interrupted run loses nothing that it measured.
            if history:
                history.append(manifest.name, datetime.now(UTC).replace(microsecond=0), report)
            if record:
                record_measurements(bundle, [report.measurement()])
            last_run = None if compared is None else compared.as_dict()
            printed.append({**report.as_dict(), "last_run": last_run})
            if not as_json:
                _print(report, compared)
    if as_json:
        print_json(printed)


def _refuse_to_record_an_evaluation(target: Target, record: bool) -> None:
    if record and evaluates_programs(target):
        raise ConfigError(
            "Times of an evaluation are not kept as a machine's figures.",
            where="--record --target coreml",
            expected="a Mac, where Core ML itself runs the programs",
            got="lp-pack's evaluation of the programs",
            remedy="leave --record away, or measure on a Mac (--ssh HOST)",
        )


def _on_another_machine(
    host: str,
    bundle: Path,
    options: BenchOptions,
    precision: Precision | None,
    threads: tuple[int, ...],
    as_json: bool,
) -> None:
    _refuse_sound(options)
    arguments = ["--target", options.target, "--frames", str(options.frames)]
    arguments += ["--max-seconds", str(options.max_seconds)]
    arguments += ["--sustained", str(options.sustained_minutes)]
    arguments += ["--paste-back" if options.paste_back else "--no-paste-back"]
    arguments += ["--low-memory"] if options.low_memory else []
    arguments += [] if precision is None else ["--precision", precision]
    arguments += [part for count in threads for part in ("--threads", str(count))]
    with messages.status(f"measuring on {host}"):
        reports = bench_over_ssh(host, bundle, arguments)
    if as_json:
        print_json(reports)
    else:
        _print_remote(host, reports)


def _on_android(
    serial: str,
    bundle: Path,
    build: Path | None,
    options: BenchOptions,
    precision: Precision | None,
    threads: tuple[int, ...],
    as_json: bool,
) -> None:
    _refuse_sound(options)
    if build is None or options.target != "onnx":
        raise ConfigError(
            "The device needs a build of the C++ player, which runs ONNX.",
            where=f"--adb {serial}",
            expected="--device-build FOLDER and --target onnx",
            got="no --device-build" if build is None else f"--target {options.target}",
            remedy="flutter_bridge/runner/README.md says how to build the folder",
        )
    variants = Bundle.open(bundle, verify=False).manifest.variants
    offered = [variant.precision for variant in variants if variant.target == "onnx"]
    runs = [
        DeviceRun(wanted, count, options.frames, options.max_seconds, options.paste_back)
        for wanted in (offered if precision is None else [precision])
        for count in threads
    ]
    reports: list[dict[str, Any]] = []
    try:
        with messages.status(f"measuring on {serial}"):
            reports.extend(bench_over_adb(serial, bundle, build, runs))
    finally:
        # A device that goes away takes nothing with it that was measured before.
        if as_json and reports:
            print_json(reports)
        elif reports:
            _print_remote(serial, reports)


def _refuse_sound(options: BenchOptions) -> None:
    if options.audio is not None:
        raise ConfigError(
            "The sound stays on this machine.",
            expected="--ssh or --adb without --audio or --text; bursts of noise cost the same",
            got=options.audio.name,
        )


def _print_remote(host: str, reports: list[dict[str, Any]]) -> None:
    table = make_table(host, "variant", "threads", "frame median", "p99", "peak MB", "machine")
    for report in reports:
        frame = report["latency"]["frame"]
        table.add_row(
            f"{report['target']} {report['precision']}",
            str(report["threads"]),
            f"{frame['median']:.2f} ms",
            f"{frame['p99']:.2f} ms",
            f"{report['peak_memory_mb']:.0f}",
            str(report["machine"]),
        )
    print_table(table)


def _print(report: BenchReport, compared: Comparison | None) -> None:
    title = f"{report.target} {report.precision}, {report.threads} threads, milliseconds"
    title += ", evaluated by lp-pack, not by Apple's runtime" if report.evaluated else ""
    late = f"over {report.deadline_ms:g} ms"
    table = make_table(title, "", "median", "p95", "p99", "first", late)
    for name, summary in report.latency.items():
        table.add_row(
            name,
            *(f"{ms:.2f}" for ms in (summary.median, summary.p95, summary.p99, summary.first)),
            f"{summary.over_deadline} of {summary.count}",
        )
    print_table(table)
    for line in _lines(report, compared):
        output.print(line, markup=False)


def _lines(report: BenchReport, compared: Comparison | None) -> list[str]:
    load = "unknown" if report.load_average is None else f"{report.load_average:.2f}"
    low, high = report.frame_spread_ms
    lines = [
        f"{report.frames_per_second:.1f} frames a second, {report.width} x {report.height}; "
        f"medians of parts of the run from {low:.2f} to {high:.2f} ms",
        f"processor time: {report.cpu_ms_per_frame:.1f} ms a frame",
        f"loading: {report.load_cold_ms:.0f} ms, again {report.load_warm_ms:.0f} ms",
        f"first sample to first frame: {report.first_frame_warm_ms:.0f} ms "
        f"({report.first_frame_cold_ms:.0f} ms right after loading)",
        f"peak memory: {report.peak_memory_mb:.0f} MB, steady {report.steady_memory_mb:.0f} MB",
    ]
    if report.sustained is not None:
        lines.append(
            f"sustained for {report.sustained.minutes:.1f} minutes, {report.sustained.frames} "
            f"frames: drift {report.sustained.drift * 100:+.1f} % from first to last tenth"
        )
    if compared is not None:
        lines.append(
            f"against {compared.when}: frame median x {compared.frame_median:.3f}, "
            f"peak memory x {compared.peak_memory:.3f}"
        )
    lines.append(f"on {report.machine}; {report.engine}; load average before {load}")
    return lines
