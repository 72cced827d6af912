"""Remove nodes that change nothing.

    x -> Cast(to its own type)            -> y        x -> y
    x -> Reshape(to its own shape)        -> y   =>   x -> y
    x -> Transpose(0, 1, 2, ...)          -> y        x -> y
    x -> Concat, Sum, Max, Min (x alone)  -> y        x -> y
    x -> Mul 1, Div 1, Add 0, Sub 0       -> y        x -> y

Exporters leave them around type promotion and flattening. A graph output that is an input stays an
Identity: every output needs a node.
"""

from __future__ import annotations

import onnx_ir as ir

from lp_pack.simplify.rewriting import bypass, scalar, shape_of

_SAME_SHAPE_IS_SAME_VALUE = {
    "Reshape",
    "Expand",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Tile",
    "Slice",
}
_ONE_INPUT_IS_SAME_VALUE = {"Concat", "Sum", "Max", "Min", "Mean"}
_NEUTRAL_RIGHT = {"Mul": 1.0, "Div": 1.0, "Pow": 1.0, "Add": 0.0, "Sub": 0.0}
_NEUTRAL_LEFT = {"Mul": 1.0, "Add": 0.0}


def apply(model: ir.Model) -> int:
    """Remove every node that returns one of its inputs unchanged."""
    changes = 0
    for node in list(model.graph):
        source = _unchanged_input(node)
        if source is not None and bypass(model, node, source):
            changes += 1
    return changes


def _unchanged_input(node: ir.Node) -> ir.Value | None:
    if len(node.outputs) != 1 or not node.inputs:
        return None
    first = node.inputs[0]
    if first is None:
        return None
    if node.op_type in ("Identity", "Dropout"):
        return first
    if node.op_type == "Cast":
        return first if first.dtype == node.outputs[0].dtype else None
    if node.op_type == "CastLike":
        target = node.inputs[1]
        return first if target is not None and first.dtype == target.dtype else None
    if node.op_type in _ONE_INPUT_IS_SAME_VALUE and len(node.inputs) == 1:
        return first
    if not _same_shape(node, first):
        return _neutral_side(node)
    if node.op_type in _SAME_SHAPE_IS_SAME_VALUE:
        return first if node.op_type != "Slice" or _forward_slice(node) else None
    if node.op_type == "Transpose" and "perm" in node.attributes:
        permutation = list(node.attributes["perm"].as_ints())
        return first if permutation == sorted(permutation) else None
    return _neutral_side(node)


def _same_shape(node: ir.Node, value: ir.Value) -> bool:
    shape = shape_of(value)
    return shape is not None and shape == shape_of(node.outputs[0])


def _forward_slice(node: ir.Node) -> bool:
    """A slice of full shape could still reverse an axis: only positive steps change nothing."""
    if len(node.inputs) < 5 or node.inputs[4] is None:
        return True
    steps = node.inputs[4].const_value
    return steps is not None and bool((steps.numpy() > 0).all())


def _neutral_side(node: ir.Node) -> ir.Value | None:
    if len(node.inputs) != 2:
        return None
    for side, neutral in zip(node.inputs, (_NEUTRAL_LEFT, _NEUTRAL_RIGHT), strict=True):
        other = node.inputs[1] if side is node.inputs[0] else node.inputs[0]
        if node.op_type not in neutral or side is None or other is None or side is other:
            continue
        if scalar(side) == neutral[node.op_type] and _same_shape(node, other):
            return other
    return None
