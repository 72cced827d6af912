from __future__ import annotations

from onnx_programs import apply_and_compare, operators, program

from lp_pack.simplify import consecutive_casts

FLOAT, HALF, INT32, INT64 = 1, 10, 6, 7


def test_there_and_back_through_a_wider_type_is_nothing() -> None:
    model = program(f"""
        agraph (float16[2] x) => (float16[2] y)
        {{ a = Neg(x)  b = Cast<to={FLOAT}>(a)  c = Cast<to={HALF}>(b)  y = Abs(c) }}""")
    assert apply_and_compare(model, consecutive_casts.apply) == 1
    assert operators(model) == ["Neg", "Abs"]


def test_on_to_a_third_type_skips_the_middle() -> None:
    model = program(f"""
        agraph (int32[2] x) => (float[2] y)
        {{ a = Cast<to={INT64}>(x)  y = Cast<to={FLOAT}>(a) }}""")
    assert apply_and_compare(model, consecutive_casts.apply) == 1
    assert operators(model) == ["Cast"]


def test_a_detour_that_rounds_stays() -> None:
    model = program(f"""
        agraph (float[2] x) => (float[2] y)
        {{ a = Cast<to={HALF}>(x)  y = Cast<to={FLOAT}>(a) }}""")
    assert apply_and_compare(model, consecutive_casts.apply) == 0
    assert operators(model) == ["Cast", "Cast"]


def test_the_middle_stays_for_its_other_readers() -> None:
    model = program(f"""
        agraph (float16[2] x) => (float16[2] y, float[2] z)
        {{ a = Neg(x)  b = Cast<to={FLOAT}>(a)  c = Cast<to={HALF}>(b)  y = Abs(c)
          z = Exp(b) }}""")
    assert apply_and_compare(model, consecutive_casts.apply) == 1
    assert operators(model) == ["Neg", "Cast", "Abs", "Exp"]
