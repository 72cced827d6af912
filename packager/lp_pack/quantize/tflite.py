"""LiteRT: weights in eight bits, multiplied as integers or unpacked when the file is loaded.

    before   weight f32 ───────────────────────── CONV_2D
    int8     weight s8, scale per channel ─────── CONV_2D   (rounds its input, multiplies integers)
    w8       weight s8 ── DEQUANTIZE ── f32 ───── CONV_2D

In int8, what has no integer kernel (tables, pictures) is unpacked as in w8. The file is edited
directly, as in `precision/tflite_fp16.py`; no calibration, because the kernels find the range of
their input on every frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lp_pack.export.tflite_graph import TfliteModel
from lp_pack.precision.tflite_fp16 import halve, unpacked
from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.choice import kept_wide, layer_precision, unknown_layers
from lp_pack.quantize.integers import ChannelIntegers, channel_integers
from lp_pack.quantize.methods import WideRule
from lp_pack.quantize.recipes import Recipe
from lp_pack.quantize.tflite_layers import Constant, constants, layer_name
from lp_runtime.manifest import Compression, Precision

# Versions of DEQUANTIZE: 3 reads float16, 5 reads integers with a scale per channel.
DEQUANTIZE_HALF, DEQUANTIZE_CHANNELS = 3, 5
# Versions that read integer weights with a scale per channel beside a float map.
INTEGER_VERSIONS = {"CONV_2D": 5, "FULLY_CONNECTED": 12}


def compress(
    source: Path,
    destination: Path,
    recipe: Recipe,
    calibration: CalibrationSet | None,
    graph: str,
) -> Compression:
    """See `compressors`."""
    model = TfliteModel.read(source)
    found = constants(model)
    named = [layer_name(model, operator) for operator in model.graph.operators]
    unknown_layers(recipe, graph, named)
    chosen: list[tuple[Constant, Precision]] = []
    kept: list[WideRule] = []
    for constant in found:
        precision, rule = layer_precision(recipe, graph, constant.layers, constant.rule)
        chosen.append((constant, precision))
        kept += [] if rule is None else [rule]
    narrow(model, chosen)
    model.write(destination)
    return Compression(
        recipe=recipe.name, description=recipe.description, kept_wide=kept_wide(kept)
    )


def narrow(model: TfliteModel, chosen: list[tuple[Constant, Precision]]) -> None:
    """Rewrite these constants in place."""
    operators = []
    replaced = {}
    integer = set()
    for constant, precision in chosen:
        if precision == "fp32":
            continue
        if precision == "fp16":
            code = model.operator_code("DEQUANTIZE", DEQUANTIZE_HALF)
            replaced[constant.index], operator = halve(model, constant.index, code)
        else:
            values = model.constant(model.graph.tensors[constant.index])
            assert values is not None
            _store(model, constant.index, channel_integers(values, constant.axis))
            if precision == "int8" and constant.integer:
                integer.add(constant.index)
                continue
            code = model.operator_code("DEQUANTIZE", DEQUANTIZE_CHANNELS)
            replaced[constant.index], operator = unpacked(model, constant.index, code)
        operators.append(operator)
    _use_integer_kernels(model, integer)
    for operator in model.graph.operators:
        operator.inputs = [replaced.get(int(index), index) for index in operator.inputs]
    model.graph.operators = [*operators, *model.graph.operators]


def _store(model: TfliteModel, index: int, numbers: ChannelIntegers) -> None:
    """Give the tensor integers in place of its float values."""
    tensor = model.graph.tensors[index]
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(numbers.integers).tobytes(), np.uint8)
    model.model.buffers[tensor.buffer].data = None
    model.model.buffers.append(buffer)
    tensor.buffer = len(model.model.buffers) - 1
    tensor.type = schema.TensorType.INT8
    scales = schema.QuantizationParametersT()
    scales.scale = numbers.scale
    scales.zeroPoint = np.zeros(len(numbers.scale), np.int64)
    scales.quantizedDimension = numbers.axis
    tensor.quantization = scales


def _use_integer_kernels(model: TfliteModel, weights: set[int]) -> None:
    for operator in model.graph.operators:
        if not weights & {int(index) for index in operator.inputs}:
            continue
        name = model.operator_name(operator)
        operator.opcodeIndex = model.operator_code(name, INTEGER_VERSIONS[name])
        if name == "FULLY_CONNECTED":
            options: Any = operator.builtinOptions or schema.FullyConnectedOptionsT()
            options.asymmetricQuantizeInputs = True
            operator.builtinOptions = options
            operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
