"""The parity gate: compare two versions of a tensor, frame by frame, and refuse what differs.

The metrics are `lp_runtime.metrics`: what a device checks itself with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lp_pack.errors import ParityError
from lp_pack.frame_regions import Region
from lp_runtime.manifest import MotionPart, ParityFigure, Precision, Target, Threshold
from lp_runtime.metrics import METRICS

FIGURE_DIGITS = 4

REMEDIES = {
    "rewrite": "the baked rewrite differs from the original: run the tests of lp_models; "
    "if they pass, report the checkpoints' hashes",
    "engine": "compare the passes one by one (lp-pack --verbose build), or build with "
    "--precision fp32 only",
    "end_to_end": "each graph agreed alone, so look at how the manifest connects them",
}
COMPRESSED_REMEDY = (
    "calibrate on motion like that which is to be played (--calibration-motion), let `lp-pack "
    "quantize --search` choose the layers to keep wide, or take a wider precision"
)


@dataclass(frozen=True)
class Comparison:
    """What is compared: the words of a figure and of an error."""

    stage: str
    graph: str
    tensor: str
    threshold: Threshold
    target: Target | None = None
    precision: Precision | None = None
    motion_source: str = ""
    parts: tuple[MotionPart, ...] = ()
    # A box for each frame, where only a part of a picture is compared, and what the part is called.
    regions: tuple[Region, ...] = ()
    region: Literal["", "lips"] = ""


def check(comparison: Comparison, expected: np.ndarray, got: np.ndarray) -> ParityFigure:
    """The figure of an agreement.

    Args:
        comparison: what the arrays are.
        expected: (frames, ...) of the version that is trusted.
        got: the same shape; with regions, both end in rows and columns.

    Raises:
        ParityError: the shapes differ, a value is not finite, or the worst frame misses the bound.
    """
    if expected.shape != got.shape or not len(expected):
        raise _error(comparison, f"shape {expected.shape}", f"shape {got.shape}")
    if not np.isfinite(got).all() or not np.isfinite(expected).all():
        bad = int(np.argmin(np.isfinite(got).reshape(len(got), -1).all(axis=1)))
        raise _error(comparison, "finite numbers", f"NaN or infinity (frame {bad})")
    values = _values(comparison, expected, got)
    at_most = comparison.threshold.direction == "at_most"
    worst_frame = int(np.argmax(values) if at_most else np.argmin(values))
    worst, bound = float(values[worst_frame]), comparison.threshold.bound
    if worst > bound if at_most else worst < bound:
        sign, name = "<=" if at_most else ">=", comparison.threshold.metric
        threshold = comparison.threshold.name
        raise _error(
            comparison,
            f"{name} {sign} {bound:g} on every frame (threshold '{threshold}')",
            f"{name} {worst:.4g} on frame {worst_frame} of {len(values)}, "
            f"mean {float(values.mean()):.4g}",
        )
    return ParityFigure(
        stage=comparison.stage,  # type: ignore[arg-type]  # checked when the manifest is decoded
        graph=comparison.graph,
        tensor=comparison.tensor,
        threshold=comparison.threshold.name,
        worst=rounded(worst),
        mean=rounded(float(values.mean())),
        frames=len(values),
        target=comparison.target,
        precision=comparison.precision,
        motion_source=comparison.motion_source,
        region=comparison.region,
    )


def _values(comparison: Comparison, expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """The metric of each frame, of its region where there are regions."""
    metric = METRICS[comparison.threshold.metric]
    if not comparison.regions:
        return metric(expected, got, comparison.parts)
    values = []
    for (rows, columns), one, other in zip(comparison.regions, expected, got, strict=True):
        before, after = one[None, ..., rows, columns], other[None, ..., rows, columns]
        values.append(metric(before, after, ()))
    return np.concatenate(values)


def rounded(value: float) -> float:
    """Few enough digits that a figure says what it knows."""
    return float(f"{value:.{FIGURE_DIGITS}g}")


def _error(comparison: Comparison, expected: str, got: str) -> ParityError:
    variant = " ".join(text for text in (comparison.target, comparison.precision) if text)
    compressed = comparison.precision not in (None, "fp32", "fp16")
    where = f"graph '{comparison.graph}', tensor '{comparison.tensor}'"
    where += f", {comparison.region} alone" if comparison.region else ""
    return ParityError(
        f"Parity failed at the {comparison.stage.replace('_', ' ')} step",
        where=f"{where}, {variant}" if variant else where,
        expected=expected,
        got=got,
        remedy=COMPRESSED_REMEDY if compressed else REMEDIES[comparison.stage],
    )
