"""Which constants of a Core ML program can be narrowed, and which stay wider.

Compression starts from the float16 program. Its large float32 constants are what that precision
left out on purpose (coordinates, index arithmetic, logarithms, state), and they are left out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lp_pack.quantize.methods import WideRule
from lp_pack.quantize.recipes import (
    COORDINATES,
    LARGE_MAPS,
    PICTURE_ENDS,
    PICTURES,
    SMALL,
    SPECTRUM_READER,
)

SMALLEST = 1024
# Operator -> {input: axis of its output channels}; CHANNEL stands for the third axis from the end.
CHANNEL = -3
KERNELS = {
    "conv": {"weight": 0},
    "linear": {"weight": 0},
    "matmul": {"x": 0, "y": -1},
}
TABLES = {
    "gather": {"x": -1},
    "concat": {"values": CHANNEL},
    "add": {"x": CHANNEL, "y": CHANNEL},
    "mul": {"x": CHANNEL, "y": CHANNEL},
}
# A map with this many places or more is a large one.
LARGE_MAP = 8 * 8


@dataclass(frozen=True)
class Constant:
    """A constant of the program, and what may be done to it.

    op: coremltools' operator that makes it.
    axis: of its scales.
    layers: names of the operators that read it, by their first result.
    rule: why it may stay wider; None where nothing speaks against fewer bits.
    """

    op: Any
    axis: int
    layers: tuple[str, ...]
    rule: WideRule | None

    @property
    def values(self) -> np.ndarray:
        """The numbers."""
        result: np.ndarray = self.op.outputs[0].val
        return result


def layer_names(function: Any) -> list[str]:
    """Of every operator."""
    return [op.outputs[0].name for op in function.operations if op.op_type != "const"]


def constants(function: Any) -> tuple[Constant, ...]:
    """Every constant that its readers take in another form, in the program's order."""
    after_log = _first_readers(function)
    last = next((op for op in reversed(function.operations) if op.op_type == "conv"), None)
    found = []
    for op in function.operations:
        values = op.outputs[0].val if op.op_type == "const" else None
        if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
            continue
        var = op.outputs[0]
        readers = list(dict.fromkeys(var.child_ops))
        axes = [_axis(reader, var) for reader in readers]
        if not readers or None in axes or var in function.outputs:
            continue
        axis = axes[0] or 0
        found.append(
            Constant(
                op=op,
                axis=axis if -values.ndim <= axis else 0,
                layers=tuple(reader.outputs[0].name for reader in readers),
                rule=SPECTRUM_READER
                if after_log & set(var.child_ops) and values.size >= SMALLEST
                else _rule(values, readers, last),
            )
        )
    return tuple(found)


def _axis(reader: Any, var: Any) -> int | None:
    inputs = {**KERNELS, **TABLES}.get(reader.op_type, {})
    for name, axis in inputs.items():
        value = reader.inputs.get(name)
        if var in (value if isinstance(value, (list, tuple)) else (value,)):
            return axis
    return None


def _rule(values: np.ndarray, readers: list[Any], last: Any) -> WideRule | None:
    if values.size < SMALLEST:
        return SMALL
    if values.dtype != np.float16:
        return COORDINATES
    if last in readers:
        return PICTURE_ENDS
    if any(reader.op_type in TABLES for reader in readers):
        return PICTURES
    return LARGE_MAPS if any(_draws_large_map(reader) for reader in readers) else None


def _first_readers(function: Any) -> set[Any]:
    """The matrix products and convolutions that a logarithm's result reaches first."""
    waiting = [op for op in function.operations if op.op_type == "log"]
    found: set[Any] = set()
    seen: set[Any] = set()
    while waiting:
        op = waiting.pop()
        if op in seen:
            continue
        seen.add(op)
        readers = [reader for var in op.outputs for reader in var.child_ops]
        found |= {reader for reader in readers if reader.op_type in KERNELS}
        waiting += [reader for reader in readers if reader.op_type not in KERNELS]
    return found


def _draws_large_map(reader: Any) -> bool:
    shape = reader.outputs[0].shape
    return reader.op_type == "conv" and len(shape) == 4 and shape[2] * shape[3] >= LARGE_MAP
