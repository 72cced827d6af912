"""Compute at build time what depends on constants alone, unless that enlarges the file.

    c1, c2 (constants) -> Mul -> y      =>      y (constant)

A folded result is kept only if it is no larger than the constants that disappear with it plus
`ALLOWED_GROWTH` bytes: expanding two ramps into a coordinate grid would cost megabytes to save
microseconds, so grids stay computed.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator

from lp_pack.simplify.rewriting import add_constant, constant, remove_unused, shape_of

ALLOWED_GROWTH = 16384
# Their values come from the run, not from their inputs.
_NOT_FOLDABLE = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}


def apply(model: ir.Model) -> int:
    """Replace constant nodes by initializers, in graph order, so that chains collapse."""
    changes = 0
    for node in list(model.graph):
        if not _is_constant(node):
            continue
        arrays = _evaluate(model, node)
        if arrays is None or not _pays(node, arrays):
            continue
        for output, array in zip(list(node.outputs), arrays, strict=True):
            assert output.name is not None
            name, output.name = output.name, None
            output.replace_all_uses_with(add_constant(model, array, name))
        model.graph.remove(node, safe=True)
        changes += 1
    remove_unused(model)
    return changes


def _is_constant(node: ir.Node) -> bool:
    if node.op_type in _NOT_FOLDABLE or any(output.is_graph_output() for output in node.outputs):
        return False
    if node.op_type == "Shape":
        return shape_of(node.inputs[0]) is not None
    present = [value for value in node.inputs if value is not None]
    return bool(present) and all(value.is_initializer() for value in present)


def _evaluate(model: ir.Model, node: ir.Node) -> list[np.ndarray] | None:
    """Run one node with onnx's reference implementation; None where that cannot."""
    if node.op_type == "Shape":
        shape = shape_of(node.inputs[0]) or ()
        start = node.attributes.get_int("start", 0)
        end = node.attributes.get_int("end", len(shape))
        return [np.array(shape[start:end], dtype=np.int64)]
    feeds = {str(value.name): constant(value) for value in node.inputs if value is not None}
    inputs = [
        onnx.helper.make_tensor_value_info(name, ir.DataType.from_numpy(array.dtype), array.shape)
        for name, array in feeds.items()
        if array is not None
    ]
    outputs = [onnx.ValueInfoProto(name=output.name) for output in node.outputs if output.name]
    graph = onnx.helper.make_graph([ir.to_proto(node)], "one_node", inputs, outputs)
    opset = onnx.helper.make_opsetid("", model.graph.opset_imports[""])
    program = onnx.helper.make_model(graph, opset_imports=[opset])
    try:
        results = ReferenceEvaluator(program).run(None, feeds)
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return None  # an operator that the reference cannot run stays in the graph
    arrays = [np.asarray(result) for result in results]
    same = all(
        ir.DataType.from_numpy(a.dtype) == o.dtype
        for a, o in zip(arrays, node.outputs, strict=True)
    )
    return arrays if same else None


def _pays(node: ir.Node, arrays: list[np.ndarray]) -> bool:
    freed = 0
    for value in {id(v): v for v in node.inputs if v is not None and v.is_initializer()}.values():
        array = constant(value)
        if array is not None and {use.node for use in value.uses()} == {node}:
            freed += array.nbytes
    return sum(array.nbytes for array in arrays) <= freed + ALLOWED_GROWTH
