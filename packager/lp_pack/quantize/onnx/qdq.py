"""Eight-bit convolutions, written as QuantizeLinear and DequantizeLinear around float ones.

    before   x ── Conv ── Relu ── y

    after    x ── Q ── DQ ── Conv ── Relu ── Q ── DQ ── y          weight: int8 ── DQ
                                                                   bias: int32 ── DQ

ONNX Runtime makes one QLinearConv of it. Operators that only move data (`MOVES`) run on the bytes:
the Q stands before them and the DQ behind, so that a map is rounded once, where it is made, and
every convolution that reads it, moved or not, reads the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from lp_pack.quantize.onnx import packing
from lp_pack.quantize.onnx.arithmetic import Affine, quantize_channels
from lp_pack.simplify.rewriting import add_constant, constant, shape_of

# Position of the data among the inputs is always 0; Concat moves all of its inputs.
MOVES = {"Reshape", "Slice", "Transpose", "Pad", "Resize", "DepthToSpace", "Concat", "Split"}
BITS = 8
# Kernels of more numbers than this belong to maps of 8 x 8 and smaller: a third of the full tier's
# file and a hundredth of its work. They are rounded to six bits and packed.
PACKED_ABOVE = 4_000_000
_U8 = ir.DataType.UINT8


def moved_inputs(node: ir.Node | None) -> tuple[ir.Value, ...]:
    """The values whose bytes a node moves; empty where it computes."""
    if node is None or node.op_type not in MOVES or len(node.outputs) != 1:
        return ()
    if node.op_type == "Resize" and _attribute(node, "mode", "nearest") != "nearest":
        return ()
    if node.op_type == "Pad" and not _pads_with_zero(node):
        return ()
    found = node.inputs if node.op_type == "Concat" else node.inputs[:1]
    values = tuple(value for value in found if value is not None)
    return values if all(constant(value) is None for value in values) else ()


def roots(value: ir.Value) -> list[ir.Value]:
    """Where the numbers of a map are made: behind all operators that only moved them."""
    sources = moved_inputs(value.producer())
    if not sources:
        return [value]
    return [root for source in sources for root in roots(source)]


def result_of(convolution: ir.Node) -> ir.Value:
    """What is rounded after a convolution: its output, or that of the only Relu behind it."""
    (output,) = convolution.outputs
    uses = list(output.uses())
    alone = len(uses) == 1 and not output.is_graph_output()
    return uses[0].node.outputs[0] if alone and uses[0].node.op_type == "Relu" else output


class QdqWriter:
    """Inserts the pairs; one for each map, shared by all that read it."""

    def __init__(self, model: ir.Model, ranges: Mapping[ir.Value, Affine]) -> None:
        """`ranges`: for every root of a map that a quantized convolution reads or makes."""
        self._model = model
        self._ranges = dict(ranges)
        self._bytes: dict[ir.Value, ir.Value] = {}
        self._constants: dict[tuple[np.float32, int], tuple[ir.Value, ir.Value]] = {}

    def quantize(self, convolution: ir.Node) -> None:
        """Rewrite one convolution with a constant weight."""
        x, weight = convolution.inputs[0], convolution.inputs[1]
        assert x is not None
        (root, *_), output = roots(x), result_of(convolution)
        stored = self._to_bytes(x)
        weights = constant(weight)
        assert weights is not None
        packed = weights.size > PACKED_ABOVE and packing.can_pack(weights)
        integers, scales = quantize_channels(weights, packing.BITS if packed else BITS)
        name = str(convolution.outputs[0].name)
        dequantized = self._constant_dq(integers, scales, f"{name}.weight", packed)
        inputs = [self._dequantized(stored, root, f"{name}.input", convolution), dequantized]
        bias = constant(convolution.inputs[2]) if len(convolution.inputs) > 2 else None
        if bias is not None:
            steps = scales * self._ranges[root].scale
            whole = np.clip(np.rint(bias / steps), -(2**31) + 1, 2**31 - 1).astype(np.int32)
            inputs.append(self._constant_dq(whole, steps.astype(np.float32), f"{name}.bias"))
        for position, value in enumerate(inputs):
            convolution.replace_input_with(position, value)
        self._round_result(output)

    def _round_result(self, output: ir.Value) -> None:
        """Q and DQ behind a result; readers in floating point read what was rounded."""
        if output in self._bytes or output.is_graph_output():
            return
        readers = list(output.uses())
        stored = self._to_bytes(output)
        producer = stored.producer()
        assert producer is not None
        back = self._dequantized(stored, output, f"{output.name}.rounded", producer, after=True)
        # Whoever reads the rounded numbers as bytes reads these bytes.
        self._bytes[back], self._ranges[back] = stored, self._ranges[output]
        for node, position in readers:
            node.replace_input_with(position, back)

    def _to_bytes(self, value: ir.Value) -> ir.Value:
        """The map's bytes: quantized where it is made, moved as it is moved."""
        if value in self._bytes:
            return self._bytes[value]
        producer = value.producer()
        sources = moved_inputs(producer)
        if sources:
            assert producer is not None
            made = self._move(producer, [self._to_bytes(source) for source in sources], value)
        else:
            made = self._quantized(value)
        self._bytes[value] = made
        return made

    def _quantized(self, value: ir.Value) -> ir.Value:
        scale, zero = self._parameters(value)
        output = _value(f"{value.name}.u8", _U8, value)
        node = ir.Node("", "QuantizeLinear", [value, scale, zero], outputs=[output])
        node.name = f"quantize.{value.name}"
        producer = value.producer()
        if producer is None:
            self._model.graph.insert_before(self._model.graph[0], node)
        else:
            self._model.graph.insert_after(producer, node)
        return output

    def _move(self, node: ir.Node, sources: list[ir.Value], value: ir.Value) -> ir.Value:
        inputs = [*sources, *node.inputs[len(sources) :]]
        if node.op_type == "Pad":
            zero = self._parameters(roots(value)[0])[1]
            inputs = [sources[0], node.inputs[1], zero]
        output = _value(f"{value.name}.u8", _U8, value)
        attributes = list(node.attributes.values())
        moved = ir.Node("", node.op_type, inputs, attributes, outputs=[output])
        moved.name = f"{node.name}.u8"
        self._model.graph.insert_after(node, moved)
        return output

    def _dequantized(
        self, stored: ir.Value, root: ir.Value, name: str, place: ir.Node, after: bool = False
    ) -> ir.Value:
        scale, zero = self._parameters(root)
        output = _value(name, ir.DataType.FLOAT, stored)
        node = ir.Node("", "DequantizeLinear", [stored, scale, zero], outputs=[output])
        node.name = f"dequantize.{name}"
        if after:
            self._model.graph.insert_after(place, node)
        else:
            self._model.graph.insert_before(place, node)
        return output

    def _parameters(self, root: ir.Value) -> tuple[ir.Value, ir.Value]:
        chosen = self._ranges[root]
        key = (chosen.scale, int(chosen.zero_point))
        if key not in self._constants:
            self._constants[key] = (
                add_constant(self._model, np.asarray(chosen.scale), f"{root.name}.scale"),
                add_constant(self._model, np.asarray(chosen.zero_point), f"{root.name}.zero"),
            )
        return self._constants[key]

    def _constant_dq(
        self, integers: np.ndarray, scales: np.ndarray, name: str, packed: bool = False
    ) -> ir.Value:
        """A constant per channel along its first axis."""
        steps = add_constant(self._model, scales, f"{name}.scales")
        zeros = add_constant(self._model, np.zeros(len(scales), integers.dtype), f"{name}.zeros")
        shape = ir.Shape(integers.shape)
        output = ir.Value(name=name, type=ir.TensorType(ir.DataType.FLOAT), shape=shape)
        if packed:
            stored = packing.packed_constant(self._model, integers, name)
        else:
            stored = add_constant(self._model, integers, f"{name}.integers")
        axis = ir.AttrInt64("axis", 0)
        node = ir.Node("", "DequantizeLinear", [stored, steps, zeros], [axis], outputs=[output])
        node.name = f"dequantize.{name}"
        producer = stored.producer()
        if producer is None:
            self._model.graph.insert_before(self._model.graph[0], node)
        else:
            self._model.graph.insert_after(producer, node)
        return output


def _value(name: str, dtype: ir.DataType, like: ir.Value) -> ir.Value:
    return ir.Value(name=name, type=ir.TensorType(dtype), shape=like.shape)


def _pads_with_zero(node: ir.Node) -> bool:
    if _attribute(node, "mode", "constant") != "constant":
        return False
    filling = constant(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(1)
    return filling is not None and not filling.any() and shape_of(node.outputs[0]) is not None


def _attribute(node: ir.Node, name: str, default: str) -> str:
    found = node.attributes.get(name)
    return default if found is None else str(found.value)
