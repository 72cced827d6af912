"""LiteRT: float16 weights, as the format's half precision is meant to be used.

    before   weight f32 ─────────────────────── CONV_2D
    after    weight f16 ── DEQUANTIZE ── f32 ── CONV_2D

Delegates read the halves (the GPU's computes in them); the CPU unpacks them once, when the file is
loaded. Only large constants are halved, so coordinates and index arithmetic stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lp_pack.export.tflite_graph import TfliteModel

WORTHWHILE_ELEMENTS = 1024
LARGEST_HALF = 65504.0
# The version of DEQUANTIZE that reads float16.
READS_FLOAT16 = 3
# Operator -> positions of the inputs that may be halved: kernels, matrices and tables.
HALVED_INPUTS = {
    "CONV_2D": (1,),
    "DEPTHWISE_CONV_2D": (1,),
    "TRANSPOSE_CONV": (1,),
    "FULLY_CONNECTED": (1,),
    "BATCH_MATMUL": (0, 1),
    "EMBEDDING_LOOKUP": (1,),
    "GATHER": (0,),
    "RESHAPE": (0,),
    "CONCATENATION": None,
    "MUL": None,
    "ADD": None,
}


def to_fp16_weights(model: TfliteModel, keep: frozenset[str] = frozenset()) -> int:
    """Halve in place; returns how many constants were halved.

    Args:
        model: with float32 weights.
        keep: operator types whose constants stay float32.
    """
    chosen = _chosen(model, keep)
    code = model.operator_code("DEQUANTIZE", READS_FLOAT16) if chosen else 0
    casts = [halve(model, index, code) for index in sorted(chosen)]
    replaced = dict(zip(sorted(chosen), casts, strict=True))
    for operator in model.graph.operators:
        operator.inputs = [
            replaced[index][0] if index in replaced else index for index in operator.inputs
        ]
    model.graph.operators = [cast for _, cast in casts] + list(model.graph.operators)
    return len(chosen)


def _chosen(model: TfliteModel, keep: frozenset[str]) -> set[int]:
    """Tensors whose every reader takes halves."""
    wanted: set[int] = set()
    refused: set[int] = set(model.graph.outputs)
    for operator in model.graph.operators:
        name = model.operator_name(operator)
        positions = HALVED_INPUTS.get(name, ()) if name not in keep else ()
        for position, index in enumerate(operator.inputs):
            if index < 0:
                continue
            fits = positions is None or position in positions
            (wanted if fits and _is_worthwhile(model, index) else refused).add(int(index))
    return wanted - refused


def _is_worthwhile(model: TfliteModel, index: int) -> bool:
    values = model.constant(model.graph.tensors[index])
    if values is None or values.size < WORTHWHILE_ELEMENTS:
        return False
    return bool(np.abs(values).max() <= LARGEST_HALF)


def halve(model: TfliteModel, index: int, code: int) -> tuple[int, Any]:
    """Turn the tensor's values into halves; the new float32 tensor and the operator making it."""
    tensor = model.graph.tensors[index]
    values = model.constant(tensor)
    assert values is not None
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.astype(np.float16).tobytes(), np.uint8)
    model.model.buffers[tensor.buffer].data = None
    model.model.buffers.append(buffer)
    tensor.type = schema.TensorType.FLOAT16
    tensor.buffer = len(model.model.buffers) - 1
    return unpacked(model, index, code)


def unpacked(model: TfliteModel, index: int, code: int) -> tuple[int, Any]:
    """A float32 tensor for a narrow constant: its index, and the DEQUANTIZE that makes it."""
    narrow = model.graph.tensors[index]
    wide = schema.TensorT()
    wide.shape, wide.type, wide.buffer = narrow.shape, schema.TensorType.FLOAT32, 0
    wide.name = narrow.name + b"/float32"
    model.graph.tensors.append(wide)
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = [index], [len(model.graph.tensors) - 1]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return len(model.graph.tensors) - 1, operator
