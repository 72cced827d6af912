"""`lp-pack inspect`: what a bundle holds."""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.accelerators.report import Placement, placements
from lp_pack.cli.bundle_notice import say_what_it_is
from lp_pack.cli.common import json_option, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.inspect import BundleSummary, inspect_bundle
from lp_runtime.manifest import Manifest, TensorSpec


@click.command("inspect")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--accelerators",
    "with_accelerators",
    is_flag=True,
    help="Show instead which operators each accelerator leaves to the processor, with sources.",
)
@json_option
def command(bundle: Path, with_accelerators: bool, as_json: bool) -> None:
    """Show what BUNDLE holds: pipeline, graphs with their tensors and operators, parity figures,
    measurements, provenance and licences. Reads the manifest only.
    """
    summary = inspect_bundle(bundle)
    say_what_it_is(summary.manifest)
    if with_accelerators:
        _show_accelerators(placements(summary.manifest), as_json)
        return
    if as_json:
        print_json(summary.as_dict())
        return
    _print_head(summary)
    _print_pipeline(summary.manifest)
    _print_graphs(summary)
    _print_tensors(summary.manifest)
    _print_parity(summary.manifest)
    _print_measurements(summary.manifest)
    _print_provenance(summary.manifest)


def _show_accelerators(found: tuple[Placement, ...], as_json: bool) -> None:
    if as_json:
        print_json([placement.as_dict() for placement in found])
        return
    table = make_table(
        "accelerators", "variant", "accelerator", "graph", "taken", "left to the CPU"
    )
    for placement in found:
        left = ", ".join(f"{name} {count}" for name, count in placement.left.items())
        table.add_row(
            f"{placement.target} {placement.precision}",
            placement.accelerator.name,
            placement.graph,
            str(placement.taken),
            left or "nothing",
            style="green" if placement.complete else None,
        )
    print_table(table)
    for accelerator in dict.fromkeys(placement.accelerator for placement in found):
        output.print(f"{accelerator.name}:", style="bold", markup=False)
        for line in (*accelerator.remarks, *accelerator.sources):
            output.print(f"  {line}", markup=False)


def _print_head(summary: BundleSummary) -> None:
    manifest = summary.manifest
    pipeline = manifest.pipeline
    state = "trained" if manifest.trained else "UNTRAINED"
    output.print(
        f"{manifest.name}: {manifest.tier} tier, {state}, "
        f"{summary.total_bytes / 1e6:.1f} MB, schema version {manifest.schema_version}",
        markup=False,
    )
    output.print(
        f"{pipeline.frame.width} x {pipeline.frame.height} at {pipeline.frame_rate:g} frames a "
        f"second, sound at {pipeline.sample_rate} Hz ({pipeline.samples_per_frame} samples a "
        f"frame), look-ahead {pipeline.look_ahead_frames} frames",
        markup=False,
    )


def _print_pipeline(manifest: Manifest) -> None:
    inputs = make_table("inputs", "name", "kind", "shape", "default", "description")
    for item in manifest.pipeline.inputs:
        default = "required" if item.default is None else _numbers(item.default)
        description = item.description + (f" [{', '.join(item.labels)}]" if item.labels else "")
        inputs.add_row(item.name, item.kind, _shape(item.shape), default, description)
    print_table(inputs)
    steps = make_table("pipeline", "graph", "takes", "makes")
    for step in manifest.pipeline.steps:
        steps.add_row(step.graph, ", ".join(step.inputs.values()), ", ".join(step.outputs.values()))
    print_table(steps)


def _print_graphs(summary: BundleSummary) -> None:
    table = make_table("graphs", "variant", "graph", "MB", "operators", "requires", "most frequent")
    for graph in summary.graphs:
        table.add_row(
            f"{graph.target} {graph.precision}",
            graph.graph,
            f"{graph.bytes / 1e6:.2f}",
            str(graph.operators),
            graph.requires,
            ", ".join(f"{name} {count}" for name, count in graph.common_operators),
        )
    print_table(table)


def _print_tensors(manifest: Manifest) -> None:
    table = make_table(
        "tensors", "variant", "graph", "", "name", "type", "shape", "layout", "range"
    )

    def add(variant: str, graph: str, side: str, spec: TensorSpec) -> None:
        limits = "" if spec.value_range is None else _numbers(spec.value_range)
        table.add_row(
            variant, graph, side, spec.name, spec.dtype, _shape(spec.shape), spec.layout, limits
        )

    for variant in manifest.variants:
        for name, graph in variant.graphs.items():
            for side, specs in (("in", graph.inputs), ("out", graph.outputs)):
                for spec in specs:
                    add(f"{variant.target} {variant.precision}", name, side, spec)
    print_table(table)


def _print_parity(manifest: Manifest) -> None:
    bounds = {threshold.name: threshold for threshold in manifest.thresholds}
    table = make_table(
        "parity", "step", "variant", "graph", "tensor", "worst", "mean", "bound", "motion"
    )
    for figure in manifest.parity:
        threshold = bounds[figure.threshold]
        sign = "<=" if threshold.direction == "at_most" else ">="
        table.add_row(
            figure.stage.replace("_", " "),
            " ".join(part for part in (figure.target, figure.precision) if part) or "torch",
            figure.graph,
            figure.part,
            f"{figure.worst:.3g}",
            f"{figure.mean:.3g}",
            f"{threshold.metric} {sign} {threshold.bound:g}",
            figure.motion_source,
        )
    print_table(table)


def _print_measurements(manifest: Manifest) -> None:
    if not manifest.measurements:
        output.print("No measurements recorded; `lp-pack bench --record` adds them.", style="dim")
        return
    table = make_table(
        "measured", "machine", "variant", "threads", "frame median", "p99", "peak MB"
    )
    for measured in manifest.measurements:
        frame = measured.latency_ms.get("frame", {})
        table.add_row(
            measured.machine,
            f"{measured.target} {measured.precision}",
            str(measured.threads),
            f"{frame.get('median', float('nan')):.1f} ms",
            f"{frame.get('p99', float('nan')):.1f} ms",
            f"{measured.peak_memory_mb:.0f}",
        )
    print_table(table)


def _print_provenance(manifest: Manifest) -> None:
    table = make_table("provenance", "what", "value")
    for role, digest in manifest.provenance.inputs.items():
        table.add_row(role, f"sha256 {digest}")
    for package, version in manifest.provenance.versions.items():
        table.add_row(package, version)
    for option, value in manifest.provenance.options.items():
        table.add_row(option, value)
    for licence in manifest.licences:
        table.add_row(f"licence of {licence.subject}", f"{licence.spdx} ({licence.file})")
    print_table(table)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def _numbers(numbers: tuple[float, ...]) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:8])
    return shown if len(numbers) <= 8 else f"{shown}, ... ({len(numbers)})"
