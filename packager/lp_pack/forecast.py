"""What a build would do, before it does it: stages, sizes, time, and what stands in its way.

A stage's key covers the files of the stages before it. Where all of these lie in the cache the
answer is exact; behind a stage that must run first it is not known until that stage has run, and
says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lp_pack.build import make_stages, tool_versions
from lp_pack.build_config import BuildOptions, make_plan
from lp_pack.build_plan import BuildPlan
from lp_pack.build_steps import graph_stage
from lp_pack.cache import Cache, Finished
from lp_pack.errors import ConfigError
from lp_pack.export.converters import missing_converter
from lp_pack.graph_files import file_name
from lp_pack.manifest import GRAPHS
from lp_pack.stage_costs import table_seconds
from lp_pack.stages import Stage, stage_key
from lp_runtime.manifest import Precision, Target

State = Literal["cached", "to do", "depends"]
TimeSource = Literal["", "earlier builds", "table"]
BITS: Mapping[Precision, int] = {"fp32": 32, "fp16": 16, "int8": 8, "w8": 8, "w6": 6, "w4": 4}


@dataclass(frozen=True)
class StageForecast:
    """One stage of a build that has not begun.

    state: "cached"; "to do", because its key is known and absent; "depends", because a stage
        before it runs first and may give the same bytes as in an earlier build, or others.
    waits_for: the stages that a "depends" waits for.
    seconds: how long it would take; None where nothing like it was measured.
    seconds_from: recorded beside the cached stages of this machine, or the table that comes along.
    """

    name: str
    reason: str
    state: State
    waits_for: tuple[str, ...] = ()
    seconds: float | None = None
    seconds_from: TimeSource = ""


@dataclass(frozen=True)
class VariantForecast:
    """The graphs of one target and precision together; `exact` where they are finished."""

    target: Target
    precision: Precision
    bytes: int
    exact: bool


@dataclass(frozen=True)
class Forecast:
    """The whole build; `problems` are errors with which it would end before its first stage."""

    output: Path
    name: str
    stages: tuple[StageForecast, ...]
    variants: tuple[VariantForecast, ...]
    problems: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """All stages that are not cached, as far as anything is known about them."""
        waiting = (stage.seconds for stage in self.stages if stage.state != "cached")
        return sum(seconds for seconds in waiting if seconds is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Stages that would run and whose time nobody measured."""
        return tuple(
            one.name for one in self.stages if one.state != "cached" and one.seconds is None
        )


def forecast(options: BuildOptions, cache: Cache, use_cache: bool = True) -> Forecast:
    """Say what `build` would do; nothing is computed and nothing written.

    Args:
        options: of the build.
        cache: where finished stages and their times lie.
        use_cache: False: no stage counts as finished, times are still read.

    Raises:
        LpPackError, LpModelError, LpRuntimeError: an option cannot be, as in a build. A converter
            that is not installed is a problem of the forecast instead, and its target left out.
    """
    refusals = {target: missing_converter(target) for target in options.targets}
    problems = tuple(refusal for refusal in refusals.values() if refusal is not None)
    targets = tuple(target for target, refusal in refusals.items() if refusal is None)
    if not targets:
        raise _together(problems)
    plan = make_plan(dataclasses.replace(options, targets=targets))
    stages = make_stages(plan)
    finished = _finished(stages, cache) if use_cache else {}
    return Forecast(
        output=plan.output,
        name=plan.name,
        stages=tuple(_stage(stage, finished, cache, plan) for stage in stages),
        variants=tuple(
            _variant(plan, target, precision, finished)
            for target in plan.targets
            for precision in plan.precisions
        ),
        problems=tuple(str(problem) for problem in problems),
    )


def _together(problems: Sequence[ConfigError]) -> ConfigError:
    """One error out of several."""
    return problems[0] if len(problems) == 1 else ConfigError("\n".join(map(str, problems)))


def _finished(stages: Sequence[Stage], cache: Cache) -> dict[str, Finished]:
    """The stages whose keys are known and whose results are there."""
    finished: dict[str, Finished] = {}
    versions = tool_versions()
    for stage in stages:
        if set(stage.needs) <= set(finished):
            found = cache.find(stage.name, stage_key(stage, finished, versions))
            if found is not None:
                finished[stage.name] = found
    return finished


def _stage(
    stage: Stage, finished: Mapping[str, Finished], cache: Cache, plan: BuildPlan
) -> StageForecast:
    if stage.name in finished:
        return StageForecast(stage.name, stage.reason, "cached")
    seconds, source = _seconds(stage, cache, plan)
    waits_for = tuple(name for name in stage.needs if name not in finished)
    state: State = "depends" if waits_for else "to do"
    return StageForecast(stage.name, stage.reason, state, waits_for, seconds, source)


def _seconds(stage: Stage, cache: Cache, plan: BuildPlan) -> tuple[float | None, TimeSource]:
    recorded = cache.seconds(stage.name, stage.cost_class)
    if recorded is not None:
        return recorded, "earlier builds"
    listed = table_seconds(plan.persona.tier, sum(plan.persona.weight_counts.values()), stage.name)
    return listed, "" if listed is None else "table"


def _variant(
    plan: BuildPlan, target: Target, precision: Precision, finished: Mapping[str, Finished]
) -> VariantForecast:
    total, exact = 0, True
    for graph in GRAPHS:
        stage = finished.get(graph_stage(graph, precision, target))
        if stage is not None:
            total += _size(stage.folder / file_name(graph, target))
            continue
        exact = False
        total += plan.persona.weight_counts[graph] * BITS[precision] // 8
    return VariantForecast(target, precision, total, exact)


def _size(path: Path) -> int:
    files = (path,) if path.is_file() else tuple(path.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file())
