"""Questions about an ONNX graph: operators, ranks, opset, tensors, and whether it is portable.

A portable graph uses standard operators only, holds no value of rank above 4, no GridSample and no
3-D convolution: what Core ML's neural engine and LiteRT's delegates cannot run never gets into a
bundle (design.md).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx_ir as ir

from lp_pack.errors import ExportError
from lp_runtime.manifest import ElementType, TensorSpec

MAX_RANK = 4
FORBIDDEN_OPERATORS = ("GridSample",)
STANDARD_DOMAINS = ("", "ai.onnx")

_ELEMENT_TYPES: dict[ir.DataType, ElementType] = {
    ir.DataType.FLOAT: "float32",
    ir.DataType.FLOAT16: "float16",
    ir.DataType.INT32: "int32",
    ir.DataType.INT64: "int64",
    ir.DataType.UINT8: "uint8",
}


def operator_counts(model: ir.Model) -> dict[str, int]:
    """How many operators of each type the graph holds, by name."""
    counts = Counter(node.op_type for node in model.graph)
    return dict(sorted(counts.items()))


def opset_version(model: ir.Model) -> int:
    """The version of the standard operator set that the graph asks for."""
    return model.graph.opset_imports[""]


def all_values(model: ir.Model) -> list[ir.Value]:
    """Inputs, initializers and the outputs of every node, in graph order."""
    values = [*model.graph.inputs, *model.graph.initializers.values()]
    for node in model.graph:
        values += [value for value in node.outputs if value.name]
    return values


def max_rank(model: ir.Model) -> int:
    """Largest rank of any tensor in the graph; ExportError where a rank is unknown."""
    return max((_rank(value) for value in all_values(model)), default=0)


def _rank(value: ir.Value) -> int:
    if value.shape is None:
        raise ExportError(
            "A tensor of the graph has no known shape",
            where=f"tensor '{value.name}'",
            expected="static shapes throughout (shape inference fills them)",
            remedy="give the module inputs of fixed shape and avoid data-dependent sizes",
        )
    return len(value.shape)


def check_portable(model: ir.Model, graph_name: str) -> None:
    """Raise ExportError unless every operator and tensor runs on all targets.

    Raises:
        ExportError: a custom domain, a GridSample, a convolution over three spatial axes, a tensor
            of rank above 4, or a dynamic dimension.
    """
    for node in model.graph:
        where = f"graph '{graph_name}', node '{node.name}' ({node.op_type})"
        if node.domain not in STANDARD_DOMAINS:
            raise ExportError(
                "The graph uses a custom operator",
                where=where,
                expected="operators of the standard ONNX domain only",
                got=f"domain '{node.domain}'",
                remedy="express the computation in standard operators",
            )
        if node.op_type in FORBIDDEN_OPERATORS:
            raise ExportError(
                f"The graph uses {node.op_type}, which mobile targets lack",
                where=where,
                expected=f"no {' or '.join(FORBIDDEN_OPERATORS)}",
                remedy="sample by gathering rows of a table, as the baked generator does",
            )
        for value in node.outputs:
            _check_value(value, where)


def _check_value(value: ir.Value, where: str) -> None:
    rank = _rank(value)
    if rank > MAX_RANK:
        raise ExportError(
            "A tensor has more axes than mobile targets support",
            where=f"{where}, tensor '{value.name}'",
            expected=f"rank <= {MAX_RANK}",
            got=f"rank {rank}, shape {value.shape}",
            remedy="merge axes, or loop over one of them with slices and concat",
        )
    assert value.shape is not None
    if not value.shape.is_static():
        raise ExportError(
            "A tensor has a dynamic dimension",
            where=f"{where}, tensor '{value.name}'",
            expected="static shapes throughout",
            got=str(value.shape),
            remedy="give the module inputs of fixed shape",
        )


def element_type(value: ir.Value) -> ElementType:
    """The manifest's name of a tensor's element type; ExportError for one it does not know."""
    dtype = value.dtype
    if dtype is None or dtype not in _ELEMENT_TYPES:
        raise ExportError(
            "A tensor has an element type that a bundle cannot carry",
            where=f"tensor '{value.name}'",
            expected=", ".join(_ELEMENT_TYPES.values()),
            got=str(dtype),
            remedy="cast it inside the module",
        )
    return _ELEMENT_TYPES[dtype]


def tensor_spec(value: ir.Value) -> TensorSpec:
    """Name, element type and shape of a graph input or output."""
    assert value.shape is not None
    assert value.name is not None
    return TensorSpec(
        name=value.name,
        dtype=element_type(value),
        shape=tuple(value.shape.numpy()),
        layout="NCHW" if len(value.shape) == 4 else "",
    )


def load(path: Path) -> ir.Model:
    """Read an ONNX file; ExportError where it is not one."""
    try:
        return ir.load(path)
    except Exception as error:  # protobuf raises its own DecodeError, onnx_ir several others
        raise ExportError(
            "Not a readable ONNX file", where=path, got=error, remedy="export it again"
        ) from error
