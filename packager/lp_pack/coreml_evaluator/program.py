"""A saved Core ML program as a list of steps, and its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lp_pack.coreml_evaluator import (
    activations,
    compressed_weights,
    convolutions,
    elementwise,
    matrices,
    reductions,
    shapes,
)
from lp_pack.coreml_evaluator.registry import OPERATIONS
from lp_pack.errors import ExportError
from lp_pack.export.coreml_package import load_program

FAMILIES = (
    *(activations, compressed_weights, convolutions, elementwise, matrices),
    *(reductions, shapes),
)
_TYPES = {
    "fp16": torch.float16,
    "fp32": torch.float32,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
}
# An input of a step: a value's name, several names, or a constant.
Argument = str | tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One operator of the program."""

    name: str
    operator: str
    # MIL input name -> names of values.
    arguments: Mapping[str, Argument]
    results: tuple[str, ...]
    types: tuple[torch.dtype, ...]
    # Values that no later step reads.
    spent: tuple[str, ...]


class EvaluatedProgram:
    """A program that can be run; one thread at a time."""

    def __init__(
        self,
        steps: tuple[Step, ...],
        constants: Mapping[str, Any],
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
    ) -> None:
        self.steps = steps
        self.constants = constants
        self.inputs = inputs
        self.outputs = outputs

    @classmethod
    def load(cls, package: Path) -> EvaluatedProgram:
        """Read a .mlpackage.

        Raises:
            ExportError: it is none, or an operator is not known here (named).
        """
        return cls.of_function(load_program(package).functions["main"], package.name)

    @classmethod
    def of_function(cls, function: Any, where: str) -> EvaluatedProgram:
        """The program of a function in coremltools' structure; `where` is for messages."""
        unknown = sorted({op.op_type for op in function.operations} - set(OPERATIONS) - {"const"})
        if unknown:
            raise ExportError(
                "The Core ML program uses operators that the evaluator does not know",
                where=where,
                expected=f"one of {len(OPERATIONS)} known operators",
                got=", ".join(unknown),
                remedy="add them to lp_pack/coreml_evaluator, or check parity on a Mac",
            )
        constants, steps = _read(function)
        outputs = tuple(var.name for var in function.outputs)
        return cls(_with_lifetimes(steps, outputs), constants, tuple(function.inputs), outputs)

    @torch.inference_mode()
    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name; EngineError's part is the caller's."""
        values: dict[str, Any] = dict(self.constants)
        for name in self.inputs:
            values[name] = torch.from_numpy(np.ascontiguousarray(inputs[name]))
        for step in self.steps:
            for name, result in zip(step.results, evaluate(step, values), strict=True):
                values[name] = result
            for name in step.spent:
                del values[name]
        return {name: values[name].numpy().copy() for name in self.outputs}


def evaluate(step: Step, values: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """The results of one step, each rounded to its declared type.

    float16 values are computed with in float32: one rounding per operator, none inside.
    """
    arguments = {
        key: [_wide(values[one]) for one in names]
        if isinstance(names, tuple)
        else _wide(values[names])
        for key, names in step.arguments.items()
    }
    result = OPERATIONS[step.operator](**arguments)
    results = result if isinstance(result, tuple) else (result,)
    return tuple(tensor.to(kind) for tensor, kind in zip(results, step.types, strict=True))


def _wide(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.float16 else value


def _read(function: Any) -> tuple[dict[str, Any], list[Step]]:
    constants: dict[str, Any] = {}
    steps = []
    for op in function.operations:
        if op.op_type == "const":
            constants[op.outputs[0].name] = _constant(op.outputs[0])
            continue
        arguments: dict[str, Argument] = {
            key: tuple(one.name for one in var) if isinstance(var, (list, tuple)) else var.name
            for key, var in op.inputs.items()
            if var is not None
        }
        types = tuple(_type(var) for var in op.outputs)
        results = tuple(var.name for var in op.outputs)
        step = Step(op.name, op.op_type, arguments, results, types, ())
        if op.op_type.startswith("constexpr"):
            constants[results[0]] = evaluate(step, constants)[0]
        else:
            steps.append(step)
    return constants, steps


def _constant(var: Any) -> Any:
    value = var.val
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "US":
        return str(array)
    if (array.dtype.itemsize == 1 and array.dtype.kind not in "biu") or array.dtype.kind == "V":
        array = array.astype(np.int32)
    return torch.from_numpy(np.array(array))


def _type(var: Any) -> torch.dtype:
    from coremltools.converters.mil.mil import types

    return _TYPES[types.builtin_to_string(var.dtype)]


def _with_lifetimes(steps: list[Step], outputs: tuple[str, ...]) -> tuple[Step, ...]:
    """Each step told which values it is the last to read, so that memory does not pile up."""
    kept, finished = set(outputs), []
    made = {name for step in steps for name in step.results}
    for step in reversed(steps):
        read: set[str] = set()
        for names in step.arguments.values():
            read |= set(names) if isinstance(names, tuple) else {names}
        spent = tuple(sorted(((read | set(step.results)) & made) - kept))
        kept |= read | set(step.results)
        finished.append(
            Step(step.name, step.operator, step.arguments, step.results, step.types, spent)
        )
    return tuple(reversed(finished))
