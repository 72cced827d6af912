"""ONNX files in eight bits: integer convolutions, and narrow constants."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

from lp_pack.export.onnx import infer_shapes, save, stamp
from lp_pack.export.onnx_graph import check_portable, load
from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.onnx.layers import Layer, kept_wide, plan_layers
from lp_pack.quantize.onnx.narrow_constants import halve, narrow
from lp_pack.quantize.onnx.qdq import QdqWriter
from lp_pack.quantize.onnx.ranges import map_ranges
from lp_pack.quantize.recipes import Recipe
from lp_pack.simplify.rewriting import remove_unused
from lp_runtime.manifest import Compression, Precision

STORED_BITS: dict[Precision, int] = {"w8": 8}


def compress(
    source: Path,
    destination: Path,
    recipe: Recipe,
    calibration: CalibrationSet | None,
    graph: str,
) -> Compression:
    """See `lp_pack.quantize.compressors`."""
    model = load(source)
    infer_shapes(model, graph)
    layers = plan_layers(model, recipe, graph)
    integer = [layer for layer in layers if layer.precision == "int8"]
    if integer:
        assert calibration is not None, "the recipe says that this graph needs calibration"
        _run_in_integers(model, source, integer, calibration, graph)
    for layer in layers:
        if layer.precision in STORED_BITS:
            narrow(model, layer.constant, STORED_BITS[layer.precision])
        elif layer.precision == "fp16":
            halve(model, layer.constant)
    remove_unused(model)
    stamp(model, graph)
    check_portable(model, graph)
    save(model, destination, graph)
    return Compression(
        recipe=recipe.name,
        description=recipe.description,
        calibration=calibration.record() if integer and calibration is not None else None,
        kept_wide=kept_wide(layers),
    )


def _run_in_integers(
    model: ir.Model, source: Path, layers: list[Layer], calibration: CalibrationSet, graph: str
) -> None:
    ranges = map_ranges(source, (layer.node for layer in layers), calibration.of(graph))
    writer = QdqWriter(model, ranges)
    for layer in layers:
        writer.quantize(layer.node)
