"""The page itself: facts of one or several bundles put into the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from lp_pack.budgets.devices import read_devices
from lp_pack.budgets.estimate import ASSUMPTIONS, Budget, estimate_bundle
from lp_pack.diff import Change, compare_manifests
from lp_pack.report.clips import MAGNIFICATION, comparison_clip, reference_clip
from lp_pack.report.differences import Differences, compare, lip_region
from lp_pack.report.facts import (
    Bar,
    OperatorTable,
    ParityRow,
    bars,
    latency_bars,
    operator_tables,
    parity_rows,
    size_bars,
)
from lp_pack.report.golden_pictures import golden_pictures
from lp_pack.report.layers import GraphErrors
from lp_pack.report.playing import Performance, Played
from lp_pack.report.plots import HeatMap, LinePlot, heat_over_picture, heat_over_time, line_plot
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Manifest


@dataclass(frozen=True)
class Comparison:
    """One variant beside the reference."""

    name: str
    clip: str
    differences: Differences
    over_time: HeatMap
    over_picture: HeatMap
    psnr: LinePlot


@dataclass(frozen=True)
class Shown:
    """What playing a bundle gave."""

    reference: str
    reference_clip: str
    seconds: float
    frame_rate: float
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]
    # Variant -> milliseconds of each graph, while this page was made.
    latency: tuple[tuple[str, tuple[Bar, ...]], ...]
    # Sum of the medians of the reference's graphs.
    milliseconds: float


@dataclass(frozen=True)
class Section:
    """Everything that the page says about one bundle."""

    title: str
    manifest: Manifest
    total_bytes: int
    parity: tuple[ParityRow, ...]
    sizes: tuple[Bar, ...]
    operators: tuple[OperatorTable, ...]
    measured: tuple[tuple[str, tuple[Bar, ...]], ...]
    golden: tuple[str, ...]
    shown: Shown | None
    budget: Budget
    layers: tuple[GraphErrors, ...]

    @property
    def missed(self) -> int:
        """How many parity figures do not meet their bound."""
        return sum(not row.passed for row in self.parity)

    @property
    def gflop(self) -> float:
        """Arithmetic of one frame at the first precision that was counted; 0 where none was."""
        first = next(iter(self.budget.costs), ("", ""))[0]
        costs = self.budget.costs.items()
        return sum(cost.gflop for (precision, _), cost in costs if precision == first)


@dataclass(frozen=True)
class Pair:
    """What the second bundle has otherwise than the first."""

    before: str
    after: str
    changes: tuple[Change, ...]


def build_page(
    bundles: Sequence[Bundle],
    performances: Sequence[Performance | None] | None = None,
    layers: Sequence[tuple[GraphErrors, ...]] | None = None,
) -> str:
    """The page as HTML; several bundles are compared with the first.

    Without performances it holds nothing but what the bundles hold: equal bundles give equal
    bytes, which is how a build writes it. Raises BundleError when golden data is damaged.
    """
    played = [None] * len(bundles) if performances is None else performances
    errors = [()] * len(bundles) if layers is None else layers
    sections = [_section(*facts) for facts in zip(bundles, played, errors, strict=True)]
    pairs = [
        Pair(
            _title(bundles[0]),
            _title(bundle),
            tuple(compare_manifests(bundles[0].manifest, bundle.manifest)),
        )
        for bundle in bundles[1:]
    ]
    return _template().render(
        sections=sections,
        pairs=pairs,
        style=_text("page.css"),
        script=_text("page.js"),
        magnification=MAGNIFICATION,
        assumptions=ASSUMPTIONS,
    )


def _section(
    bundle: Bundle, performance: Performance | None, layers: tuple[GraphErrors, ...]
) -> Section:
    manifest = bundle.manifest
    measured = tuple(
        (
            f"{one.target} {one.precision}, {one.threads} threads, peak "
            f"{one.peak_memory_mb:.0f} MB, on {one.machine}",
            latency_bars(one),
        )
        for one in manifest.measurements
    )
    return Section(
        title=_title(bundle),
        manifest=manifest,
        total_bytes=sum({record.path: record.bytes for record in bundle.records()}.values()),
        parity=parity_rows(manifest),
        sizes=size_bars(manifest),
        operators=operator_tables(manifest),
        measured=measured,
        golden=golden_pictures(bundle),
        shown=None if performance is None else _shown(manifest, performance),
        budget=estimate_bundle(bundle, read_devices()),
        layers=layers,
    )


def _shown(manifest: Manifest, performance: Performance) -> Shown:
    reference, *others = performance.variants
    lips = lip_region(reference, manifest.pipeline.keypoint_groups.get("lips"))
    comparisons = []
    for other in others:
        differences = compare(reference, other, lips)
        comparisons.append(
            Comparison(
                name=other.name,
                clip=comparison_clip(performance, other),
                differences=differences,
                over_time=heat_over_time(differences),
                over_picture=heat_over_picture(differences),
                psnr=line_plot(differences.psnr),
            )
        )
    return Shown(
        reference=reference.name,
        reference_clip=reference_clip(performance),
        seconds=len(reference.frames) / performance.frame_rate,
        frame_rate=performance.frame_rate,
        comparisons=tuple(comparisons),
        skipped=performance.skipped,
        latency=tuple((one.name, _latency(one)) for one in performance.variants),
        milliseconds=sum(summary.median for summary in reference.latency.values()),
    )


def _latency(played: Played) -> tuple[Bar, ...]:
    return bars(
        [
            (name, summary.median, f"{summary.median:.2f} ms", f"p95 {summary.p95:.1f}")
            for name, summary in played.latency.items()
        ]
    )


def _title(bundle: Bundle) -> str:
    """The manifest's name, with the folder's where they differ."""
    name, folder = bundle.manifest.name, bundle.path.name.removesuffix(".lpbundle")
    return name if name == folder else f"{name} ({bundle.path.name})"


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_text("page.html"))


def _text(name: str) -> str:
    return (resources.files("lp_pack.report") / name).read_text(encoding="utf-8")
