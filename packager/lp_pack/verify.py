"""Check a bundle: hashes, schema, and parity with its golden data for every runnable variant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lp_pack.target_engines import packager_engine
from lp_runtime.bundle import Bundle
from lp_runtime.errors import EngineError, InputError
from lp_runtime.golden import GoldenFigure, self_check
from lp_runtime.manifest import Manifest, Variant

Status = Literal["passed", "failed", "not runnable"]


@dataclass(frozen=True)
class VariantReport:
    """One variant: its figures, or why there are none."""

    target: str
    precision: str
    status: Status
    figures: tuple[GoldenFigure, ...]
    # Engine and version, or the reason for another status than "passed".
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "target": self.target,
            "precision": self.precision,
            "status": self.status,
            "detail": self.detail,
            "figures": [_figure_as_dict(figure) for figure in self.figures],
        }


@dataclass(frozen=True)
class VerifyReport:
    """What was checked, and whether all of it holds."""

    manifest: Manifest
    files_checked: int
    variants: tuple[VariantReport, ...]

    @property
    def passed(self) -> bool:
        """No variant failed, and at least one could be run on this machine."""
        statuses = [variant.status for variant in self.variants]
        return "failed" not in statuses and "passed" in statuses

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "bundle": self.manifest.name,
            "trained": self.manifest.trained,
            "passed": self.passed,
            "files_checked": self.files_checked,
            "variants": [variant.as_dict() for variant in self.variants],
        }


def verify_bundle(path: Path, threads: int | None = None) -> VerifyReport:
    """Check the bundle at `path` on this machine.

    Raises BundleError at the first file or field of the bundle that is not what it should be; a
    disagreement with the golden data is reported, not raised.
    """
    bundle = Bundle.open(path, verify=False)
    files_checked = bundle.verify_files()
    variants = tuple(_check(bundle, variant, threads) for variant in bundle.manifest.variants)
    return VerifyReport(bundle.manifest, files_checked, variants)


def _check(bundle: Bundle, variant: Variant, threads: int | None) -> VariantReport:
    target, precision = variant.target, variant.precision
    try:
        engine = packager_engine(target)
    except EngineError as error:
        return VariantReport(target, precision, "not runnable", (), _one_line(error))
    try:
        session = bundle.session(target, precision, threads, engine=engine)
        figures = tuple(self_check(bundle, session))
    except (EngineError, InputError) as error:
        return VariantReport(target, precision, "failed", (), _one_line(error))
    failed = [figure for figure in figures if not figure.passed]
    if failed:
        names = ", ".join(f"{figure.graph}.{figure.tensor}" for figure in failed)
        return VariantReport(
            target,
            precision,
            "failed",
            figures,
            f"differs from torch: {names} ({engine.version()})",
        )
    if not figures:
        detail = "the bundle has no golden data"
        return VariantReport(target, precision, "failed", (), detail)
    return VariantReport(target, precision, "passed", figures, engine.version())


def _figure_as_dict(figure: GoldenFigure) -> dict[str, Any]:
    return {
        "case": figure.case,
        "graph": figure.graph,
        "tensor": figure.tensor,
        "passed": figure.passed,
        "metric": figure.threshold.metric,
        "threshold": figure.threshold.name,
        "direction": figure.threshold.direction,
        "bound": figure.threshold.bound,
        "worst": figure.worst,
        "mean": figure.mean,
        "worst_frame": figure.worst_frame,
        "frames": figure.frames,
    }


def _one_line(error: Exception) -> str:
    return "; ".join(line.strip() for line in str(error).splitlines())
