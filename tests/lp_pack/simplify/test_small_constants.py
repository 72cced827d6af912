from __future__ import annotations

from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import small_constants


def test_a_chain_of_constants_becomes_one() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y)
        <float[2] c = {1.0, 2.0}, float[2] d = {3.0, 4.0}>
        { a = Mul(c, d)  b = Sqrt(a)  y = Add(x, b) }""")
    assert apply_and_compare(model, small_constants.apply) >= 2
    assert operators(model) == ["Add"]
    assert len(model.graph.initializers) == 1


def test_the_shape_of_a_static_tensor_is_a_constant() -> None:
    model = program("""
        agraph (float[2,3] x) => (float[2,3] y) { a = Exp(x)  s = Shape(a)  y = Reshape(a, s) }""")
    assert apply_and_compare(model, small_constants.apply) == 1
    assert operators(model) == ["Exp", "Reshape"]


def test_a_result_that_would_enlarge_the_file_stays_computed() -> None:
    model = program("""
        agraph (float[100,100] x) => (float[100,100] y)
        <float one = {1.0}, int64[2] size = {100, 100}>
        { grid = Expand(one, size)  y = Add(x, grid) }""")
    assert apply_and_compare(model, small_constants.apply) == 0
    assert operators(model) == ["Expand", "Add"]


def test_what_depends_on_an_input_or_leaves_the_graph_stays() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y, float[2] z)
        <float[2] c = {1.0, 2.0}> { y = Add(x, c)  z = Neg(c) }""")
    assert apply_and_compare(model, small_constants.apply) == 0
    assert operators(model) == ["Add", "Neg"]
