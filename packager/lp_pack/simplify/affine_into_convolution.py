"""Fold a per-channel scale or offset that follows a convolution into its weights.

    x -> Conv(W, b) -> Mul(s) -> y      =>      x -> Conv(W s, b s) -> y
    x -> Conv(W, b) -> Add(t) -> y      =>      x -> Conv(W, b + t) -> y
    x -> Conv(W, b) -> BatchNormalization -> y  =>  x -> Conv(W', b') -> y

`s` and `t` are constants with one value, or one per output channel: (1, channels, 1, 1). Only where
nothing else reads the convolution's result; weights that another node shares are copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from lp_pack.simplify.rewriting import (
    add_constant,
    bypass,
    constant,
    remove_unused,
    shape_of,
    sole_consumer,
)


@dataclass(frozen=True)
class Affine:
    """y = scale * x + offset, each (channels,) in float64."""

    scale: np.ndarray
    offset: np.ndarray


def apply(model: ir.Model) -> int:
    """Fold as long as a convolution is followed by something affine."""
    changes = 0
    for convolution in [node for node in model.graph if node.op_type == "Conv"]:
        while _fold_next(model, convolution):
            changes += 1
    if changes:
        remove_unused(model)
    return changes


def _fold_next(model: ir.Model, convolution: ir.Node) -> bool:
    follower = sole_consumer(convolution.outputs[0])
    weight = constant(convolution.inputs[1])
    if follower is None or weight is None or not _has_constant_bias(convolution):
        return False
    affine = _as_affine(follower, convolution.outputs[0], weight.shape[0])
    if affine is None or not bypass(model, follower, convolution.outputs[0]):
        return False
    bias = constant(convolution.inputs[2]) if len(convolution.inputs) > 2 else None
    offset = (
        affine.offset if bias is None else bias.astype(np.float64) * affine.scale + affine.offset
    )
    per_output = affine.scale.reshape(-1, *([1] * (weight.ndim - 1)))
    weight_name = convolution.inputs[1].name  # type: ignore[union-attr]
    scaled = (weight.astype(np.float64) * per_output).astype(weight.dtype)
    inputs = [
        convolution.inputs[0],
        add_constant(model, scaled, f"{weight_name}.folded"),
        add_constant(model, offset.astype(weight.dtype), f"{weight_name}.folded_bias"),
    ]
    convolution.resize_inputs(3)
    for index, value in enumerate(inputs):
        convolution.replace_input_with(index, value)
    return True


def _has_constant_bias(convolution: ir.Node) -> bool:
    if len(convolution.inputs) < 3 or convolution.inputs[2] is None:
        return True
    return constant(convolution.inputs[2]) is not None


def _as_affine(node: ir.Node, source: ir.Value, channels: int) -> Affine | None:
    if node.op_type == "BatchNormalization":
        return _batch_norm(node)
    if node.op_type not in ("Mul", "Div", "Add", "Sub") or len(node.inputs) != 2:
        return None
    left, right = node.inputs
    source_is_left = left is source
    other = constant(right if source_is_left else left)
    if other is None or shape_of(node.outputs[0]) != shape_of(source):
        return None
    values = _per_channel(other, channels, len(shape_of(source) or ()))
    if values is None or (not source_is_left and node.op_type in ("Div", "Sub")):
        return None
    one, zero = np.ones(channels), np.zeros(channels)
    return {
        "Mul": Affine(values, zero),
        "Div": Affine(1.0 / values, zero),
        "Add": Affine(one, values),
        "Sub": Affine(one, -values),
    }[node.op_type]


def _per_channel(array: np.ndarray, channels: int, rank: int) -> np.ndarray | None:
    """(channels,) in float64 from a scalar or (1, channels, 1, 1); None for anything else."""
    if array.size == 1:
        return np.full(channels, float(array.reshape(())))
    padded = (1,) * (rank - array.ndim) + array.shape
    if padded != (1, channels, *(1,) * (rank - 2)):
        return None
    return array.reshape(channels).astype(np.float64)


def _batch_norm(node: ir.Node) -> Affine | None:
    parameters = [constant(value) for value in node.inputs[1:5]]
    used_outputs = [output for output in node.outputs[1:] if output.uses()]
    if any(array is None for array in parameters) or used_outputs or len(node.outputs) != 1:
        return None
    gamma, beta, mean, variance = (
        array.astype(np.float64) for array in parameters if array is not None
    )
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    scale = gamma / np.sqrt(variance + epsilon)
    return Affine(scale, beta - mean * scale)
