"""What one run of an ONNX graph costs: arithmetic and memory traffic, operator by operator.

Arithmetic counts a multiply-add as two. Memory traffic is counted as if nothing stayed in a cache
and nothing was fused: every operator reads its inputs and weights and writes its outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from lp_pack.errors import LpPackError

# These hand their input on under another shape: no arithmetic, no traffic.
FREE = frozenset({"Constant", "Flatten", "Identity", "Reshape", "Shape", "Squeeze", "Unsqueeze"})
# These move numbers and compute none.
MOVING = frozenset(
    {
        *("Cast", "Concat", "DepthToSpace", "Expand", "Gather", "Pad", "Slice", "SpaceToDepth"),
        *("Split", "Tile", "Transpose"),
    }
)
# These read less than their whole first input.
PARTIAL_READERS = frozenset({"Gather", "Slice", "Split"})

Shape = tuple[int, ...]


@dataclass(frozen=True)
class OperatorCost:
    """One operator of a graph."""

    name: str
    operator: str
    flop: int
    bytes: int


@dataclass(frozen=True)
class GraphCost:
    """All operators of a graph in the order in which they run."""

    operators: tuple[OperatorCost, ...]

    @property
    def gflop(self) -> float:
        """1e9 operations of one run."""
        return sum(one.flop for one in self.operators) / 1e9

    @property
    def megabytes(self) -> float:
        """1e6 bytes moved by one run."""
        return sum(one.bytes for one in self.operators) / 1e6

    def by_type(self) -> dict[str, tuple[int, float, float]]:
        """{operator type: (how many, GFLOP, MB)}, the most arithmetic first."""
        table: dict[str, tuple[int, float, float]] = {}
        for one in self.operators:
            count, gflop, megabytes = table.get(one.operator, (0, 0.0, 0.0))
            table[one.operator] = (count + 1, gflop + one.flop / 1e9, megabytes + one.bytes / 1e6)
        return dict(sorted(table.items(), key=lambda item: (-item[1][1], -item[1][2], item[0])))


@dataclass(frozen=True)
class _Tensor:
    shape: Shape
    item_bytes: int

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.item_bytes


def graph_cost(path: Path) -> GraphCost:
    """Costs of the ONNX file at `path`.

    Raises LpPackError when the file is no ONNX graph or a tensor's size is not fixed.
    """
    try:
        model = onnx.load(path)
        # What an exporter wrote down may be stale; shapes follow from the inputs alone.
        model.graph.ClearField("value_info")
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:  # onnx raises its own, protobuf's and OSError for the same reason
        raise LpPackError(
            "The graph's shapes cannot be worked out.",
            where=path,
            expected="an ONNX graph with fixed shapes",
            got=str(error).split("\n", 1)[0],
        ) from error
    tensors = _tensors(model.graph, path)
    return GraphCost(tuple(_operator(node, tensors) for node in model.graph.node))


def _tensors(graph: onnx.GraphProto, path: Path) -> dict[str, _Tensor]:
    tensors = {
        one.name: _Tensor(tuple(one.dims), _item_bytes(one.data_type)) for one in graph.initializer
    }
    for info in (*graph.input, *graph.output, *graph.value_info):
        kind = info.type.tensor_type
        if any(not axis.HasField("dim_value") for axis in kind.shape.dim):
            raise LpPackError(
                "A tensor's size is not fixed.", where=f"{path}: {info.name}", got="a free axis"
            )
        shape = tuple(axis.dim_value for axis in kind.shape.dim)
        tensors[info.name] = _Tensor(shape, _item_bytes(kind.elem_type))
    return tensors


def _item_bytes(element_type: int) -> int:
    if element_type == TensorProto.STRING:
        return 0
    return int(helper.tensor_dtype_to_np_dtype(element_type).itemsize)


def _operator(node: onnx.NodeProto, tensors: Mapping[str, _Tensor]) -> OperatorCost:
    inputs = [tensors[name] for name in node.input if name in tensors]
    outputs = [tensors[name] for name in node.output if name in tensors]
    if node.op_type in FREE:
        return OperatorCost(node.name, node.op_type, 0, 0)
    written = sum(one.bytes for one in outputs)
    # What is picked out of a table is read once; the rest of the table is not touched.
    rest = inputs[1:] if node.op_type in PARTIAL_READERS else inputs
    read = sum(one.bytes for one in rest) + (written if node.op_type in PARTIAL_READERS else 0)
    return OperatorCost(node.name, node.op_type, _flop(node, inputs, outputs), read + written)


def _flop(node: onnx.NodeProto, inputs: list[_Tensor], outputs: list[_Tensor]) -> int:
    if node.op_type in MOVING or not outputs:
        return 0
    made = prod(outputs[0].shape)
    if node.op_type in ("Conv", "QLinearConv"):
        # Weights (out, in / groups, kernel...): a multiply-add for each but the first axis.
        weights = inputs[1 if node.op_type == "Conv" else 3].shape
        return 2 * made * prod(weights[1:])
    if node.op_type == "ConvTranspose":
        return 2 * prod(inputs[0].shape) * prod(inputs[1].shape[1:])
    if node.op_type in ("MatMul", "QLinearMatMul"):
        return 2 * made * inputs[0].shape[-1]
    if node.op_type == "Gemm":
        transposed = next((a.i for a in node.attribute if a.name == "transA"), 0)
        return 2 * made * inputs[0].shape[0 if transposed else -1]
    if node.op_type.startswith("Reduce") or node.op_type.endswith("Pool"):
        return max(prod(inputs[0].shape), made * _kernel(node))
    return made


def _kernel(node: onnx.NodeProto) -> int:
    return next((prod(a.ints) for a in node.attribute if a.name == "kernel_shape"), 1)
