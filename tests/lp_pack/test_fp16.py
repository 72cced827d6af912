"""Which operators are halved, and that inputs, outputs and results stay."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx_programs import operators, program, random_feeds, run

from lp_pack.precision import fp16
from lp_pack.precision.fp16 import to_fp16

LARGE = "float[32,32] w"


@pytest.fixture(autouse=True)
def small_weights_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs here hold weights of a few numbers."""
    monkeypatch.setattr(fp16, "WORTHWHILE_ELEMENTS", 4)


def halved(model: ir.Model, tolerance: float = 5e-3) -> dict[str, str]:
    """Convert, compare with float32, and return {node's first output: its element type}."""
    feeds = random_feeds(model)
    before = run(model, feeds)
    to_fp16(model)
    after = run(model, feeds)
    for name, expected in before.items():
        assert after[name].dtype == expected.dtype
        np.testing.assert_allclose(after[name], expected, rtol=tolerance, atol=tolerance)
    return {str(node.outputs[0].name): str(node.outputs[0].dtype) for node in model.graph}


def test_what_a_weight_enters_is_halved_and_what_follows_it() -> None:
    types = halved(
        program("""
        agraph (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1.0, 2.0, 3.0, -4.0}>
        { a = MatMul(x, w)  b = Relu(a)  y = Add(b, x) }""")
    )
    assert types["a"] == types["b"] == "FLOAT16"


def test_what_no_weight_enters_stays_float32() -> None:
    model = program("""
        agraph (float[1,2] x) => (float[1,2] y) <float[2] w = {1.0, 2.0}>
        { a = Mul(x, w)  b = Exp(a)  y = Sub(b, x) }""")
    assert to_fp16(model) == 0
    assert operators(model) == ["Mul", "Exp", "Sub"]


def test_inputs_and_outputs_keep_name_order_and_type() -> None:
    model = program("""
        agraph (float[1,2] x) => (float[1,2] y, float[1,2] z, float[1,2] x2)
        <float[2,2] w = {1.0, 2.0, 3.0, -4.0}> { y = MatMul(x, w)  z = Relu(y)  x2 = Neg(x) }""")
    halved(model)
    assert [(value.name, str(value.dtype)) for value in model.graph.outputs] == [
        ("y", "FLOAT"),
        ("z", "FLOAT"),
        ("x2", "FLOAT"),
    ]


def test_a_value_with_several_readers_is_cast_once() -> None:
    model = program("""
        agraph (float[1,2] x) => (float[1,2] y)
        <float[2,2] v = {1.0, 2.0, 3.0, -4.0}, float[2,2] w = {2.0, 2.0, 3.0, -4.0}>
        { a = MatMul(x, v)  b = MatMul(x, w)  y = Add(a, b) }""")
    halved(model)
    assert operators(model).count("Cast") == 2  # one in, one out
    assert {str(value.dtype) for value in model.graph.initializers.values()} == {"FLOAT16"}


def test_what_decides_an_index_stays_float32() -> None:
    # 3000.5 is not a float16 number: the row would be wrong.
    model = program("""
        agraph (float[1,1] x) => (float[1,1] y)
        <float[1,4] w = {1.0, 1.0, 1.0, 1.0}, float[4,1] v = {1.0, 1.0, 1.0, 1.0},
         float offset = {3000.5}, float zero = {0.0}, float last = {4095.0}, float one = {1.0}>
        { a = MatMul(x, w)  r = Relu(a)  b = MatMul(r, v)  z = Mul(b, zero)  c = Add(z, offset)
          d = Floor(c)  i = Cast<to=6>(d)  j = Cast<to=1>(i)  y = Sub(c, j) }""")
    types = halved(model, tolerance=1e-6)
    assert types["a"] == types["r"] == "FLOAT16"
    assert types["b"] == types["c"] == types["d"] == "FLOAT"


def test_a_large_table_that_is_only_moved_is_stored_once_and_halved() -> None:
    model = program("""
        agraph (int32[2] i, float[1,3] x) => (float[2,3] y, float[1,3] z)
        <float[6] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, int64[2] shape = {2, 3},
         int64[1] zero = {0}, int64[1] three = {3}, int64[2] row = {1, 3}>
        { table = Reshape(w, shape)  y = Gather(table, i)
          s = Slice(w, zero, three)  t = Reshape(s, row)  z = Add(t, x) }""")
    feeds = {"i": np.array([1, 0], np.int32), "x": np.ones((1, 3), np.float32)}
    before = run(model, feeds)
    to_fp16(model)
    after = run(model, feeds)
    for name, expected in before.items():
        np.testing.assert_allclose(after[name], expected, atol=5e-3)
    floats = [v for v in model.graph.initializers.values() if v.dtype != ir.DataType.INT64]
    assert [str(value.dtype) for value in floats] == ["FLOAT16"]


def test_statistics_stay_float32() -> None:
    model = program("""
        agraph (float[1,2,2,2] x) => (float[1,2,1,1] y)
        <float[2,2,1,1] w = {500.0, 200.0, 300.0, -400.0}, int64[2] axes = {2, 3}>
        { a = Conv(x, w)  b = Mul(a, a)  m = ReduceMean(b, axes)  y = Sqrt(m) }""")
    types = halved(model)
    assert types["a"] == "FLOAT16"
    assert types["b"] == types["m"] == "FLOAT"


def test_what_feeds_a_logarithm_stays_float32() -> None:
    model = program("""
        agraph (float[1,2] x) => (float[1,2] y)
        <float[2,2] w = {1e-5, 2e-5, 3e-5, 4e-5}, float floor = {1e-12}>
        { a = MatMul(x, w)  b = Mul(a, a)  c = Add(b, floor)  y = Log(c) }""")
    assert to_fp16(model) == 0


def test_a_weight_beyond_float16_stays_float32() -> None:
    model = program("""
        agraph (float[1,2] x) => (float[1,2] y) <float[2,2] w = {1.0, 2.0, 3.0, 70000.0}>
        { y = MatMul(x, w) }""")
    assert to_fp16(model) == 0


def test_a_resize_keeps_its_scales_float32() -> None:
    model = program("""
        agraph (float[1,2,2,2] x) => (float[1,2,4,4] y)
        <float[2,2,1,1] w = {1.0, 2.0, 3.0, -4.0}, float[4] scales = {1.0, 1.0, 2.0, 2.0}>
        { a = Conv(x, w)  y = Resize<mode="nearest">(a, , scales) }""")
    halved(model)
    assert str(model.graph.initializers["scales"].dtype) == "FLOAT"
