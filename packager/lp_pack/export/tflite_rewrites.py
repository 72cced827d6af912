"""What the converter leaves undone in a LiteRT graph: exact rewrites of the finished file.

look_ups_as_gathers   EMBEDDING_LOOKUP(indices, table) -> GATHER(table, indices)
                      the same rows; GPU delegates know GATHER alone

short_names           a tensor is named after the operator that makes it: conv_2d_3
                      the converter's names hold the path of every module, and repeat

shared_boxes          a constant that is a box of a larger constant -> SLICE of that constant
                      torch cuts the table of a portrait once, the converter stores every cut again
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lp_pack.export.tflite_graph import TfliteModel

WORTHWHILE_ELEMENTS = 4096


def look_ups_as_gathers(model: TfliteModel) -> int:
    """Rewrite in place; how many."""
    found = [one for one in model.graph.operators if is_look_up(model, one)]
    for operator in found:
        indices, table = operator.inputs
        operator.inputs = [table, indices]
        operator.opcodeIndex = model.operator_code("GATHER", 1)
        operator.builtinOptionsType = schema.BuiltinOptions.GatherOptions
        operator.builtinOptions = schema.GatherOptionsT()
        operator.builtinOptions.axis = 0
    return len(found)


def is_look_up(model: TfliteModel, operator: Any) -> bool:
    """Whether the operator is an EMBEDDING_LOOKUP."""
    return model.operator_name(operator) == "EMBEDDING_LOOKUP"


def short_names(model: TfliteModel) -> None:
    """Rename in place all tensors but the graph's inputs and outputs; every name once."""
    fixed = {int(index) for index in (*model.graph.inputs, *model.graph.outputs)}
    counts: Counter[str] = Counter()
    named: set[int] = set()

    def name(index: int, kind: str) -> None:
        if index < 0 or index in named | fixed:
            return
        named.add(index)
        model.graph.tensors[index].name = f"{kind}_{counts[kind]}".encode()
        counts[kind] += 1

    for operator in model.graph.operators:
        for index in operator.inputs:
            name(int(index), "constant")
        for index in operator.outputs:
            name(int(index), model.operator_name(operator).lower())


@dataclass(frozen=True)
class Box:
    """Where a constant (height, width, channels) lies in a table (rows * stride, channels)."""

    top: int
    left: int
    stride: int


def shared_boxes(model: TfliteModel) -> int:
    """Rewrite in place; how many constants went."""
    large = _constants(model, rank=2)
    added = []
    done = 0
    for index, values in _constants(model, rank=3).items():
        for table, numbers in large.items():
            box = find_box(values, numbers)
            if box is None:
                continue
            added += _slice(model, index, table, box)
            done += 1
            break
    model.graph.operators = [*added, *model.graph.operators]
    return done


def find_box(values: np.ndarray, table: np.ndarray) -> Box | None:
    """The place of values (height, width, channels) in a table of rows (rows, channels).

    Rows of the box lie `stride` rows of the table apart; the box may be as wide as that.
    """
    height, width, channels = values.shape
    if channels != table.shape[1] or values.size >= table.size or height < 2:
        return None
    content = np.ascontiguousarray(table).tobytes()
    row = table.itemsize * channels
    first = _find_row(content, values[0], row, 0)
    second = -1 if first < 0 else _find_row(content, values[1], row, first + width)
    if second < 0:
        return None
    stride = second - first
    if len(table) % stride or first % stride + width > stride:
        return None
    top, left = divmod(first, stride)
    picture = table.reshape(-1, stride, channels)
    same = np.array_equal(picture[top : top + height, left : left + width], values)
    return Box(top, left, stride) if same else None


def _find_row(content: bytes, row_of_values: np.ndarray, row: int, start: int) -> int:
    """Index of the first row of the table from `start` on where these values begin; -1: none."""
    wanted = np.ascontiguousarray(row_of_values).tobytes()
    place = content.find(wanted, start * row)
    while place >= 0 and place % row:
        place = content.find(wanted, place + 1)
    return place // row if place >= 0 else -1


def _constants(model: TfliteModel, rank: int) -> dict[int, np.ndarray]:
    found = {}
    for index, tensor in enumerate(model.graph.tensors):
        values = model.constant(tensor)
        if values is not None and values.ndim == rank and values.size >= WORTHWHILE_ELEMENTS:
            found[index] = values
    return found


def _slice(model: TfliteModel, index: int, table: int, box: Box) -> list[Any]:
    """Make the tensor a result of two operators; the operators."""
    tensor = model.graph.tensors[index]
    model.model.buffers[tensor.buffer].data = None
    tensor.buffer = 0
    rows, channels = model.graph.tensors[table].shape
    picture = schema.TensorT()
    picture.shape = np.array([rows // box.stride, box.stride, channels], np.int32)
    picture.type, picture.buffer = schema.TensorType.FLOAT32, 0
    picture.name = tensor.name + b"/picture"
    model.graph.tensors.append(picture)
    place = len(model.graph.tensors) - 1
    reshape, cut = schema.OperatorT(), schema.OperatorT()
    reshape.opcodeIndex = model.operator_code("RESHAPE", 1)
    reshape.inputs = [table, model.add_integers(picture.shape, picture.name + b"/shape")]
    reshape.outputs = [place]
    reshape.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    reshape.builtinOptions = schema.ReshapeOptionsT()
    reshape.builtinOptions.newShape = picture.shape
    begin = np.array([box.top, box.left, 0], np.int32)
    cut.opcodeIndex = model.operator_code("SLICE", 1)
    cut.inputs = [
        place,
        model.add_integers(begin, tensor.name + b"/begin"),
        model.add_integers(np.array(tensor.shape, np.int32), tensor.name + b"/size"),
    ]
    cut.outputs = [index]
    cut.builtinOptionsType = schema.BuiltinOptions.SliceOptions
    cut.builtinOptions = schema.SliceOptionsT()
    return [reshape, cut]
