"""Join neighbouring reshapes and transposes.

    x -> Reshape(a) -> Reshape(b)      -> y    =>    x -> Reshape(b)   -> y
    x -> Transpose(p) -> Transpose(q)  -> y    =>    x -> Transpose(pq) -> y

Only where nothing else reads the result in between. Unsqueeze, Squeeze and Flatten count as
reshapes: all shapes are static here.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lp_pack.simplify.rewriting import add_constant, remove_unused, shape_of, sole_consumer

_RESHAPES = {"Reshape", "Unsqueeze", "Squeeze", "Flatten"}


def apply(model: ir.Model) -> int:
    """Merge each pair, first to last, so that a chain becomes one node."""
    changes = 0
    for node in list(model.graph):
        source = node.inputs[0] if node.inputs else None
        first = source.producer() if source is not None else None
        if first is None or source is None or sole_consumer(source) is not node:
            continue
        if node.op_type in _RESHAPES and first.op_type in _RESHAPES:
            changes += _merge_reshapes(model, first, node)
        elif node.op_type == "Transpose" and first.op_type == "Transpose":
            changes += _merge_transposes(first, node)
    if changes:
        remove_unused(model)
    return changes


def _merge_reshapes(model: ir.Model, first: ir.Node, second: ir.Node) -> int:
    shape = shape_of(second.outputs[0])
    if shape is None or 0 in shape:
        return 0
    target = add_constant(model, np.array(shape, dtype=np.int64), f"{second.outputs[0].name}.shape")
    second.op_type = "Reshape"
    second.attributes.clear()
    second.resize_inputs(2)
    second.replace_input_with(0, first.inputs[0])
    second.replace_input_with(1, target)
    return 1


def _merge_transposes(first: ir.Node, second: ir.Node) -> int:
    if "perm" not in first.attributes or "perm" not in second.attributes:
        return 0
    inner = list(first.attributes["perm"].as_ints())
    outer = list(second.attributes["perm"].as_ints())
    second.attributes["perm"] = ir.AttrInt64s("perm", [inner[axis] for axis in outer])
    second.replace_input_with(0, first.inputs[0])
    return 1
