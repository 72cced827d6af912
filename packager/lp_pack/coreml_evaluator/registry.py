"""MIL operator name -> the function that evaluates it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

# Keyword arguments are the operator's inputs by their MIL names: tensors, lists of them, or text.
Operation = Callable[..., Tensor | tuple[Tensor, ...]]
OPERATIONS: dict[str, Operation] = {}


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Register a function under these MIL operator names."""

    def register(function: Operation) -> Operation:
        for name in names:
            if name in OPERATIONS:
                raise ValueError(f"MIL operator '{name}' is registered twice")
            OPERATIONS[name] = function
        return function

    return register


def integers(value: Any) -> list[int]:
    """A constant integer tensor, flattened."""
    return [int(item) for item in value.reshape(-1).tolist()]


def flags(value: Any, count: int) -> list[bool]:
    """A constant boolean tensor, flattened; all False where it is absent."""
    return [False] * count if value is None else [bool(item) for item in value.reshape(-1).tolist()]
