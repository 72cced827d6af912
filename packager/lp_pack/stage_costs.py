"""Measured times of build stages, for estimates where this machine has built nothing yet.

Taken from the times that `lp-pack build` keeps beside its cached stages, on two cores of an AMD
EPYC with AVX-512: `lp-pack build --no-cache`. Other machines differ; a build's own times replace
these as soon as there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Networks of another size than the measured ones get no estimate.
LARGEST_RATIO = 2.0


@dataclass(frozen=True)
class MeasuredTier:
    """Seconds by stage, for networks of so many weights together."""

    weights: int
    seconds: Mapping[str, float]


MEASURED: Mapping[str, MeasuredTier] = {}


def table_seconds(tier: str, weights: int, stage: str) -> float | None:
    """How long a stage took for networks of this tier and about this size; None if unknown."""
    measured = MEASURED.get(tier)
    if measured is None:
        return None
    ratio = max(weights, 1) / measured.weights
    if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        return None
    return measured.seconds.get(stage)
