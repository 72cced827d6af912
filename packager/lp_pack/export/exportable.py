"""What a network must offer so that it can become a graph of a bundle."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lp_pack.errors import ExportError


@runtime_checkable
class Exportable(Protocol):
    """A torch module whose tensors have names and whose shapes are fixed.

    `forward` takes the inputs in the order of `input_names` and returns one tensor, or a tuple in
    the order of `output_names`.
    """

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of forward's arguments."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what forward returns."""

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Seeded inputs of the right shapes and in a plausible range."""

    def eval(self) -> Exportable:
        """Switch to inference, as in torch."""

    def __call__(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the network."""


def check_names(module: Exportable, examples: tuple[Tensor, ...], graph_name: str) -> None:
    """Raise ExportError unless the module names each of its tensors once."""
    with torch.inference_mode():
        result = module(*examples)
    outputs = result if isinstance(result, tuple) else (result,)
    for names, tensors, kind in (
        (module.input_names, examples, "input"),
        (module.output_names, outputs, "output"),
    ):
        if len(names) != len(tensors) or len(set(names)) != len(names):
            raise ExportError(
                f"The module's {kind} names do not match its tensors",
                where=f"graph '{graph_name}', {type(module).__name__}.{kind}_names",
                expected=f"{len(tensors)} different names",
                got=names,
                remedy=f"name each {kind} once, in forward's order",
            )
