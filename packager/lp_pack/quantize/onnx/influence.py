"""Convolutions whose rounding is seen in more than one place of the picture.

Both kinds keep their weights in eight bits and compute in float32: their number is small, and in
the published generator they make most of the error (docs/compression.md).
"""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from lp_pack.simplify.rewriting import constant

# A map that so many convolutions read counts as shared.
READERS_OF_A_SHARED_MAP = 4
_INTEGERS = (ir.DataType.INT32, ir.DataType.INT64)


def deciding_places(model: ir.Model) -> set[ir.Node]:
    """Convolutions that an index follows, with one more convolution in between.

    That last one sums so many products that its own rounding averages out.
    """
    following = {node: _following(node) for node in _convolutions(model)}
    last = {node for node, found in following.items() if any(map(_is_index, found))}
    return {node for node, found in following.items() if last.intersection(found)} - last


def making_shared_maps(model: ir.Model) -> set[ir.Node]:
    """Convolutions whose map many others read, and those that only such a one reads."""
    read_by = {node: _readers(node) for node in _convolutions(model)}
    shared = {node for node, found in read_by.items() if len(found) >= READERS_OF_A_SHARED_MAP}
    return shared | {node for node, found in read_by.items() if found and found <= shared}


def _convolutions(model: ir.Model) -> list[ir.Node]:
    return [node for node in model.graph if node.op_type == "Conv"]


def _is_index(node: ir.Node) -> bool:
    return node.op_type == "Cast" and node.outputs[0].dtype in _INTEGERS


def _is_sum_of_maps(node: ir.Node) -> bool:
    """An addition that joins two streams; what comes after it is no longer this map."""
    return node.op_type == "Add" and all(constant(value) is None for value in node.inputs)


def _following(node: ir.Node) -> set[ir.Node]:
    """The next convolutions and index casts on every way from the node."""
    return _ends(node, lambda reader: reader.op_type == "Conv" or _is_index(reader))


def _readers(node: ir.Node) -> set[ir.Node]:
    """The convolutions that read the node's map, possibly scaled, moved or resized."""
    ends = _ends(node, lambda reader: reader.op_type == "Conv" or _is_sum_of_maps(reader))
    return {end for end in ends if end.op_type == "Conv"}


def _ends(node: ir.Node, stops: Callable[[ir.Node], bool]) -> set[ir.Node]:
    found: set[ir.Node] = set()
    seen: set[ir.Node] = set()
    waiting = [node]
    while waiting:
        for output in waiting.pop().outputs:
            for reader, _ in output.uses():
                if stops(reader):
                    found.add(reader)
                elif reader not in seen:
                    seen.add(reader)
                    waiting.append(reader)
    return found
