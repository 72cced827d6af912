"""Six-bit integers in bytes, unpacked by operators that every runtime folds when it loads a file.

Four numbers share three bytes: the low six bits of a byte are a number of its own, the high two
bits of the three bytes are the fourth.

    bytes (3, n) ── Cast ── B    H = Floor(B / 64)    low = B - 64 H          (3, n)
                                 rest = (1, 4, 16) @ H                        (1, n)
                                 Concat(low, rest) - 32 ── Reshape ── Cast ── int8

All of it is exact in float32, and of opset 13.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from lp_pack.simplify.rewriting import add_constant

BITS, OFFSET = 6, 32
IN_A_GROUP, BYTES_OF_A_GROUP = 4, 3
_LOW = 64


def can_pack(integers: np.ndarray) -> bool:
    """Whether the numbers fall into whole groups."""
    return integers.size % IN_A_GROUP == 0


def pack(integers: np.ndarray) -> np.ndarray:
    """Signed integers of six bits, any shape -> bytes (3, numbers / 4)."""
    groups = (integers.astype(np.int16).reshape(IN_A_GROUP, -1) + OFFSET).astype(np.uint8)
    low, rest = groups[:BYTES_OF_A_GROUP], groups[BYTES_OF_A_GROUP]
    high = np.stack([(rest >> shift) & 3 for shift in (0, 2, 4)])
    return np.asarray(low + _LOW * high, np.uint8)


def unpack(packed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `pack`."""
    high = packed // _LOW
    rest = high[0] + 4 * high[1] + 16 * high[2]
    groups = np.concatenate([packed % _LOW, rest[None]]).astype(np.int8) - OFFSET
    return groups.reshape(shape)


def packed_constant(model: ir.Model, integers: np.ndarray, name: str) -> ir.Value:
    """The int8 tensor as nodes at the graph's start, computed from its packed bytes."""
    packed = pack(integers)
    count = packed.shape[1]

    def number(value: object, label: str, dtype: type = np.float32) -> ir.Value:
        return add_constant(model, np.asarray(value, dtype), f"{name}.{label}")

    nodes: list[ir.Node] = []

    def node(
        op: str, inputs: list[ir.Value], label: str, shape: tuple[int, ...], **attributes: int
    ) -> ir.Value:
        dtype = ir.DataType(attributes["to"]) if "to" in attributes else ir.DataType.FLOAT
        output = ir.Value(name=f"{name}.{label}", type=ir.TensorType(dtype), shape=ir.Shape(shape))
        given = [ir.AttrInt64(key, value) for key, value in attributes.items()]
        nodes.append(ir.Node("", op, inputs, given, outputs=[output], name=f"{op}.{output.name}"))
        return output

    three, four = (BYTES_OF_A_GROUP, count), (IN_A_GROUP, count)
    stored = add_constant(model, packed, f"{name}.packed")
    wide = node("Cast", [stored], "bytes", three, to=int(ir.DataType.FLOAT))
    share = node("Mul", [wide, number(1 / _LOW, "share")], "share_of_64", three)
    high = node("Floor", [share], "high", three)
    lifted = node("Mul", [high, number(_LOW, "sixty_four")], "lifted", three)
    low = node("Sub", [wide, lifted], "low", three)
    rest = node("MatMul", [number([[1, 4, 16]], "places"), high], "rest", (1, count))
    joined = node("Concat", [low, rest], "joined", four, axis=0)
    centred = node("Sub", [joined, number(OFFSET, "offset")], "centred", four)
    target = number(integers.shape, "shape", np.int64)
    shaped = node("Reshape", [centred, target], "shaped", integers.shape)
    result = node("Cast", [shaped], "integers", integers.shape, to=int(ir.DataType.INT8))
    model.graph.insert_before(model.graph[0], nodes)
    return result
