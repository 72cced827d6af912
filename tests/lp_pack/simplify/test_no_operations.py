from __future__ import annotations

import numpy as np
import pytest
from onnx_programs import apply_and_compare, operators, program, random_feeds, run

from lp_pack.simplify import no_operations


@pytest.mark.parametrize(
    "nothing",
    [
        "b = Identity(a)",
        "b = Cast<to=1>(a)",
        "b = Reshape(a, shape)",
        "b = Transpose<perm=[0, 1]>(a)",
        "b = Concat<axis=0>(a)",
        "b = Mul(a, one)",
        "b = Mul(one, a)",
        "b = Div(a, one)",
        "b = Pow(a, one)",
        "b = Add(zero, a)",
        "b = Sub(a, zero)",
        "b = Slice(a, starts, ends)",
    ],
)
def test_a_node_that_changes_nothing_is_removed(nothing: str) -> None:
    model = program(f"""
        agraph (float[2,3] x) => (float[2,3] y)
        <int64[2] shape = {{2, 3}}, float one = {{1.0}}, float zero = {{0.0}},
         int64[2] starts = {{0, 0}}, int64[2] ends = {{9, 9}}>
        {{ a = Relu(x)  {nothing}  y = Exp(b) }}""")
    assert apply_and_compare(model, no_operations.apply) == 1
    assert operators(model) == ["Relu", "Exp"]


@pytest.mark.parametrize(
    "something",
    [
        "b = Cast<to=10>(a)  c = Cast<to=1>(b)",
        "b = Reshape(a, shape)  c = Reshape(b, back)",
        "b = Transpose<perm=[1, 0]>(a)  c = Transpose<perm=[1, 0]>(b)",
        "b = Mul(a, two)  c = Sub(zero, b)",
        "b = Div(one, a)  c = Sub(one, b)",
        "b = Slice(a, last, first, axes, backwards)  c = Neg(b)",
    ],
)
def test_a_node_that_changes_something_stays(something: str) -> None:
    model = program(f"""
        agraph (float[2,3] x) => (float[2,3] y)
        <int64[1] shape = {{6}}, int64[2] back = {{2, 3}}, float two = {{2.0}}, float one = {{1.0}},
         float zero = {{0.0}},
         int64[1] last = {{-1}}, int64[1] first = {{-9}}, int64[1] axes = {{1}},
         int64[1] backwards = {{-1}}>
        {{ a = Exp(x)  {something}  y = Exp(c) }}""")
    before = operators(model)
    assert apply_and_compare(model, no_operations.apply) == 0
    assert operators(model) == before


def test_adding_zero_that_broadcasts_stays() -> None:
    model = program("""
        agraph (float[1,3] x) => (float[2,3] y)
        <float[2,3] zeros = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0}>
        { a = Relu(x)  y = Add(a, zeros) }""")
    assert apply_and_compare(model, no_operations.apply) == 0


def test_a_graph_output_keeps_its_name_and_its_other_readers() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y, float[2] z)
        { a = Relu(x)  y = Identity(a)  z = Exp(a) }""")
    assert apply_and_compare(model, no_operations.apply) == 1
    assert [output.name for output in model.graph.outputs] == ["y", "z"]


def test_an_output_that_is_an_input_keeps_its_node() -> None:
    model = program("agraph (float[2] x) => (float[2] y) { y = Identity(x) }")
    assert no_operations.apply(model) == 0
    feeds = random_feeds(model)
    np.testing.assert_array_equal(run(model, feeds)["y"], feeds["x"])
