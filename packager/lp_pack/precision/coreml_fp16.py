"""Which operators of a Core ML program run in float16.

The rules are those of `precision/fp16.py`, on MIL operators, with one difference: normalisation
statistics run in float16 too, because the neural engine knows no other type and means of squares
of normalised maps stay far from 65504.

1. What a large constant enters (conv, linear, matmul, gather) runs in float16.
2. Everything else follows its inputs: what is computed from float32 alone stays float32.
3. What decides an index, and what a logarithm reads, stays float32.
4. In a graph that carries state only rule 1 applies: rounding would add up from frame to frame.
"""

from __future__ import annotations

from typing import Any

WORTHWHILE_ELEMENTS = 1024
_WEIGHTED = {"conv": "weight", "linear": "weight", "matmul": "y", "gather": "x"}
_COORDINATE_ARITHMETIC = {
    *("add", "sub", "mul", "real_div", "floor", "clip", "maximum", "minimum", "select", "abs"),
    *("reshape", "transpose", "concat", "stack", "slice_by_index", "split", "squeeze"),
    *("expand_dims", "reduce_sum", "reduce_max", "softmax", "cast", "matmul", "linear", "exp"),
}
_INTEGER_TYPES = ("int32", "int16", "uint16")


class HalfPrecision:
    """An operator selector for coremltools; decides for the whole program when first asked."""

    def __init__(self, carries_state: bool = False) -> None:
        self._carries_state = carries_state
        self._half: set[str] | None = None

    def __call__(self, op: Any) -> bool:
        """Whether this operator runs in float16."""
        if self._half is None:
            self._half = half_operators(op.enclosing_block, self._carries_state)
        return op.name in self._half


def half_operators(block: Any, carries_state: bool = False) -> set[str]:
    """Names of the operators that run in float16."""
    operators = [op for op in block.operations if op.op_type != "const"]
    pinned: set[str] = set()
    for op in operators:
        if op.op_type == "cast" and op.dtype.val in _INTEGER_TYPES:
            pinned |= _upstream(op, _COORDINATE_ARITHMETIC)
        if op.op_type == "log":
            pinned |= _upstream(op, None)
    half: set[str] = set()
    for op in operators:  # in the order of the program: inputs are decided before their readers
        if op.name in pinned:
            continue
        follows = not carries_state and any(made.name in half for made in _producers(op))
        if follows or _is_worthwhile(op):
            half.add(op.name)
    return half


def _producers(op: Any) -> list[Any]:
    """The operators that make the inputs, constants left out."""
    found = []
    for var in op.inputs.values():
        for one in var if isinstance(var, (list, tuple)) else (var,):
            if one is not None and one.op is not None and one.op.op_type != "const":
                found.append(one.op)
    return found


def _upstream(op: Any, through: set[str] | None) -> set[str]:
    """The operator and all before it, reached through these types (None: any)."""
    found: set[str] = set()
    waiting = [op]
    while waiting:
        current = waiting.pop()
        if current.name in found:
            continue
        if through is not None and current.op_type not in through:
            continue
        found.add(current.name)
        waiting += _producers(current)
    return found


def _is_worthwhile(op: Any) -> bool:
    name = _WEIGHTED.get(op.op_type)
    var = op.inputs.get(name) if name else None
    if var is None or var.op is None or var.op.op_type != "const":
        return False
    return bool(getattr(var.val, "size", 1) >= WORTHWHILE_ELEMENTS)
