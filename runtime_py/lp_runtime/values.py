"""The named values that flow through a pipeline, and their tensor types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lp_runtime.errors import InputError
from lp_runtime.manifest import GraphFile, Pipeline, Step

FLOAT_TYPES = ("float32", "float16")


@dataclass(frozen=True)
class Value:
    """Name, element type, shape and (where known) layout of one value."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    layout: str = ""


def declared_values(pipeline: Pipeline) -> dict[str, Value]:
    """The values that exist before the first step runs: pipeline inputs and states."""
    values = {item.name: Value(item.name, item.dtype, item.shape) for item in pipeline.inputs}
    values |= {
        state.value: Value(state.value, state.dtype, state.shape) for state in pipeline.states
    }
    return values


def step_values(step: Step, graph: GraphFile) -> dict[str, Value]:
    """The values that one step makes, by name."""
    return {
        step.outputs[tensor.name]: Value(
            step.outputs[tensor.name], tensor.dtype, tensor.shape, tensor.layout
        )
        for tensor in graph.outputs
    }


def all_values(pipeline: Pipeline, graphs: dict[str, GraphFile]) -> dict[str, Value]:
    """Every value of the pipeline when it runs these graphs."""
    values = declared_values(pipeline)
    for step in pipeline.steps:
        values |= step_values(step, graphs[step.graph])
    return values


def same_value_type(found: Value, wanted: Value) -> bool:
    """Whether one may stand for the other: equal shapes, equal types or both floating point.

    A half-precision graph may sit between single-precision ones; the executor casts.
    """
    both_float = found.dtype in FLOAT_TYPES and wanted.dtype in FLOAT_TYPES
    return found.shape == wanted.shape and (found.dtype == wanted.dtype or both_float)


def filled(numbers: tuple[float, ...], value: Value) -> np.ndarray:
    """The tensor that these flattened numbers stand for; a single number fills it."""
    flat = np.asarray(numbers, dtype=np.float64)
    return (
        np.broadcast_to(flat if len(numbers) > 1 else flat[0], _size(value))
        .astype(value.dtype)
        .reshape(value.shape)
    )


def fitted(array: object, value: Value) -> np.ndarray:
    """`array` as a new tensor of the value's type and shape.

    Leading axes of size 1 may be left out. Raises InputError when shape, kind of number or
    finiteness is wrong.
    """
    given = np.asarray(array)
    shape_without_ones = tuple(given.shape)
    padded = (1,) * (len(value.shape) - given.ndim) + shape_without_ones
    if padded != value.shape:
        raise InputError(
            f"The value '{value.name}' has the wrong shape.",
            where=value.name,
            expected=list(value.shape),
            got=list(given.shape),
        )
    if given.dtype.kind not in "iufb" or not np.can_cast(given.dtype, value.dtype, "same_kind"):
        raise InputError(
            f"The value '{value.name}' has the wrong element type.",
            where=value.name,
            expected=value.dtype,
            got=given.dtype,
        )
    tensor = np.array(given, dtype=value.dtype, order="C").reshape(value.shape)
    if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
        raise InputError(
            f"The value '{value.name}' holds NaN or infinity.",
            where=value.name,
            expected="finite numbers",
            got=f"{int((~np.isfinite(tensor)).sum())} that are not",
        )
    return tensor


def _size(value: Value) -> int:
    size = 1
    for axis in value.shape:
        size *= axis
    return size
