"""The whole list of passes."""

from __future__ import annotations

import inspect

import onnx_ir as ir
import pytest
from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import PASSES, simplify, slim
from lp_pack.simplify.rewriting import Pass

PROGRAM = """
    agraph (float[1,2,4,4] x) => (float[1,8] y)
    <float[2,2,1,1] w = {1.0, -2.0, 3.0, 0.5}, float[1,2,1,1] s = {2.0, -3.0},
     float[1,2,1,1] t = {2.0, -3.0}, int64[2] shape = {1, 32}, int64[2] flat = {1, 8},
     int64[2] axes = {3, 2}, int64[1] last = {3}, float one = {1.0}>
    { c = Conv(x, w)  d = Mul(c, s)  e = Cast<to=1>(d)  f = Sigmoid(e)  g = Sigmoid(d)
      h = Add(f, g)
      i = Mul(h, one)  j = ReduceMean<keepdims=0>(i, last)  y = Reshape(j, flat) }
"""


def count(step: Pass, model: ir.Model) -> int:
    return step.apply(model)


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.name)
def test_every_pass_alone_keeps_the_results(step: Pass) -> None:
    apply_and_compare(program(PROGRAM), step.apply)


def test_together_they_find_what_there_is() -> None:
    model = program(PROGRAM)
    apply_and_compare(model, lambda m: len(simplify(m)))
    assert operators(model) == ["Conv", "Sigmoid", "Add", "ReduceMean", "Reshape"]
    assert model.graph.opset_imports[""] == 13


def test_a_second_run_finds_nothing() -> None:
    model = program(PROGRAM)
    simplify(model)
    assert sum(simplify(model).values()) == 0


def test_every_pass_has_a_reason_and_a_drawing() -> None:
    for step in PASSES:
        assert step.reason
        module = inspect.getmodule(step.apply)
        assert module is not None
        if module.__name__ != "lp_pack.simplify.rewriting":
            assert "=>" in (module.__doc__ or ""), f"{step.name} has no before/after drawing"


def test_slim_keeps_what_it_cannot_improve() -> None:
    model = program("agraph (float[2] x) => (float[2] y) { a = Exp(x)  y = Relu(a) }")
    assert apply_and_compare(model, slim.apply) == 0
