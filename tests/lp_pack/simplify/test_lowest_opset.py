from __future__ import annotations

import pytest
from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import lowest_opset

CONSTANTS = """<int64[1] axes = {1}, int64[2] shape = {3, 2},
    float[4] scales = {1.0, 1.0, 2.0, 2.0},
    int64[4] pads = {0, 1, 0, 1}, int64[2] sizes = {1, 2}>"""


@pytest.mark.parametrize(
    ("inputs", "outputs", "body"),
    [
        ("float[2,3] x", "float[2,1] y", "y = ReduceMean(x, axes)"),
        ("float[2,3] x", "float[2] y", "y = ReduceMax<keepdims=0>(x, axes)"),
        ("float[2,3] x", "float[3,2] y", "y = Reshape<allowzero=1>(x, shape)"),
        ("float[2,3] x", "float[2,3] y", "a = Relu(x)  b = Add(a, x)  y = LeakyRelu(b)"),
        ("float[2,3] x", "float[2,5] y", 'y = Pad<mode="edge">(x, pads)'),
        ("float[2,4] x", "float[2,2] y, float[2,2] z", "y, z = Split<axis=1, num_outputs=2>(x)"),
        (
            "float[1,1,2,2] x",
            "float[1,1,4,4] y",
            'y = Resize<mode="nearest", nearest_mode="floor", antialias=0,'
            ' coordinate_transformation_mode="asymmetric">(x, , scales)',
        ),
    ],
)
def test_operators_that_kept_their_meaning_are_lowered_to_13(
    inputs: str, outputs: str, body: str
) -> None:
    model = program(f"agraph ({inputs}) => ({outputs}) {CONSTANTS} {{ {body} }}")
    assert apply_and_compare(model, lowest_opset.apply, tolerance=0) == 5
    assert model.graph.opset_imports[""] == 13


@pytest.mark.parametrize(
    ("body", "opset"),
    [
        ("y = LayerNormalization(x, scale)", 17),
        ("y = Mish(x)", 18),
    ],
)
def test_a_newer_operator_keeps_the_opset_that_it_needs(body: str, opset: int) -> None:
    model = program(
        f"agraph (float[2,3] x) => (float[2,3] y) <float[3] scale = {{1.0, 2.0, 3.0}}> {{ {body} }}"
    )
    apply_and_compare(model, lowest_opset.apply, tolerance=0)
    assert model.graph.opset_imports[""] == opset


def test_a_reduction_over_computed_axes_stays_at_18() -> None:
    model = program("""
        agraph (float[2,3] x, int64[1] axes) => (float[2,1] y) { y = ReduceMean(x, axes) }""")
    assert lowest_opset.apply(model) == 0
    assert model.graph.opset_imports[""] == 18


def test_antialiasing_stays_at_18() -> None:
    model = program(f"""
        agraph (float[1,1,4,4] x) => (float[1,1,8,8] y) {CONSTANTS}
        {{ y = Resize<mode="linear", antialias=1>(x, , scales) }}""")
    assert apply_and_compare(model, lowest_opset.apply) == 0


def test_nothing_is_half_lowered_when_one_operator_needs_more() -> None:
    model = program(f"""
        agraph (float[2,3] x) => (float[2,1] y) {CONSTANTS}
        {{ a = Mish(x)  y = ReduceMean(a, axes) }}""")
    assert apply_and_compare(model, lowest_opset.apply) == 0
    assert operators(model) == ["Mish", "ReduceMean"]
    assert len(list(model.graph)[1].inputs) == 2
