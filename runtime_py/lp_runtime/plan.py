"""Which steps of a pipeline must run for the values that are wanted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lp_runtime.errors import InputError
from lp_runtime.manifest import Pipeline, State, Step


@dataclass(frozen=True)
class Plan:
    """Steps in order, the values they need from outside, and the states that move on."""

    steps: tuple[Step, ...]
    # Values that must be supplied: inputs and states that the steps read.
    needed: frozenset[str]
    advanced: tuple[State, ...]


def make_plan(
    pipeline: Pipeline,
    fed: Collection[str],
    wanted: Collection[str],
    advance_all_states: bool = False,
) -> Plan:
    """The fewest steps that make `wanted` when the values `fed` are supplied.

    A step whose outputs are all fed or unused does not run, and its states stay as they are. A
    state that a running step reads is always advanced with it; looking at a state is not reading
    it, and a state that is fed is the caller's to advance. With `advance_all_states` every
    state moves on, whether or not anything wanted depends on it.

    Raises InputError when a wanted value does not exist.
    """
    made = {value for step in pipeline.steps for value in step.outputs.values()}
    outside = {item.name for item in pipeline.inputs} | {state.value for state in pipeline.states}
    for value in wanted:
        if value not in made | outside:
            raise InputError(
                f"The pipeline has no value '{value}'.", expected=sorted(made | outside), got=value
            )
    targets = set(wanted)
    if advance_all_states:
        targets |= {state.next_value for state in pipeline.states}
    while True:
        steps, needed = _steps_for(pipeline, set(fed), targets)
        read = {value for step in steps for value in step.inputs.values()}
        advanced = tuple(
            state
            for state in pipeline.states
            if state.value not in fed and (advance_all_states or state.value in read)
        )
        missing = {state.next_value for state in advanced} - targets
        if not missing:
            return Plan(steps, frozenset(needed), advanced)
        targets |= missing


def _steps_for(
    pipeline: Pipeline, fed: set[str], targets: set[str]
) -> tuple[tuple[Step, ...], set[str]]:
    """Walk backwards from the targets; returns the steps and what they need from outside."""
    needed = targets - fed
    chosen: list[Step] = []
    for step in reversed(pipeline.steps):
        outputs = set(step.outputs.values())
        if outputs & needed:
            chosen.append(step)
            needed = (needed - outputs) | (set(step.inputs.values()) - fed)
    return tuple(reversed(chosen)), needed
