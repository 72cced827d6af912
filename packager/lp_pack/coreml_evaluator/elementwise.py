"""Operators that work on each element alone."""

from __future__ import annotations

import torch
from torch import Tensor

from lp_pack.coreml_evaluator.registry import Operation, operation

BINARY: dict[str, Operation] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "real_div": torch.true_divide,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "pow": torch.pow,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "equal": torch.eq,
    "logical_and": torch.logical_and,
}
UNARY: dict[str, Operation] = {
    "abs": torch.abs,
    "cos": torch.cos,
    "exp": torch.exp,
    "floor": torch.floor,
    "sin": torch.sin,
    "sqrt": torch.sqrt,
    "square": torch.square,
}
# What `cast` may name; the evaluator casts to the declared type of the output.
CAST_TYPES = ("fp32", "fp16", "int32", "uint16", "int16", "uint8", "int8", "bool")


def _binary(function: Operation) -> Operation:
    def evaluate(x: Tensor, y: Tensor) -> Tensor:
        result: Tensor = function(x, y)  # type: ignore[assignment]
        return result

    return evaluate


def _unary(function: Operation) -> Operation:
    def evaluate(x: Tensor) -> Tensor:
        result: Tensor = function(x)  # type: ignore[assignment]
        return result

    return evaluate


for _name, _function in BINARY.items():
    operation(_name)(_binary(_function))
for _name, _function in UNARY.items():
    operation(_name)(_unary(_function))


@operation("clip")
def clip(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Limit to [alpha, beta]."""
    return x.clamp(float(alpha), float(beta))


@operation("rsqrt")
def rsqrt(x: Tensor, epsilon: Tensor | None = None) -> Tensor:
    """1 / sqrt(x + epsilon)."""
    return torch.rsqrt(x + (1e-12 if epsilon is None else epsilon))


@operation("log")
def log(x: Tensor, epsilon: Tensor | None = None) -> Tensor:
    """Natural logarithm of x + epsilon."""
    return torch.log(x + (1e-45 if epsilon is None else epsilon))


@operation("select")
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Where `cond`, a; else b."""
    return torch.where(cond.bool(), a, b)


@operation("cast")
def cast(x: Tensor, dtype: str) -> Tensor:
    """Another type; fractions are cut off towards zero, as Core ML does."""
    if dtype not in CAST_TYPES:
        raise ValueError(f"cast to '{dtype}'")
    return x != 0 if dtype == "bool" else x
