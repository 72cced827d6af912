from __future__ import annotations

from onnx_programs import apply_and_compare, program

from lp_pack.simplify import shared_constants


def test_equal_constants_become_one() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y)
        <float[2] c = {1.0, 2.0}, float[2] d = {1.0, 2.0}> { a = Add(x, c)  y = Mul(a, d) }""")
    assert apply_and_compare(model, shared_constants.apply) == 1
    assert list(model.graph.initializers) == ["c"]


def test_other_values_shapes_and_signs_of_zero_stay_apart() -> None:
    model = program("""
        agraph (float[2] x) => (float[1,2] y)
        <float[2] c = {1.0, 0.0}, float[2] d = {1.0, -0.0}, float[1,2] e = {1.0, 0.0}>
        { a = Add(x, c)  b = Mul(a, d)  y = Mul(b, e) }""")
    assert apply_and_compare(model, shared_constants.apply) == 0
    assert len(model.graph.initializers) == 3
