"""What a manifest says, arranged as the rows of the page's tables."""

from __future__ import annotations

from dataclasses import dataclass

from lp_runtime.manifest import Manifest, Measurement, ParityFigure, Threshold

UNITS = {"max_abs": "", "psnr_db": " dB", "range_fraction": " of range"}
STEPS = {"rewrite": "rewrite", "engine": "engine", "end_to_end": "end to end"}


@dataclass(frozen=True)
class ParityRow:
    """One agreement and its bound; `fullness` is the share of what was allowed, 0 to 1."""

    step: str
    variant: str
    graph: str
    tensor: str
    worst: str
    mean: str
    bound: str
    passed: bool
    fullness: float
    frames: int
    motion_source: str


@dataclass(frozen=True)
class Bar:
    """One bar of a plot: its label, its length as a share of the longest, and its text."""

    label: str
    share: float
    text: str
    note: str = ""


@dataclass(frozen=True)
class OperatorRow:
    """How many operators of one type each graph of a variant holds."""

    operator: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class OperatorTable:
    """The operators of one variant; a column for each graph."""

    variant: str
    graphs: tuple[str, ...]
    rows: tuple[OperatorRow, ...]


def parity_rows(manifest: Manifest) -> tuple[ParityRow, ...]:
    """Every parity figure with its bound."""
    bounds = {threshold.name: threshold for threshold in manifest.thresholds}
    return tuple(_parity_row(figure, bounds[figure.threshold]) for figure in manifest.parity)


def size_bars(manifest: Manifest) -> tuple[Bar, ...]:
    """Megabytes of each graph of each variant."""
    sizes = [
        (f"{variant.target} {variant.precision} {name}", sum(file.bytes for file in graph.files))
        for variant in manifest.variants
        for name, graph in variant.graphs.items()
    ]
    return bars([(label, size / 1e6, f"{size / 1e6:.2f} MB", "") for label, size in sizes])


def latency_bars(measurement: Measurement) -> tuple[Bar, ...]:
    """Median milliseconds by graph and for the whole frame, with the 95th and 99th percentile."""
    rows = []
    for name, figures in measurement.latency_ms.items():
        if "median" in figures:
            tail = ", ".join(
                f"{key} {figures[key]:.1f}" for key in ("p95", "p99") if key in figures
            )
            rows.append((name, figures["median"], f"{figures['median']:.2f} ms", tail))
    return bars(rows)


def bars(rows: list[tuple[str, float, str, str]]) -> tuple[Bar, ...]:
    """Bars from (label, value, text, note), scaled to the largest value."""
    largest = max((value for _, value, _, _ in rows), default=0.0) or 1.0
    return tuple(Bar(label, value / largest, text, note) for label, value, text, note in rows)


def operator_tables(manifest: Manifest) -> tuple[OperatorTable, ...]:
    """A table for each variant: operators by frequency, a column for each graph."""
    tables = []
    for variant in manifest.variants:
        graphs = tuple(variant.graphs)
        names = {name for graph in variant.graphs.values() for name in graph.operators}
        rows = [
            OperatorRow(
                name, tuple(variant.graphs[graph].operators.get(name, 0) for graph in graphs)
            )
            for name in names
        ]
        rows.sort(key=lambda row: (-sum(row.counts), row.operator))
        tables.append(OperatorTable(f"{variant.target} {variant.precision}", graphs, tuple(rows)))
    return tuple(tables)


def _parity_row(figure: ParityFigure, threshold: Threshold) -> ParityRow:
    at_most = threshold.direction == "at_most"
    passed = figure.worst <= threshold.bound if at_most else figure.worst >= threshold.bound
    # Decibels count downwards: 45 of 45 dB is full, 90 of 45 dB is half.
    used = figure.worst / threshold.bound if at_most else threshold.bound / max(figure.worst, 1e-9)
    unit = UNITS[threshold.metric]
    metric = "max abs " if threshold.metric == "max_abs" else ""
    return ParityRow(
        step=STEPS[figure.stage],
        variant=" ".join(part for part in (figure.target, figure.precision) if part) or "torch",
        graph=figure.graph,
        tensor=figure.part,
        worst=f"{figure.worst:.3g}{unit}",
        mean=f"{figure.mean:.3g}{unit}",
        bound=f"{metric}{'≤' if at_most else '≥'} {threshold.bound:g}{unit}",
        passed=passed,
        fullness=min(max(used, 0.0), 1.0),
        frames=figure.frames,
        motion_source=figure.motion_source,
    )
