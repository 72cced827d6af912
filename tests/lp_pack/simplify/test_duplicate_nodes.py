from __future__ import annotations

from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import duplicate_nodes


def test_the_second_of_two_equal_nodes_goes() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y) { a = Exp(x)  b = Exp(x)  y = Add(a, b) }""")
    assert apply_and_compare(model, duplicate_nodes.apply) == 1
    assert operators(model) == ["Exp", "Add"]


def test_equal_chains_go_as_a_whole() -> None:
    model = program("""
        agraph (float[2] x) => (float[2] y)
        { a = Exp(x)  b = Neg(a)  c = Exp(x)  d = Neg(c)  y = Add(b, d) }""")
    assert apply_and_compare(model, duplicate_nodes.apply) == 2


def test_other_attributes_or_inputs_stay() -> None:
    model = program("""
        agraph (float[2,2] x, float[2,2] z) => (float[2,2] y)
        { a = Softmax<axis=0>(x)  b = Softmax<axis=1>(x)  c = Softmax<axis=0>(z)
          d = Add(a, b)  y = Add(d, c) }""")
    assert apply_and_compare(model, duplicate_nodes.apply) == 0


def test_a_node_whose_result_leaves_the_graph_stays() -> None:
    model = program("agraph (float[2] x) => (float[2] y, float[2] z) { y = Exp(x)  z = Exp(x) }")
    assert apply_and_compare(model, duplicate_nodes.apply) == 0
    assert operators(model) == ["Exp", "Exp"]
