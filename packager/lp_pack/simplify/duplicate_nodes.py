r"""Compute a result once where several nodes compute the same.

    x -> Sigmoid -> a -> ...           x -> Sigmoid -> a -> ...
     \-> Sigmoid -> b -> ...    =>                      \-> ...

Same operator, attributes and inputs. A node whose result leaves the graph is never merged away, so
that output names survive.
"""

from __future__ import annotations

import onnx_ir as ir

_NOT_REPEATABLE = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}


def apply(model: ir.Model) -> int:
    """Let later twins of a node read from the first."""
    first: dict[tuple[object, ...], ir.Node] = {}
    changes = 0
    for node in list(model.graph):
        if node.op_type in _NOT_REPEATABLE or _has_graph(node):
            continue
        key = _key(node)
        twin = first.setdefault(key, node)
        if twin is node or any(output.is_graph_output() for output in node.outputs):
            continue
        for mine, theirs in zip(node.outputs, twin.outputs, strict=True):
            mine.replace_all_uses_with(theirs)
        model.graph.remove(node, safe=True)
        changes += 1
    return changes


def _has_graph(node: ir.Node) -> bool:
    kinds = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
    return any(attribute.type in kinds for attribute in node.attributes.values())


def _key(node: ir.Node) -> tuple[object, ...]:
    attributes = tuple(
        (name, str(attribute.type), _attribute_value(attribute))
        for name, attribute in sorted(node.attributes.items())
    )
    inputs = tuple(id(value) if value is not None else None for value in node.inputs)
    present = tuple(bool(output.name) for output in node.outputs)
    return node.domain, node.op_type, inputs, present, attributes


def _attribute_value(attribute: ir.Attr) -> object:
    value = attribute.value
    if isinstance(value, ir.TensorProtocol):
        return str(value.dtype), tuple(value.shape), value.tobytes()
    return tuple(value) if isinstance(value, (list, tuple)) else value
