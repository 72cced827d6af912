from __future__ import annotations

import pytest
from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import affine_into_convolution

HEAD = """
    agraph (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <float[2,2,1,1] w = {1.0, -2.0, 3.0, 0.5}, float[2] b = {0.25, -1.0},
     float[1,2,1,1] s = {2.0, -3.0}, float two = {2.0}, float[4] row = {1.0, 2.0, 3.0, 4.0},
     float[2] gamma = {1.5, 0.5}, float[2] beta = {0.1, 0.2}, float[2] mean = {0.3, -0.4},
     float[2] var = {2.0, 0.7}>
"""


@pytest.mark.parametrize(
    "after",
    [
        "y = Mul(c, s)",
        "y = Mul(s, c)",
        "y = Div(c, s)",
        "y = Add(c, s)",
        "y = Sub(c, s)",
        "y = Mul(c, two)",
        "y = BatchNormalization(c, gamma, beta, mean, var)",
        "d = BatchNormalization(c, gamma, beta, mean, var)  e = Mul(d, s)  y = Add(e, two)",
    ],
)
@pytest.mark.parametrize("convolution", ["c = Conv(x, w, b)", "c = Conv(x, w)"])
def test_what_follows_a_convolution_moves_into_its_weights(convolution: str, after: str) -> None:
    model = program(f"{HEAD} {{ {convolution}  {after} }}")
    assert apply_and_compare(model, affine_into_convolution.apply) >= 1
    assert operators(model) == ["Conv"]


@pytest.mark.parametrize(
    "rest",
    [
        "c = Conv(x, w, b)  y = Mul(c, row)",  # varies along the width
        "c = Conv(x, w, b)  y = Sub(two, c)",  # negates
        "c = Conv(x, w, b)  d = Mul(c, s)  y = Add(c, d)",  # the convolution has two readers
        "c = Conv(x, w, b)  d = Relu(c)  y = Mul(d, s)",  # not linear in between
    ],
)
def test_what_is_not_per_channel_or_not_alone_stays(rest: str) -> None:
    model = program(f"{HEAD} {{ {rest} }}")
    before = operators(model)
    assert apply_and_compare(model, affine_into_convolution.apply) == 0
    assert operators(model) == before


def test_weights_that_another_convolution_shares_are_copied() -> None:
    model = program(
        f"{HEAD} {{ c = Conv(x, w, b)  d = Mul(c, s)  e = Conv(d, w, b)  y = Relu(e) }}"
    )
    assert apply_and_compare(model, affine_into_convolution.apply) >= 1
    assert operators(model) == ["Conv", "Conv", "Relu"]
