"""Which steps run: the fewest that make what is wanted, with their states in step."""

from __future__ import annotations

from itertools import combinations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_bundle import tiny_pipeline

from lp_runtime import InputError
from lp_runtime.manifest import Pipeline, State, Step
from lp_runtime.plan import make_plan


@pytest.fixture
def pipeline() -> Pipeline:
    return tiny_pipeline()


def names(pipeline: Pipeline, fed: set[str], wanted: set[str], advance: bool = False) -> list[str]:
    return [step.graph for step in make_plan(pipeline, fed, wanted, advance).steps]


def test_the_whole_chain_runs_for_a_frame_from_sound(pipeline: Pipeline) -> None:
    plan = make_plan(pipeline, {"pcm"}, {"frame"})
    assert [step.graph for step in plan.steps] == ["audio2motion", "stitching", "generator"]
    assert plan.needed == {"emotion", "reference_motion", "memory"}
    assert [state.value for state in plan.advanced] == ["memory"]


@pytest.mark.parametrize(
    ("fed", "wanted", "expected"),
    [
        ({"motion"}, {"frame"}, ["stitching", "generator"]),
        ({"keypoints"}, {"frame"}, ["generator"]),
        ({"keypoints", "pcm"}, {"frame", "motion"}, ["audio2motion", "generator"]),
        ({"frame"}, {"frame"}, []),
        ({"pcm"}, {"pcm", "memory"}, []),
        ({"pcm"}, set(), []),
    ],
)
def test_only_what_is_needed_runs(
    pipeline: Pipeline, fed: set[str], wanted: set[str], expected: list[str]
) -> None:
    assert names(pipeline, fed, wanted) == expected


def test_all_states_advance_when_asked(pipeline: Pipeline) -> None:
    assert names(pipeline, {"pcm"}, set(), advance=True) == ["audio2motion"]


def test_a_state_that_is_read_is_advanced_even_by_a_step_of_its_own(pipeline: Pipeline) -> None:
    smoothing = Step(graph="smoothing", inputs={"x": "keypoints"}, outputs={"y": "next_last"})
    changed = msgspec.structs.replace(
        pipeline,
        steps=(
            *pipeline.steps[:2],
            Step(
                graph="generator",
                inputs={"keypoints": "keypoints", "last": "last"},
                outputs={"frame": "frame"},
            ),
            smoothing,
        ),
        states=(
            *pipeline.states,
            State(value="last", next_value="next_last", dtype="float32", shape=(1, 21, 3)),
        ),
    )
    plan = make_plan(changed, {"motion"}, {"frame"})
    assert [step.graph for step in plan.steps] == ["stitching", "generator", "smoothing"]
    assert [state.value for state in plan.advanced] == ["last"]


def test_a_state_may_keep_an_input_for_the_next_frame(pipeline: Pipeline) -> None:
    delayed = State(value="last_pcm", next_value="pcm", dtype="float32", shape=(1, 640))
    first = Step(
        graph="audio2motion",
        inputs={"pcm": "last_pcm", "emotion": "emotion", "memory": "memory"},
        outputs=pipeline.steps[0].outputs,
    )
    changed = msgspec.structs.replace(
        pipeline, states=(*pipeline.states, delayed), steps=(first, *pipeline.steps[1:])
    )
    plan = make_plan(changed, {"pcm"}, {"motion"})
    assert [step.graph for step in plan.steps] == ["audio2motion"]
    assert [state.value for state in plan.advanced] == ["memory", "last_pcm"]


def test_a_state_that_is_fed_is_not_advanced(pipeline: Pipeline) -> None:
    assert make_plan(pipeline, {"pcm", "memory"}, {"motion"}).advanced == ()


def test_unknown_values_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="no value 'mouth'"):
        make_plan(pipeline, set(), {"mouth"})


VALUES = ("pcm", "emotion", "memory", "motion", "next_memory", "keypoints", "frame")


@given(fed=st.sets(st.sampled_from(VALUES)), wanted=st.sets(st.sampled_from(VALUES)))
def test_everything_a_plan_reads_is_fed_needed_or_made_before(
    fed: set[str], wanted: set[str]
) -> None:
    pipeline = tiny_pipeline()
    plan = make_plan(pipeline, fed, wanted)
    known = fed | plan.needed
    for step in plan.steps:
        assert set(step.inputs.values()) <= known
        known |= set(step.outputs.values())
    assert wanted <= known
    # No step can be left out.
    for fewer in combinations(plan.steps, max(len(plan.steps) - 1, 0)):
        if len(fewer) == len(plan.steps):
            continue
        made = fed | {value for step in fewer for value in step.outputs.values()}
        reads = {value for step in fewer for value in step.inputs.values()}
        targets = wanted | {state.next_value for state in plan.advanced}
        outside = {"pcm", "emotion", "memory", "reference_motion"}
        assert not (targets | reads) <= made | outside
