"""Operators that move values without changing them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lp_pack.coreml_evaluator.registry import flags, integers, operation


@operation("reshape")
def reshape(x: Tensor, shape: Tensor) -> Tensor:
    """One size may be -1."""
    return x.reshape(integers(shape))


@operation("transpose")
def transpose(x: Tensor, perm: Tensor) -> Tensor:
    """Axes in another order."""
    return x.permute(integers(perm))


@operation("expand_dims")
def expand_dims(x: Tensor, axes: Tensor) -> Tensor:
    """New axes of size 1, at these places of the result."""
    rank = x.dim() + axes.numel()
    for axis in sorted(axis % rank for axis in integers(axes)):
        x = x.unsqueeze(axis)
    return x


@operation("squeeze")
def squeeze(x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Without these axes of size 1, or without all of them."""
    return x.squeeze() if axes is None else x.squeeze(tuple(integers(axes)))


@operation("concat")
def concat(values: list[Tensor], axis: Tensor, interleave: Tensor | None = None) -> Tensor:
    """Joined along an axis."""
    if interleave is not None and bool(interleave):
        raise ValueError("concat with interleave")
    return torch.cat(values, dim=int(axis))


@operation("stack")
def stack(values: list[Tensor], axis: Tensor) -> Tensor:
    """Joined along a new axis."""
    return torch.stack(values, dim=int(axis))


@operation("split")
def split(
    x: Tensor,
    axis: Tensor,
    num_splits: Tensor | None = None,
    split_sizes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Cut along an axis, into equal parts or into parts of given sizes."""
    if split_sizes is not None:
        return torch.split(x, integers(split_sizes), dim=int(axis))
    assert num_splits is not None
    return torch.split(x, x.shape[int(axis)] // int(num_splits), dim=int(axis))


@operation("slice_by_index")
def slice_by_index(
    x: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Tensor | None = None,
    begin_mask: Tensor | None = None,
    end_mask: Tensor | None = None,
    squeeze_mask: Tensor | None = None,
) -> Tensor:
    """A part; a mask ignores `begin` or `end` of an axis, or drops the axis."""
    rank = x.dim()
    starts, stops = integers(begin), integers(end)
    steps = [1] * rank if stride is None else integers(stride)
    if any(step < 1 for step in steps):
        raise ValueError("slice_by_index with a negative stride")
    open_start, open_stop = flags(begin_mask, rank), flags(end_mask, rank)
    dropped = flags(squeeze_mask, rank)
    index: list[slice | int] = []
    for axis in range(rank):
        if dropped[axis]:
            index.append(starts[axis])
            continue
        first = None if open_start[axis] else starts[axis]
        last = None if open_stop[axis] else stops[axis]
        index.append(slice(first, last, steps[axis]))
    return x[tuple(index)]


@operation("gather")
def gather(
    x: Tensor, indices: Tensor, axis: Tensor | None = None, batch_dims: Tensor | None = None
) -> Tensor:
    """Slices of `x` at `indices` along an axis; an index outside raises."""
    if batch_dims is not None and int(batch_dims):
        raise ValueError("gather with batch_dims")
    place = (0 if axis is None else int(axis)) % x.dim()
    flat = torch.index_select(x, place, indices.reshape(-1).long())
    return flat.reshape(*x.shape[:place], *indices.shape, *x.shape[place + 1 :])


@operation("pad")
def pad(
    x: Tensor, pad: Tensor, mode: str = "constant", constant_val: Tensor | None = None
) -> Tensor:
    """Values around the last axes; `pad` lists (before, after) from the first padded axis on."""
    pairs = integers(pad)
    last_first = [side for at in range(len(pairs) - 2, -1, -2) for side in pairs[at : at + 2]]
    if mode != "constant":
        return F.pad(x, last_first, mode=mode)
    return F.pad(x, last_first, value=0.0 if constant_val is None else float(constant_val))


@operation("tile")
def tile(x: Tensor, reps: Tensor) -> Tensor:
    """Repeated along each axis."""
    return x.repeat(integers(reps))


@operation("fill_like")
def fill_like(ref_tensor: Tensor, value: Tensor) -> Tensor:
    """One value in the shape of another tensor."""
    return torch.full(ref_tensor.shape, float(value))


@operation("fill")
def fill(shape: Tensor, value: Tensor) -> Tensor:
    """One value in this shape."""
    return torch.full(integers(shape), float(value))


@operation("identity")
def identity(x: Tensor) -> Tensor:
    """Nothing."""
    return x
