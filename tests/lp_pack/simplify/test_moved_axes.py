from __future__ import annotations

import pytest
from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import moved_axes

HEAD = """
    agraph (float[2,3,4] x) => (float[4,6] y)
    <int64[2] flat = {6, 4}, int64[2] last = {4, 6}, int64[1] axis = {0}>
"""


@pytest.mark.parametrize(
    "chain",
    [
        "a = Reshape(x, flat)  y = Reshape(a, last)",
        "a = Unsqueeze(x, axis)  y = Reshape(a, last)",
        "a = Flatten<axis=2>(x)  b = Unsqueeze(a, axis)  y = Reshape(b, last)",
    ],
)
def test_a_chain_of_reshapes_becomes_one(chain: str) -> None:
    model = program(f"{HEAD} {{ {chain} }}")
    assert apply_and_compare(model, moved_axes.apply) >= 1
    assert operators(model) == ["Reshape"]


def test_two_transposes_become_one() -> None:
    model = program("""
        agraph (float[2,3,4] x) => (float[4,2,3] y)
        { a = Transpose<perm=[1, 0, 2]>(x)  b = Transpose<perm=[2, 0, 1]>(a)
          y = Transpose<perm=[0, 2, 1]>(b) }""")
    assert apply_and_compare(model, moved_axes.apply) == 2
    assert operators(model) == ["Transpose"]


def test_a_result_with_another_reader_stays() -> None:
    model = program("""
        agraph (float[2,3] x) => (float[6] y, float[3,2] z)
        <int64[2] turned = {3, 2}, int64[1] flat = {6}>
        { a = Reshape(x, turned)  y = Reshape(a, flat)  z = Exp(a) }""")
    assert apply_and_compare(model, moved_axes.apply) == 0


def test_a_reshape_and_a_transpose_stay_apart() -> None:
    model = program(f"{HEAD} {{ a = Reshape(x, flat)  y = Transpose<perm=[1, 0]>(a) }}")
    assert apply_and_compare(model, moved_axes.apply) == 0
