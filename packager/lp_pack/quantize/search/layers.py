"""What a search may choose: the layers of a graph in groups, and what each choice saves.

Layers that a rule of the recipe keeps wide are left out: the search only ever widens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from lp_pack.errors import ConfigError
from lp_pack.quantize.choice import ORDER
from lp_pack.quantize.compressors import SOURCES
from lp_pack.quantize.recipes import METHODS, Recipe
from lp_runtime.manifest import Precision, Target

BITS: dict[Precision, int] = {"fp32": 32, "fp16": 16, "w8": 8, "int8": 8, "w6": 6, "w4": 4}
# More layers than this are probed in groups of like layers, unless told otherwise.
MOST_SINGLE_LAYERS = 48
TARGETS: tuple[Target, ...] = ("onnx", "tflite")


@dataclass(frozen=True)
class Layer:
    """One layer as the target's compressor names it.

    kind: layers of one kind have the same operator and the same shapes.
    numbers: of its constants together.
    work: multiplications and additions of one frame that would run in integers; 0 where none would.
    """

    name: str
    kind: str
    numbers: int
    work: int = 0


@dataclass(frozen=True)
class Group:
    """Layers that are narrowed together.

    choices: precisions it may have, widest first; the first leaves it as it is in the source.
    """

    name: str
    layers: tuple[str, ...]
    numbers: int
    work: int
    choices: tuple[Precision, ...]

    def saved_bytes(self, choice: Precision) -> int:
        """How much smaller the file gets by this choice."""
        return self.numbers * (BITS[self.choices[0]] - BITS[choice]) // 8

    def saved_work(self, choice: Precision) -> int:
        """How much arithmetic moves from floating point to integers by this choice."""
        return self.work if choice == "int8" else 0


def searchable_layers(source: Path, recipe: Recipe, graph: str) -> tuple[Layer, ...]:
    """Every layer of the graph that the recipe narrows, in graph order.

    Raises:
        ConfigError: the recipe's target cannot be searched.
    """
    if recipe.target == "onnx":
        return _onnx_layers(source, recipe, graph)
    if recipe.target == "tflite":
        return _tflite_layers(source, recipe, graph)
    raise ConfigError(
        f"There is no search for the target '{recipe.target}'",
        where=f"--target {recipe.target}",
        expected=" or ".join(TARGETS),
        got=recipe.target,
        remedy="its palettes are chosen by rules (docs/compression.md); a recipe file written by "
        "hand works for every target",
    )


def group_layers(layers: Iterable[Layer], recipe: Recipe, by: str) -> tuple[Group, ...]:
    """Layers one by one, or with their like.

    Args:
        layers: of a graph.
        recipe: gives the narrowest choice.
        by: "layer", "block" (layers of one kind together) or "auto".
    """
    listed = list(layers)
    alone = by == "layer" or (by == "auto" and len(listed) <= MOST_SINGLE_LAYERS)
    together: dict[str, list[Layer]] = {}
    for layer in listed:
        together.setdefault(layer.name if alone else layer.kind, []).append(layer)
    groups = []
    for name, members in together.items():
        work = sum(member.work for member in members)
        groups.append(
            Group(
                name=name if alone or len(members) == 1 else f"{len(members)} x {name}",
                layers=tuple(member.name for member in members),
                numbers=sum(member.numbers for member in members),
                work=work,
                choices=_choices(recipe, work > 0),
            )
        )
    return tuple(groups)


def _choices(recipe: Recipe, integers: bool) -> tuple[Precision, ...]:
    """From the source's precision to the recipe's; no int8 where nothing would run in integers."""
    wide, narrow = SOURCES[recipe.target], ORDER.index(recipe.precision)
    between = [
        one
        for one in ORDER[: narrow + 1]
        if (recipe.target, one) in METHODS and (integers or one != "int8")
    ]
    return (wide, *between)


def _onnx_layers(source: Path, recipe: Recipe, graph: str) -> tuple[Layer, ...]:
    from lp_pack.export.onnx import infer_shapes
    from lp_pack.export.onnx_graph import load
    from lp_pack.quantize.onnx.layers import plan_layers
    from lp_pack.simplify.rewriting import shape_of

    model = load(source)
    infer_shapes(model, graph)
    found: dict[str, Layer] = {}
    for layer in plan_layers(model, recipe, graph):
        shape = shape_of(layer.constant) or ()
        output = shape_of(layer.node.outputs[0]) or ()
        numbers, work = prod(shape), 0
        if layer.precision == "int8" and len(output) > 1:
            # Every output number is a product over all axes of the kernel but the first.
            work = 2 * prod(output) * prod(shape[1:])
        if layer.rule is not None:
            continue
        kind = f"{layer.node.op_type} {'x'.join(map(str, shape))} to {'x'.join(map(str, output))}"
        before = found.get(layer.name)
        if before is not None:
            kind, numbers, work = before.kind, numbers + before.numbers, work + before.work
        found[layer.name] = Layer(layer.name, kind, numbers, work)
    return tuple(found.values())


def _tflite_layers(source: Path, recipe: Recipe, graph: str) -> tuple[Layer, ...]:
    from lp_pack.export.tflite_graph import TfliteModel
    from lp_pack.quantize.choice import layer_precision
    from lp_pack.quantize.tflite_layers import constants

    model = TfliteModel.read(source)
    layers = []
    for one in constants(model):
        precision, rule = layer_precision(recipe, graph, one.layers, one.rule)
        values = model.constant(model.graph.tensors[one.index])
        if rule is not None or precision == SOURCES["tflite"] or values is None:
            continue
        numbers = int(values.size)
        work = 2 * numbers if one.integer and recipe.precision == "int8" else 0
        kind = f"constant {'x'.join(map(str, values.shape))}"
        layers += [Layer(name, kind, numbers, work) for name in one.layers[:1]]
    return tuple({layer.name: layer for layer in layers}.values())
