"""Ask for the oldest opset that means exactly the same, down to 13.

    ai.onnx 18: ReduceMean(x, axes=[1]) ; Reshape(x, s){allowzero=1} ; Relu(x)
    =>  ai.onnx 13: ReduceMean(x){axes=[1]} ; Reshape(x, s) ; Relu(x)

An old engine on a phone refuses a newer opset even where no operator that matters changed. Between
13 and 18 most definitions only gained element types; a few moved an attribute. 13 is the floor: it
gave Softmax, Squeeze and ReduceSum today's meaning, and per-channel quantization.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir

from lp_pack.simplify.rewriting import add_constant, constant, remove_unused, shape_of

FLOOR = 13
# Opset 14 to 18 gave these integers or bfloat16 and nothing else that a float graph can notice.
_TYPES_ONLY = {
    *("Add", "Sub", "Mul", "Div", "Relu", "LeakyRelu", "PRelu", "Where", "Identity", "Pow"),
    *("GreaterOrEqual", "LessOrEqual", "CumSum", "ScatterElements", "ScatterND"),
}
_REDUCTIONS = {
    *("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
}
_NEWER_ATTRIBUTES: dict[str, dict[str, object]] = {
    # operator: {attribute that opset 13 lacks: the value that means what opset 13 does}
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": "stretch"},
    "LSTM": {"layout": 0},
    "GRU": {"layout": 0},
    "BatchNormalization": {"training_mode": 0},
}


def apply(model: ir.Model) -> int:
    """Lower the declared opset as far as every operator allows; returns how many versions."""
    current = model.graph.opset_imports[""]
    rewrites: list[Callable[[], None]] = []
    needed = FLOOR
    for node in model.graph:
        rewrite = _to_floor(model, node)
        if rewrite is not None:
            rewrites.append(rewrite)
        else:
            needed = max(needed, _since(node, current))
    if needed >= current:
        return 0
    if needed == FLOOR:
        for rewrite in rewrites:
            rewrite()
        remove_unused(model)
    else:
        needed = max([needed, *(_since(node, current) for node in model.graph)])
    model.graph.opset_imports[""] = needed
    for node in model.graph:
        node.version = None
    model.ir_version = onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", needed)])
    return current - needed


def _since(node: ir.Node, opset: int) -> int:
    return int(onnx.defs.get_schema(node.op_type, opset, "").since_version)


def _to_floor(model: ir.Model, node: ir.Node) -> Callable[[], None] | None:
    """What makes the node valid in opset 13 without a change of meaning; None: nothing does."""
    kind = node.op_type
    attributes = _NEWER_ATTRIBUTES.get(kind)
    if kind in _TYPES_ONLY:
        return _nothing
    if kind in _REDUCTIONS and _has_constant_axes(node):
        return lambda: _axes_to_attribute(node)
    if kind == "Reshape" and 0 not in (shape_of(node.outputs[0]) or (0,)):
        return lambda: _drop(node, ("allowzero",))
    if kind == "Split" and shape_of(node.outputs[0]) is not None:
        return lambda: _sizes_to_input(model, node)
    if kind == "Pad" and (len(node.inputs) < 4 or node.inputs[3] is None):
        return _nothing if node.attributes.get_string("mode", "constant") != "wrap" else None
    if attributes is not None and _have_default(node, attributes) and "axes" not in node.attributes:
        return lambda: _drop(node, tuple(attributes))
    return None


def _nothing() -> None:
    """The node is valid as it stands."""


def _have_default(node: ir.Node, defaults: dict[str, object]) -> bool:
    return all(
        name not in node.attributes or node.attributes[name].value == value
        for name, value in defaults.items()
    )


def _drop(node: ir.Node, names: tuple[str, ...]) -> None:
    for name in names:
        node.attributes.pop(name, None)


def _has_constant_axes(node: ir.Node) -> bool:
    if len(node.inputs) < 2 or node.inputs[1] is None:
        return node.attributes.get_int("noop_with_empty_axes", 0) == 0
    return constant(node.inputs[1]) is not None


def _axes_to_attribute(node: ir.Node) -> None:
    axes = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    _drop(node, ("noop_with_empty_axes",))
    if axes is not None and axes.size:
        node.attributes["axes"] = ir.AttrInt64s("axes", [int(axis) for axis in axes.reshape(-1)])
    node.resize_inputs(1)


def _sizes_to_input(model: ir.Model, node: ir.Node) -> None:
    _drop(node, ("num_outputs",))
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        return
    axis = node.attributes.get_int("axis", 0)
    sizes = [int((shape_of(output) or ())[axis]) for output in node.outputs]
    node.resize_inputs(2)
    array = np.array(sizes, dtype=np.int64)
    node.replace_input_with(1, add_constant(model, array, f"{node.outputs[0].name}.sizes"))
