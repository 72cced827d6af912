"""Probes, bisection, repair: from groups of layers to a choice that meets the floor in a real run.

1. The recipe as it stands is tried; if it meets the floor, nothing stays wide.
2. Each group is compressed alone, everything else float: its noise (the layer's sensitivity).
3. Steps from wide to narrow are ordered by what they save for their noise, and taken as long as the
   sum of the probes fits.
4. Noise does not add up exactly, so bisection, with a real run at each point, finds how much of it
   by the probes' count the floor allows.
5. Repair: from the best run that holds, single groups are made narrower as long as time is left;
   each stays only if a real run still meets the floor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lp_pack.errors import LpPackError
from lp_pack.quantize.search.allocation import (
    Floor,
    Goal,
    expected_noise,
    fill,
    order_steps,
    overrides_of,
)
from lp_pack.quantize.search.layers import Group
from lp_pack.quantize.search.trials import Noise, Trial
from lp_runtime.manifest import Precision

# Of the time there is, probes may take so much; the rest is for real runs.
PROBING_SHARE = 0.6
REPAIRS = 6
# Expected noise over allowed noise, in decibels: from where to where, and how finely, is bisected.
MARGINS_DB = range(-15, 16)
# Over which margins the expected curve is drawn.
CURVE_DB = range(-40, 41)
Chosen = Mapping[str, Precision]
Progress = Callable[[str, int, int], None]


class Bench(Protocol):
    """Where choices are tried; `run.SearchBench` does it for real."""

    def probe(self, group: Group, choice: Precision) -> Noise:
        """The noise of this group alone, on frames set apart for probes."""

    def verify(self, chosen: Chosen) -> Trial:
        """A complete choice on held-out frames, as the build will make it."""


@dataclass(frozen=True)
class Sensitivity:
    """What one group does alone; `noise` None: time ran out before it was probed."""

    group: Group
    choice: Precision
    noise: Noise | None


@dataclass(frozen=True)
class Point:
    """A real run: a choice and what it came to."""

    chosen: dict[str, Precision]
    trial: Trial
    # What the sum of the probes had said, worst frame in decibels; None for nothing narrow.
    expected: float | None


@dataclass(frozen=True)
class Found:
    """What a search ends with: the best real run that meets the floor, and everything measured."""

    best: Point
    overrides: dict[str, Precision]
    points: tuple[Point, ...]
    sensitivities: tuple[Sensitivity, ...]
    # Choices with the sum of their probes, over a wide span of margins.
    expected: tuple[tuple[dict[str, Precision], Noise], ...]
    seconds: float

    @property
    def unprobed(self) -> tuple[str, ...]:
        """Groups that stay wide because there was no time for them."""
        return tuple(one.group.name for one in self.sensitivities if one.noise is None)


@dataclass
class Search:
    """One search.

    groups: what may be chosen.
    bench: where it is tried.
    floor: what the worst frame must keep.
    goal: what shall become small.
    seconds: the time there is.
    """

    groups: Sequence[Group]
    bench: Bench
    floor: Floor
    goal: Goal
    seconds: float
    progress: Progress = lambda what, done, total: None
    points: list[Point] = field(default_factory=list)
    probes: dict[tuple[str, Precision], Noise] = field(default_factory=dict)

    def run(self) -> Found:
        """The choice; LpPackError where even everything wide misses the floor."""
        self._began = time.monotonic()
        narrow = {group.name: group.choices[-1] for group in self.groups}
        best = self._try(narrow, 0, 1)
        sensitivities: tuple[Sensitivity, ...] = ()
        if not self._holds(best):
            sensitivities = self._probe()
            best = self._repair(self._bisect())
        return Found(
            best=best,
            overrides=overrides_of(self.groups, best.chosen),
            points=tuple(self.points),
            sensitivities=sensitivities,
            expected=self._expected_curve(),
            seconds=time.monotonic() - self._began,
        )

    def _probe(self) -> tuple[Sensitivity, ...]:
        """Every group's narrowest choice first, the largest saving first; then those between."""
        wanted = [(group, choice) for group in self.groups for choice in group.choices[1:]]
        wanted.sort(
            key=lambda one: (
                one[1] != one[0].choices[-1],
                -one[0].work if self.goal == "time" else 0,
                -one[0].numbers,
            )
        )
        found = []
        for done, (group, choice) in enumerate(wanted):
            noise = None
            if self._left() > self.seconds * (1 - PROBING_SHARE):
                self.progress(f"sensitivity of {group.name} in {choice}", done, len(wanted))
                noise = self.bench.probe(group, choice)
                self.probes[group.name, choice] = noise
            found.append(Sensitivity(group, choice, noise))
        return tuple(found)

    def _expected_curve(self) -> tuple[tuple[dict[str, Precision], Noise], ...]:
        found: list[tuple[dict[str, Precision], Noise]] = []
        for decibels in CURVE_DB if self.probes else ():
            margin = 10 ** (decibels / 10)
            chosen = fill(self.groups, self.probes, self.floor, self.goal, margin)
            noise = expected_noise(self.groups, chosen, self.probes)
            if noise is not None and all(chosen != known for known, _ in found):
                found.append((chosen, noise))
        return tuple(found)

    def _bisect(self) -> Point:
        """The choice of the largest margin that a real run allows; first where the probes say."""
        low, high, runs = 0, len(MARGINS_DB) - 1, 0
        wide = {group.name: group.choices[0] for group in self.groups}
        best: Point | None = None
        while low <= high:
            middle = (low + high) // 2
            margin = 10 ** (MARGINS_DB[middle] / 10)
            chosen = fill(self.groups, self.probes, self.floor, self.goal, margin)
            point = self._try(chosen, runs, runs + 2)
            runs += 1
            if self._holds(point):
                low, best = middle + 1, point
            else:
                high = middle - 1
        best = best or self._try(wide, runs, runs + 1)
        if not self._holds(best):
            raise self._unreachable()
        return best

    def _repair(self, best: Point) -> Point:
        """Groups that are wider than they might be, the most worthwhile first, one by one."""
        steps = order_steps(self.groups, self.probes, self.floor, self.goal)
        open_steps = [
            step
            for step in steps
            if step.group.choices.index(step.choice)
            > step.group.choices.index(best.chosen[step.group.name])
        ]
        for number, step in enumerate(open_steps[:REPAIRS]):
            if self._left() < best.trial.seconds:
                break
            best = self._keep(best, {step.group.name: step.choice}, number)
        return best

    def _keep(self, best: Point, changed: Chosen, number: int) -> Point:
        point = self._try({**best.chosen, **changed}, number, REPAIRS)
        return point if self._holds(point) else best

    def _try(self, chosen: Chosen, done: int, total: int) -> Point:
        for point in self.points:
            if point.chosen == dict(chosen):
                return point
        self.progress("a real run of the whole choice", done, total)
        noise = expected_noise(self.groups, chosen, self.probes)
        expected = None if noise is None else noise.decibels
        point = Point(dict(chosen), self.bench.verify(chosen), expected)
        self.points.append(point)
        return point

    def _holds(self, point: Point) -> bool:
        return self.floor.share(point.trial.noise) <= 1

    def _left(self) -> float:
        return self.seconds - (time.monotonic() - self._began)

    def _unreachable(self) -> LpPackError:
        best = max(self.points, key=lambda point: point.trial.noise.decibels).trial.noise
        lips = "" if self.floor.lips is None else f", lips {self.floor.lips:g} dB"
        return LpPackError(
            "No choice of layers meets the floor",
            where=f"--floor {self.floor.frame:g}",
            expected=f"worst frame {self.floor.frame:g} dB{lips}",
            got=f"{best.decibels:.1f} dB, lips {best.lips_decibels:.1f} dB with every layer wide",
            remedy="lower the floor, or build this target in fp16",
        )
