"""Reductions and normalisation."""

from __future__ import annotations

import torch
from torch import Tensor

from lp_pack.coreml_evaluator.registry import integers, operation


def _axes(x: Tensor, axes: Tensor | None) -> list[int]:
    return list(range(x.dim())) if axes is None else integers(axes)


def _keeps(keep_dims: Tensor | None) -> bool:
    return keep_dims is not None and bool(keep_dims)


@operation("reduce_mean")
def reduce_mean(x: Tensor, axes: Tensor | None = None, keep_dims: Tensor | None = None) -> Tensor:
    """Mean over axes."""
    return x.mean(_axes(x, axes), keepdim=_keeps(keep_dims))


@operation("reduce_sum")
def reduce_sum(x: Tensor, axes: Tensor | None = None, keep_dims: Tensor | None = None) -> Tensor:
    """Sum over axes."""
    return x.sum(_axes(x, axes), keepdim=_keeps(keep_dims))


@operation("reduce_max")
def reduce_max(x: Tensor, axes: Tensor | None = None, keep_dims: Tensor | None = None) -> Tensor:
    """Largest value over axes."""
    return x.amax(_axes(x, axes), keepdim=_keeps(keep_dims))


@operation("instance_norm")
def instance_norm(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: Tensor | None = None,
) -> Tensor:
    """Mean 0 and variance 1 over the space of each channel."""
    places = list(range(2, x.dim()))
    centred = x - x.mean(places, keepdim=True)
    variance = (centred * centred).mean(places, keepdim=True)
    result = centred * torch.rsqrt(variance + (1e-5 if epsilon is None else float(epsilon)))
    shape = (1, -1, *(1 for _ in places))
    if gamma is not None:
        result = result * gamma.reshape(shape)
    return result if beta is None else result + beta.reshape(shape)
