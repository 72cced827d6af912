"""The order in which groups of layers become narrow.

Noise of independently rounded layers adds up, so each step is worth what it saves divided by the
noise that it adds, measured with every other layer wide. For one group only steps on the lower
convex hull of (saved, noise) are taken: a choice above it is never the best (Shoham and Gersho,
"Efficient bit allocation for an arbitrary set of quantizers", 1988).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from lp_pack.quantize.search.layers import Group
from lp_pack.quantize.search.trials import Noise
from lp_runtime.manifest import Precision

Goal = Literal["size", "time"]
Probes = Mapping[tuple[str, Precision], Noise]


@dataclass(frozen=True)
class Floor:
    """The least quality of the worst frame, in decibels; None: no bound for the lips."""

    frame: float
    lips: float | None = None

    def share(self, noise: Noise) -> float:
        """How much of what is allowed this noise takes; 1 and less meets the floor."""
        shares = [float(noise.frame.max()) * 10 ** (self.frame / 10)]
        if self.lips is not None:
            shares.append(float(noise.lips.max()) * 10 ** (self.lips / 10))
        return max(shares)


@dataclass(frozen=True)
class Step:
    """One group becomes narrower.

    saved: in the goal's unit, beyond the choice before.
    cost: share of the allowed noise that it adds.
    """

    group: Group
    choice: Precision
    saved: float
    cost: float

    @property
    def worth(self) -> float:
        """Saved for the noise."""
        return self.saved / max(self.cost, 1e-12)


def order_steps(groups: Sequence[Group], probes: Probes, floor: Floor, goal: Goal) -> list[Step]:
    """Every step that may be worth taking, best first; a group's steps keep their order."""
    steps = [step for group in groups for step in _hull(group, probes, floor, goal)]
    return sorted(steps, key=lambda step: (-step.worth, step.group.name))


def fill(
    groups: Sequence[Group], probes: Probes, floor: Floor, goal: Goal, margin: float
) -> dict[str, Precision]:
    """{group: precision}: the best steps whose expected noise fits; one too large is passed over.

    Args:
        groups: all of them.
        probes: noise of each group and choice alone; what was not probed stays wide.
        floor: what the worst frame must keep.
        goal: what shall become small.
        margin: share of the allowed noise that may be used, by the sum of the probes.
    """
    chosen = {group.name: group.choices[0] for group in groups}
    for step in order_steps(groups, probes, floor, goal):
        _take(chosen, step.group, step.choice, groups, probes, floor, margin)
    # What could not be as narrow as the goal wants may still shrink in the file.
    for group in sorted(groups, key=lambda group: -group.numbers):
        for choice in reversed(group.choices[1:]):
            if chosen[group.name] == group.choices[0]:
                _take(chosen, group, choice, groups, probes, floor, margin)
    return chosen


def _take(
    chosen: dict[str, Precision],
    group: Group,
    choice: Precision,
    groups: Sequence[Group],
    probes: Probes,
    floor: Floor,
    margin: float,
) -> None:
    """Change one choice if its noise is known and still fits."""
    if (group.name, choice) not in probes:
        return
    noise = expected_noise(groups, {**chosen, group.name: choice}, probes)
    if noise is not None and floor.share(noise) <= margin:
        chosen[group.name] = choice


def overrides_of(
    groups: Sequence[Group], chosen: Mapping[str, Precision], narrowest: bool = False
) -> dict[str, Precision]:
    """{layer: precision} as a recipe holds it; layers with the recipe's own precision are left out.

    Args:
        groups: all of them.
        chosen: {group: precision}.
        narrowest: name these as well.
    """
    return {
        layer: chosen[group.name]
        for group in groups
        for layer in group.layers
        if narrowest or chosen[group.name] != group.choices[-1]
    }


def expected_noise(
    groups: Sequence[Group], chosen: Mapping[str, Precision], probes: Probes
) -> Noise | None:
    """The sum of the probes; None where nothing is narrow."""
    total: Noise | None = None
    for group in groups:
        noise = probes.get((group.name, chosen[group.name]))
        if noise is not None:
            total = noise if total is None else total + noise
    return total


def _hull(group: Group, probes: Probes, floor: Floor, goal: Goal) -> list[Step]:
    points: list[tuple[float, float, Precision]] = [(0.0, 0.0, group.choices[0])]
    for choice in group.choices[1:]:
        noise = probes.get((group.name, choice))
        if noise is not None:
            points.append((_saved(group, choice, goal), floor.share(noise), choice))
    hull = [points[0]]
    while True:
        saved, cost, _ = hull[-1]
        further = [point for point in points if point[0] > saved]
        if not further:
            break
        slopes = [(max(point[1] - cost, 0.0) / (point[0] - saved), -point[0]) for point in further]
        hull.append(further[int(np.lexsort(np.array(slopes).T[::-1])[0])])
    return [
        Step(group, after[2], after[0] - before[0], max(after[1] - before[1], 0.0))
        for before, after in pairwise(hull)
    ]


def _saved(group: Group, choice: Precision, goal: Goal) -> float:
    if goal == "size":
        # Of two choices of one size the one that moves work into integers is the better.
        return group.saved_bytes(choice) + (1e-3 if group.saved_work(choice) else 0.0)
    # Bytes decide where no work moves.
    return group.saved_work(choice) + 1e-6 * group.saved_bytes(choice)
