"""float32 graph -> float16 graph with float32 inputs and outputs.

Not everything may be halved. Which precision an operator runs in follows from four rules, so that
no list of node names has to be kept:

1. What a large constant enters (convolution, matrix product, look-up) runs in float16, and so does
   what only moves such a constant: there is something to gain. `WORTHWHILE_ELEMENTS` says what
   large means.
2. Everything else follows its inputs: computed from float32 alone it stays float32. The keypoint
   arithmetic, hat functions and heatmaps start at a float32 input and therefore stay, up to the
   first convolution.
3. What decides an index stays float32: float16 has 11 significant bits, a table of 78000 rows needs
   17, and a coordinate of 63.5 would be off by 1/32 pixel. This reaches back from integer casts
   through linear arithmetic to the softmax of the masks.
4. Statistics and logarithms stay float32: a sum of squares overflows 65504, and a power spectrum
   spans eight decades, where float16 has ten and the quiet half of them are subnormal.

Casts are inserted once for each value and direction. (onnxruntime.transformers.float16 of 1.31
inserts one for each reader, and knows operators, not roles: docs/decisions/0022-own-fp16.md.)
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lp_pack.simplify.rewriting import add_constant, constant, remove_unused

WORTHWHILE_ELEMENTS = 1024
_FLOAT, _HALF = ir.DataType.FLOAT, ir.DataType.FLOAT16
_LARGEST_HALF = 65504.0
_STATISTICS = {
    *("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2", "GlobalAveragePool"),
    *("InstanceNormalization", "LayerNormalization", "GroupNormalization"),
}
_SQUARES = {"Pow", "Mul"}
_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "Gather"}
# Linear arithmetic on coordinates and moves of their data; rule 3 walks back through these only.
COORDINATE_ARITHMETIC = {
    *("Add", "Sub", "Mul", "Div", "Neg", "Floor", "Ceil", "Round", "Clip", "Min", "Max", "Where"),
    *("Reshape", "Transpose", "Concat", "Slice", "Split", "Squeeze", "Unsqueeze", "Flatten"),
    *("ReduceSum", "Softmax", "Cast", "Expand", "Identity", "MatMul", "Gemm"),
}
# Data movement: all of the result comes from the first input.
_MOVES = {"Reshape", "Transpose", "Slice", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
_INTEGERS = {ir.DataType.INT32, ir.DataType.INT64}
# Inputs that carry data, where others are shapes or scale factors with types of their own.
_FLOAT_INPUTS = {"Resize": (0,)}

Casts = dict[tuple[ir.Value, ir.DataType], ir.Value]


def to_fp16(model: ir.Model) -> int:
    """Convert in place; returns how many nodes run in float16.

    Weights beyond the range of float16 are left in float32 together with their node.
    """
    pinned = _pinned_nodes(model)
    half = {node for node in model.graph if _worthwhile(node) and node not in pinned}
    for node in model.graph:  # graph order: inputs are decided before their readers
        if node not in pinned and node not in half and _follows_half(node, half):
            half.add(node)
    casts: Casts = {}
    for node in list(model.graph):
        _convert(model, node, node in half, casts)
    remove_unused(model)
    return len(half)


def _pinned_nodes(model: ir.Model) -> set[ir.Node]:
    """Nodes that rules 3 and 4 keep in float32."""
    pinned: set[ir.Node] = set()
    for node in model.graph:
        if _decides_an_index(node):
            pinned |= _upstream(node, COORDINATE_ARITHMETIC)
        if node.op_type == "Log":
            pinned |= _upstream(node, None)
        if node.op_type in _STATISTICS:
            pinned |= {node, *_squares_before(node)}
        if _has_large_value(node):
            pinned.add(node)
    return pinned


def _decides_an_index(node: ir.Node) -> bool:
    return node.op_type == "Cast" and node.outputs[0].dtype in _INTEGERS


def _upstream(node: ir.Node, through: set[str] | None) -> set[ir.Node]:
    """The node and all before it, reached through operators of these types (None: of any)."""
    found, waiting = set(), [node]
    while waiting:
        current = waiting.pop()
        if current in found or not (through is None or _is_among(current, through)):
            continue
        found.add(current)
        if current.op_type != "Softmax":
            producers = [value.producer() for value in current.inputs if value is not None]
            waiting += [producer for producer in producers if producer is not None]
    return found


def _is_among(node: ir.Node, types: set[str]) -> bool:
    """A look-up counts as arithmetic on coordinates where it picks some of them by a constant."""
    if node.op_type == "Gather":
        return constant(node.inputs[0]) is None and constant(node.inputs[1]) is not None
    return node.op_type in types


def _squares_before(node: ir.Node) -> list[ir.Node]:
    source = node.inputs[0].producer() if node.inputs[0] is not None else None
    if source is None or source.op_type not in _SQUARES:
        return []
    # A product of two different maps is no square: only then may it overflow on its own account.
    same = source.op_type == "Pow" or source.inputs[0] is source.inputs[1]
    return [source] if same else []


def _has_large_value(node: ir.Node) -> bool:
    for value in node.inputs:
        array = constant(value)
        if array is not None and array.dtype == np.float32 and array.size:
            finite = array[np.isfinite(array)]
            if finite.size and float(np.abs(finite).max()) > _LARGEST_HALF:
                return True
    return False


def _worthwhile(node: ir.Node) -> bool:
    if node.op_type not in {*_WEIGHTED, *_MOVES}:
        return False
    return any(_is_large_constant(value) for value in node.inputs)


def _is_large_constant(value: ir.Value | None) -> bool:
    """Whether a value is a large float constant, possibly moved about."""
    producer = value.producer() if value is not None else None
    while producer is not None and producer.op_type in _MOVES:
        value = producer.inputs[0]
        producer = value.producer() if value is not None else None
    array = constant(value)
    return array is not None and array.dtype == np.float32 and array.size >= WORTHWHILE_ELEMENTS


def _follows_half(node: ir.Node, half: set[ir.Node]) -> bool:
    """Rule 2: one float input that is computed in float16 is enough."""
    if not any(output.dtype == _FLOAT for output in node.outputs):
        return False
    for value in node.inputs:
        if value is None or value.dtype != _FLOAT:
            continue
        if value.producer() in half:
            return True
    return False


def _convert(model: ir.Model, node: ir.Node, runs_half: bool, casts: Casts) -> None:
    wanted = _HALF if runs_half else _FLOAT
    positions = _FLOAT_INPUTS.get(node.op_type, range(len(node.inputs)))
    for index in positions:
        value = node.inputs[index] if index < len(node.inputs) else None
        if value is not None and value.dtype in (_FLOAT, _HALF) and value.dtype != wanted:
            node.replace_input_with(index, _as_type(model, value, wanted, casts))
    if not runs_half:
        return
    if node.op_type == "Cast":
        node.attributes["to"] = ir.AttrInt64("to", int(_HALF))
    for output in node.outputs:
        if output.dtype == _FLOAT:
            output.dtype = _HALF
            if output.is_graph_output():
                _keep_output_float(model, output)


def _keep_output_float(model: ir.Model, output: ir.Value) -> None:
    """A graph output keeps its name and float32: a cast takes over its place."""
    name = output.name
    output.name = f"{name}.fp16"
    cast = _cast_node(output, _FLOAT, str(name))
    model.graph.append(cast)
    index = list(model.graph.outputs).index(output)
    model.graph.outputs[index] = cast.outputs[0]


def _as_type(model: ir.Model, value: ir.Value, dtype: ir.DataType, casts: Casts) -> ir.Value:
    """The value in another float type: a converted constant, or one cast shared by all readers."""
    if (value, dtype) in casts:
        return casts[value, dtype]
    suffix = "fp16" if dtype == _HALF else "fp32"
    array = constant(value)
    if array is not None:
        converted = add_constant(model, array.astype(dtype.numpy()), f"{value.name}.{suffix}")
        casts[value, dtype] = converted
        return converted
    cast = _cast_node(value, dtype, f"{value.name}.{suffix}")
    producer = value.producer()
    if producer is None:
        model.graph.insert_before(model.graph[0], cast)
    else:
        model.graph.insert_after(producer, cast)
    casts[value, dtype] = cast.outputs[0]
    return cast.outputs[0]


def _cast_node(value: ir.Value, dtype: ir.DataType, name: str) -> ir.Node:
    output = ir.Value(name=name, type=ir.TensorType(dtype), shape=value.shape)
    to = ir.AttrInt64("to", int(dtype))
    return ir.Node("", "Cast", [value], [to], outputs=[output], name=f"cast.{name}")
