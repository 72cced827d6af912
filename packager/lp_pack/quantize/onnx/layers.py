"""The layers of a graph, and what a recipe does to each: its method, an override, or a rule.

A layer is an operator with a large float constant; it is named by its output tensor. A constant
that several operators share belongs to the first of them.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from lp_pack.errors import ConfigError
from lp_pack.manifest import GENERATOR
from lp_pack.precision.fp16 import COORDINATE_ARITHMETIC
from lp_pack.quantize.methods import WideRule
from lp_pack.quantize.onnx.influence import deciding_places, making_shared_maps
from lp_pack.quantize.recipes import (
    COORDINATES,
    PICTURE_ENDS,
    PLACES,
    RESIDUAL_STEM,
    SHARED_MAP,
    SMALL_MOTION,
    SPECTRUM,
    Recipe,
)
from lp_pack.simplify.rewriting import constant
from lp_runtime.manifest import KeptWide, Precision

WORTHWHILE_ELEMENTS = 1024
SMALL_MOTION_ELEMENTS = 4096
# Position of the bias among the inputs of Conv and Gemm; it is rounded with the sums it joins.
BIAS = 2


@dataclass(frozen=True)
class Layer:
    """One operator and the constant that it brings.

    name: of its output tensor.
    node: the operator.
    position: of the constant among its inputs.
    precision: what it becomes.
    rule: why it stays wider than the recipe; None where it does not.
    """

    name: str
    node: ir.Node
    position: int
    precision: Precision
    rule: WideRule | None

    @property
    def constant(self) -> ir.Value:
        """The constant."""
        value = self.node.inputs[self.position]
        assert value is not None
        return value

    @property
    def is_convolution(self) -> bool:
        """Whether the constant is a convolution's kernel."""
        return self.node.op_type == "Conv" and self.position == 1


def plan_layers(model: ir.Model, recipe: Recipe, graph: str) -> list[Layer]:
    """Every layer in graph order, with what happens to it.

    Raises:
        ConfigError: an override names a layer that the graph does not have.
    """
    found = list(_constants(model))
    names = [str(node.outputs[0].name) for node, _ in found]
    _check_overrides(recipe, graph, names)
    rules = {
        **dict.fromkeys(deciding_places(model), PLACES),
        **dict.fromkeys(making_shared_maps(model), SHARED_MAP),
        **dict.fromkeys(filter(_is_residual_stem, model.graph), RESIDUAL_STEM),
        **dict.fromkeys(_last_convolutions(model) if graph == GENERATOR else (), PICTURE_ENDS),
        **dict.fromkeys(_coordinates(model), COORDINATES),
        **dict.fromkeys(_upstream(n for n in model.graph if n.op_type == "Log"), SPECTRUM),
    }
    layers = []
    for (node, position), name in zip(found, names, strict=True):
        chosen = recipe.override(graph, name)
        rule = rules.get(node) if chosen is None else None
        small = graph != GENERATOR and _size(node.inputs[position]) < SMALL_MOTION_ELEMENTS
        if small and chosen is None and rule is None:
            rule = SMALL_MOTION
        precision = chosen or (rule.precision if rule else recipe.method(graph).precision)
        # Integer arithmetic is for convolutions; every other constant is stored narrow.
        if precision == "int8" and not (node.op_type == "Conv" and position == 1):
            precision = "w8"
        layers.append(Layer(name, node, position, precision, rule))
    return layers


def kept_wide(layers: Iterable[Layer]) -> tuple[KeptWide, ...]:
    """The manifest's record of the rules that applied, each with its number of layers."""
    counts = Counter(layer.rule for layer in layers if layer.rule is not None)
    return tuple(
        KeptWide(rule=rule.name, reason=rule.reason, precision=rule.precision, layers=count)
        for rule, count in counts.items()
    )


def _constants(model: ir.Model) -> Iterable[tuple[ir.Node, int]]:
    seen: set[ir.Value] = set()
    for node in model.graph:
        for position, value in enumerate(node.inputs):
            array = constant(value)
            is_bias = position == BIAS and node.op_type in ("Conv", "Gemm")
            if value is None or array is None or value in seen or is_bias:
                continue
            if array.dtype == np.float32 and array.size >= WORTHWHILE_ELEMENTS:
                seen.add(value)
                yield node, position


def _check_overrides(recipe: Recipe, graph: str, names: list[str]) -> None:
    for layer in recipe.overrides.get(graph, {}):
        if layer not in names:
            close = difflib.get_close_matches(layer, names, n=1)
            raise ConfigError(
                "A recipe names a layer that the graph does not have",
                where=f"recipe '{recipe.name}', layers.{graph}",
                expected=f"one of {len(names)} layers"
                + (f"; did you mean '{close[0]}'?" if close else ""),
                got=layer,
                remedy="the recipe was made for another network: search again",
            )


def _upstream(ends: Iterable[ir.Node]) -> set[ir.Node]:
    """All nodes from which these are computed."""
    found: set[ir.Node] = set()
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            producers = (value.producer() for value in node.inputs if value is not None)
            waiting += [producer for producer in producers if producer is not None]
    return found


def _coordinates(model: ir.Model) -> set[ir.Node]:
    """From where coordinates become absolute (a large constant is added) to the index they give.

    Displacements, which are added to them, are no coordinates: their rounding is as small as they.
    """
    found: set[ir.Node] = set()
    waiting = [
        node
        for node in model.graph
        if node.op_type == "Cast"
        and node.outputs[0].dtype in (ir.DataType.INT32, ir.DataType.INT64)
    ]
    while waiting:
        node = waiting.pop()
        if node in found or not _handles_coordinates(node):
            continue
        found.add(node)
        if not (node.op_type in ("Add", "Sub") and any(map(_is_large, node.inputs))):
            producers = (value.producer() for value in node.inputs if value is not None)
            waiting += [producer for producer in producers if producer is not None]
    return found


def _handles_coordinates(node: ir.Node) -> bool:
    """A look-up with constant indices picks one of x and y; with others it is the sampling."""
    if node.op_type == "Gather":
        return constant(node.inputs[0]) is None and constant(node.inputs[1]) is not None
    return node.op_type in COORDINATE_ARITHMETIC - {"Softmax"}


def _size(value: ir.Value | None) -> int:
    array = constant(value)
    return 0 if array is None else array.size


def _is_large(value: ir.Value | None) -> bool:
    array = constant(value)
    return array is not None and array.size >= WORTHWHILE_ELEMENTS


def _is_residual_stem(node: ir.Node) -> bool:
    """A convolution whose result is added to another and read by something else besides."""
    if node.op_type != "Conv":
        return False
    readers = [reader for reader, _ in node.outputs[0].uses()]
    return len(readers) > 1 and any(reader.op_type == "Add" for reader in readers)


def _last_convolutions(model: ir.Model) -> set[ir.Node]:
    """Convolutions behind which there is no other on the way to the picture."""
    followed: set[ir.Node] = set()
    for node in reversed(list(model.graph)):
        if node in followed or node.op_type == "Conv":
            followed |= {
                producer
                for value in node.inputs
                if value is not None and (producer := value.producer()) is not None
            }
    return {node for node in model.graph if node.op_type == "Conv"} - followed
