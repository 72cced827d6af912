"""Matrix products."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lp_pack.coreml_evaluator.registry import operation


@operation("linear")
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x W^T + b, with W (outputs, inputs)."""
    return F.linear(x, weight, bias)


@operation("matmul")
def matmul(
    x: Tensor, y: Tensor, transpose_x: Tensor | None = None, transpose_y: Tensor | None = None
) -> Tensor:
    """Product of the last two axes, broadcast over the others."""
    left = x.transpose(-1, -2) if transpose_x is not None and bool(transpose_x) else x
    right = y.transpose(-1, -2) if transpose_y is not None and bool(transpose_y) else y
    return torch.matmul(left, right)
