"""Which constants of a LiteRT graph can be narrowed, by which means, and which stay wider."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lp_pack.export.tflite_graph import TfliteModel
from lp_pack.quantize.methods import WideRule
from lp_pack.quantize.recipes import (
    COORDINATES,
    PICTURE_ENDS,
    SMALL,
    SPECTRUM,
    SPECTRUM_READER,
)

SMALLEST = 1024
# Operator -> {position of a constant: axis of its output channels}. These kernels multiply integer
# weights with maps that they round themselves, frame by frame.
INTEGER_KERNELS = {"CONV_2D": {1: 0}, "FULLY_CONNECTED": {1: 0}}
# Operator -> {position: axis}; None stands for every position, LAST for the last axis, CHANNEL for
# the second of a map (1, channels, height, width), else the last. These read float numbers only.
LAST, CHANNEL = -1, -2
FLOAT_KERNELS: dict[str, dict[int | None, int]] = {
    "DEPTHWISE_CONV_2D": {1: 3},
    "TRANSPOSE_CONV": {1: 0},
    "BATCH_MATMUL": {0: 0, 1: LAST},
    "EMBEDDING_LOOKUP": {1: LAST},
    "GATHER": {0: LAST},
    "RESHAPE": {0: LAST},
    "CONCATENATION": {None: CHANNEL},
    "ADD": {None: CHANNEL},
    "MUL": {None: CHANNEL},
}
# What a coordinate may have come through on its way to an index.
_COORDINATE_ARITHMETIC = {
    *("ADD", "SUB", "MUL", "DIV", "FLOOR", "MINIMUM", "MAXIMUM", "SELECT_V2", "SELECT", "ABS"),
    *("RESHAPE", "TRANSPOSE", "CONCATENATION", "PACK", "SLICE", "STRIDED_SLICE", "SPLIT", "SUM"),
    *("SQUEEZE", "EXPAND_DIMS", "SOFTMAX", "CAST", "BATCH_MATMUL", "FULLY_CONNECTED", "EXP"),
    *("RELU", "RELU_0_TO_1", "REDUCE_MAX"),
}


@dataclass(frozen=True)
class Constant:
    """A constant float32 tensor that may be narrowed.

    index: of the tensor.
    axis: of its scales.
    integer: whether every reader has integer kernels.
    layers: names of the operators that read it, by their output tensors.
    rule: why it stays wider; None where nothing speaks against fewer bits.
    """

    index: int
    axis: int
    integer: bool
    layers: tuple[str, ...]
    rule: WideRule | None


def layer_name(model: TfliteModel, operator: object) -> str:
    """The output tensor's name."""
    name: str = model.graph.tensors[operator.outputs[0]].name.decode()  # type: ignore[attr-defined]
    return name


def constants(model: TfliteModel) -> tuple[Constant, ...]:
    """Every constant float32 tensor that its readers take in another form, in the graph's order."""
    readers: dict[int, list[tuple[int, int]]] = {}
    for number, operator in enumerate(model.graph.operators):
        for position, index in enumerate(operator.inputs):
            if index >= 0 and model.constant(model.graph.tensors[index]) is not None:
                readers.setdefault(int(index), []).append((number, position))
    pinned = _pinned(model)
    found = []
    for index, places in readers.items():
        axes = [_axis(model, number, position) for number, position in places]
        if None in axes or index in model.graph.outputs:
            continue
        values = model.constant(model.graph.tensors[index])
        assert values is not None
        rule = next((pinned[number] for number, _ in places if number in pinned), None)
        operators = [model.graph.operators[number] for number, _ in places]
        integer = all(model.operator_name(one) in INTEGER_KERNELS for one in operators)
        found.append(
            Constant(
                index=index,
                axis=_resolved(values, axes[0] or 0),
                integer=integer,
                layers=tuple(layer_name(model, one) for one in operators),
                rule=SMALL if values.size < SMALLEST else rule,
            )
        )
    return tuple(found)


def _axis(model: TfliteModel, number: int, position: int) -> int | None:
    name = model.operator_name(model.graph.operators[number])
    positions = INTEGER_KERNELS.get(name) or FLOAT_KERNELS.get(name, {})
    return positions.get(position, positions.get(None))  # type: ignore[call-overload]


def _resolved(values: np.ndarray, axis: int) -> int:
    if axis == CHANNEL:
        return 1 if values.ndim == 4 and values.shape[0] == 1 else values.ndim - 1
    return values.ndim - 1 if axis == LAST else axis


def _pinned(model: TfliteModel) -> dict[int, WideRule]:
    """Operators whose constants stay wider, by number, with the rule that says so."""
    operators = model.graph.operators
    maker = {int(out): number for number, one in enumerate(operators) for out in one.outputs}
    pinned: dict[int, WideRule] = {}
    for number, operator in enumerate(operators):
        name = model.operator_name(operator)
        if name == "LOG":
            _pin(pinned, _upstream(model, maker, number, None), SPECTRUM)
            _pin(pinned, _first_readers(model, number), SPECTRUM_READER)
        made = model.graph.tensors[operator.outputs[0]]
        if name == "CAST" and made.type == schema.TensorType.INT32:
            _pin(pinned, _upstream(model, maker, number, _COORDINATE_ARITHMETIC), COORDINATES)
    last = [n for n, one in enumerate(operators) if model.operator_name(one) == "CONV_2D"][-1:]
    _pin(pinned, last, PICTURE_ENDS)
    return pinned


def _pin(pinned: dict[int, WideRule], numbers: Iterable[int], rule: WideRule) -> None:
    for number in numbers:
        pinned.setdefault(number, rule)


def _first_readers(model: TfliteModel, start: int) -> set[int]:
    """The matrix products and convolutions that an operator's result reaches first."""
    reached = {int(index) for index in model.graph.operators[start].outputs}
    found = set()
    for number, operator in enumerate(model.graph.operators):  # in the order of the graph
        if not reached & {int(index) for index in operator.inputs}:
            continue
        if model.operator_name(operator) in INTEGER_KERNELS:
            found.add(number)
        else:
            reached |= {int(index) for index in operator.outputs}
    return found


def _upstream(
    model: TfliteModel, maker: dict[int, int], start: int, through: set[str] | None
) -> set[int]:
    """The operator and all before it, reached through these types (None: any)."""
    found: set[int] = set()
    waiting = [start]
    while waiting:
        number = waiting.pop()
        operator = model.graph.operators[number]
        if number in found:
            continue
        if through is not None and model.operator_name(operator) not in through:
            continue
        found.add(number)
        waiting += [maker[int(index)] for index in operator.inputs if int(index) in maker]
    return found
