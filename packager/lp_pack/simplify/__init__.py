"""Simplification: an ordered list of named passes, each in a file of its own.

A pass changes the form of a graph, never what it computes: every one is tested on small programs,
with programs that it must leave alone, and the whole list against ONNX Runtime.
"""

from __future__ import annotations

import logging

import onnx_ir as ir

from lp_pack.simplify import (
    affine_into_convolution,
    consecutive_casts,
    duplicate_nodes,
    lowest_opset,
    moved_axes,
    no_operations,
    shared_constants,
    slim,
    small_constants,
)
from lp_pack.simplify.rewriting import Pass, remove_unused

# The order matters; each line says why it stands where it does.
PASSES: tuple[Pass, ...] = (
    Pass("no_operations", "fewer nodes for every later pass", no_operations.apply),
    Pass("small_constants", "shape arithmetic becomes constants", small_constants.apply),
    Pass("slim", "patterns that onnxslim knows and we need not repeat", slim.apply),
    Pass(
        "affine_into_convolution",
        "after slim, which exposes scales behind its own fusions",
        affine_into_convolution.apply,
    ),
    Pass("moved_axes", "reshapes meet once what lay between them is gone", moved_axes.apply),
    Pass("consecutive_casts", "type promotion leaves pairs", consecutive_casts.apply),
    Pass("no_operations", "what the passes above turned into nothing", no_operations.apply),
    Pass("small_constants", "constants that only now meet constants", small_constants.apply),
    Pass("shared_constants", "equal constants become one, so that ...", shared_constants.apply),
    Pass("duplicate_nodes", "... equal nodes have equal inputs", duplicate_nodes.apply),
    Pass("remove_unused", "what nothing reads any more", remove_unused),
    Pass("lowest_opset", "last: it depends on the operators that remain", lowest_opset.apply),
)


def simplify(model: ir.Model) -> dict[str, int]:
    """Run `PASSES` over the model in place; returns the number of changes by pass name."""
    changes: dict[str, int] = {}
    for step in PASSES:
        count = step.apply(model)
        changes[step.name] = changes.get(step.name, 0) + count
        logging.getLogger(__name__).debug("%s: %d changes", step.name, count)
    return changes
