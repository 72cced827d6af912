"""Constants that the program stores compressed and unfolds when it is loaded."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lp_pack.coreml_evaluator.registry import integers, operation


@operation("constexpr_affine_dequantize")
def constexpr_affine_dequantize(
    quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: Tensor
) -> Tensor:
    """(quantized - zero point) * scale, per slice of an axis (iOS 16)."""
    shape = [1] * quantized_data.dim()
    if scale.numel() > 1:
        shape[int(axis)] = -1
    zero = zero_point.float().reshape(shape if zero_point.numel() > 1 else [1] * len(shape))
    return (quantized_data.float() - zero) * scale.float().reshape(shape)


@operation("constexpr_lut_to_dense")
def constexpr_lut_to_dense(indices: Tensor, lut: Tensor, shape: Tensor | None = None) -> Tensor:
    """Look every weight up in a palette.

    With `shape` (iOS 16) the indices are packed bits, lowest first, and the palette is one vector.
    Without (iOS 18) they are whole numbers, and the palette has one vector per block of the weight.
    """
    if shape is not None:
        count = int(np.prod(integers(shape)))
        bits = max(1, (lut.numel() - 1).bit_length())
        unpacked = np.unpackbits(indices.numpy().astype(np.uint8), bitorder="little")
        digits = unpacked[: count * bits].reshape(count, bits)
        numbers = np.zeros(count, np.uint8)
        for bit in range(bits):
            numbers |= digits[:, bit] << bit
        # Slices: torch indexes by 64-bit numbers, eight times the size of a large weight.
        parts = [lut.reshape(-1)[part.long()] for part in torch.from_numpy(numbers).split(1 << 20)]
        return torch.cat(parts).reshape(integers(shape))
    blocks = lut.shape[: indices.dim()]
    if lut.shape[-1] != 1:
        raise ValueError("a palette of vectors")
    entries = lut.shape[-2]
    place = torch.zeros(indices.shape, dtype=torch.int64)
    for axis, count in enumerate(blocks):
        size = indices.shape[axis] // count
        along = torch.arange(indices.shape[axis]) // size
        place = place * count + along.reshape([-1 if a == axis else 1 for a in range(len(blocks))])
    return lut.reshape(-1)[place * entries + indices.long()]


@operation("constexpr_blockwise_shift_scale")
def constexpr_blockwise_shift_scale(
    data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> Tensor:
    """(data - offset) * scale, each scale for one block of the weight (iOS 18)."""
    wide = data.float()
    if offset is not None:
        wide = wide - _spread(offset.float(), data.shape)
    return wide * _spread(scale.float(), data.shape)


def _spread(blocks: Tensor, shape: torch.Size) -> Tensor:
    for axis, size in enumerate(shape):
        blocks = torch.repeat_interleave(blocks, size // blocks.shape[axis], dim=axis)
    return blocks
