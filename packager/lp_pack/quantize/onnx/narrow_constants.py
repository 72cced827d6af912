"""Constants stored in eight bits and fewer, unpacked by ordinary operators.

    w8    int8 ── Cast ── Mul(scales) ── float32

    fp16  half ── Cast ── float32

Nothing but constants goes in, so every runtime folds the operators once, when it loads the file:
the frame costs what it costs in float32. (DequantizeLinear in their place is kept by ONNX Runtime
for fusions and would run on every frame.)
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lp_pack.quantize.onnx.arithmetic import quantize_channels
from lp_pack.simplify.rewriting import add_constant, constant

# A scale for fewer numbers than this costs more than it gives.
NUMBERS_PER_SCALE = 32
LARGEST_HALF = 65504.0


def narrow(model: ir.Model, value: ir.Value, bits: int) -> None:
    """Replace a float32 constant for all of its readers."""
    array = constant(value)
    assert array is not None
    integers, scales = quantize_along_best_axis(array, bits)
    name = str(value.name)
    stored = add_constant(model, integers, f"{name}.int{bits}")
    steps = add_constant(model, scales, f"{name}.scales")
    cast = _cast(stored, f"{name}.float")
    unpacked = _float(f"{name}.unpacked", array.shape)
    scale = ir.Node("", "Mul", [cast.outputs[0], steps], outputs=[unpacked], name=f"scale.{name}")
    _replace(model, value, [cast, scale])


def halve(model: ir.Model, value: ir.Value) -> None:
    """Store a float32 constant in float16; one that float16 cannot hold stays."""
    array = constant(value)
    assert array is not None
    if float(np.abs(array).max()) > LARGEST_HALF:
        return
    stored = add_constant(model, array.astype(np.float16), f"{value.name}.half")
    _replace(model, value, [_cast(stored, f"{value.name}.float")])


def _replace(model: ir.Model, value: ir.Value, nodes: list[ir.Node]) -> None:
    readers = list(value.uses())
    model.graph.insert_before(model.graph[0], nodes)
    for node, position in readers:
        node.replace_input_with(position, nodes[-1].outputs[0])


def _cast(stored: ir.Value, name: str) -> ir.Node:
    assert stored.shape is not None
    output = _float(name, tuple(stored.shape.numpy()))
    to = ir.AttrInt64("to", int(ir.DataType.FLOAT))
    return ir.Node("", "Cast", [stored], [to], outputs=[output], name=f"unpack.{name}")


def _float(name: str, shape: tuple[int, ...]) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(shape))


def has_enough_numbers(array: np.ndarray, axis: int) -> bool:
    """Whether every scale along this axis serves at least NUMBERS_PER_SCALE numbers."""
    return bool(array.shape[axis] * NUMBERS_PER_SCALE <= array.size)


def quantize_along_axis(
    array: np.ndarray, bits: int, axis: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Integers, and scales in a shape that multiplies them back; None: one scale for all."""
    rows = array[None] if axis is None else np.moveaxis(array, axis, 0)
    integers, scales = quantize_channels(rows, bits)
    shape = [1] * array.ndim
    if axis is not None:
        shape[axis] = array.shape[axis]
    back = integers[0] if axis is None else np.moveaxis(integers, 0, axis)
    return np.ascontiguousarray(back), np.ascontiguousarray(scales.reshape(shape))


def quantize_along_best_axis(array: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """As `quantize_along_axis`, along the axis that rounds best (least squared error)."""
    axes = [axis for axis in range(array.ndim) if has_enough_numbers(array, axis)]
    tried = [quantize_along_axis(array, bits, axis) for axis in (None, *axes)]
    errors = [
        float(np.square(integers * scales - array, dtype=np.float64).sum())
        for integers, scales in tried
    ]
    return tried[int(np.argmin(errors))]
