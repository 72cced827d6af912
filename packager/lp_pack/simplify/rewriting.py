"""What every pass needs: the pass itself as a value, constants, and replacing a node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir


@dataclass(frozen=True)
class Pass:
    """A named rewrite; `apply` edits the model in place and returns the number of changes."""

    name: str
    reason: str
    apply: Callable[[ir.Model], int]


def constant(value: ir.Value | None) -> np.ndarray | None:
    """The array of an initializer; None for a computed value, an input or an absent one."""
    if value is None or not value.is_initializer() or value.const_value is None:
        return None
    return value.const_value.numpy()


def scalar(value: ir.Value | None) -> float | None:
    """The number in an initializer of one element, else None."""
    array = constant(value)
    return None if array is None or array.size != 1 else float(array.reshape(()))


def shape_of(value: ir.Value | None) -> tuple[int, ...] | None:
    """A static shape as integers; None where it is not known."""
    if value is None or value.shape is None or not value.shape.is_static():
        return None
    return tuple(value.shape.numpy())


def add_constant(model: ir.Model, array: np.ndarray, name: str) -> ir.Value:
    """A new initializer with a name of its own: `name`, or `name_1`, `name_2`, ..."""
    graph = model.graph
    unique, suffix = name, 0
    while unique in graph.initializers:
        suffix += 1
        unique = f"{name}_{suffix}"
    value = ir.Value(
        name=unique,
        type=ir.TensorType(ir.DataType.from_numpy(array.dtype)),
        shape=ir.Shape(array.shape),
        const_value=ir.tensor(np.asarray(array, order="C"), name=unique),
    )
    graph.register_initializer(value)
    return value


def sole_consumer(value: ir.Value) -> ir.Node | None:
    """The one node that reads `value`; None if several do, or it leaves the graph."""
    uses = list(value.uses())
    if len(uses) != 1 or value.is_graph_output():
        return None
    return uses[0].node


def bypass(model: ir.Model, node: ir.Node, source: ir.Value) -> bool:
    """Let readers of the node's only output read `source` instead, and remove the node.

    A graph output keeps its name: where the output leaves the graph, the producer of `source` takes
    the name over; that is impossible (False, nothing changed) when `source` is itself an input, a
    constant or another graph output.
    """
    (output,) = node.outputs
    if output.is_graph_output():
        if source.producer() is None or source.is_graph_output():
            return False
        name = output.name
        output.replace_all_uses_with(source, replace_graph_outputs=True)
        output.name = None
        source.name = name
    else:
        output.replace_all_uses_with(source)
    model.graph.remove(node, safe=True)
    return True


def remove_unused(model: ir.Model) -> int:
    """Remove nodes and initializers that nothing reads; returns how many."""
    removed = 0
    for node in reversed(list(model.graph)):
        if all(not v.is_graph_output() and not v.uses() for v in node.outputs):
            model.graph.remove(node, safe=True)
            removed += 1
    for name, value in list(model.graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del model.graph.initializers[name]
            removed += 1
    return removed
