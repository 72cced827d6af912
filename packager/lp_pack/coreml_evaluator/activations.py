"""Activation functions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lp_pack.coreml_evaluator.registry import operation


@operation("relu")
def relu(x: Tensor) -> Tensor:
    """max(0, x)."""
    return F.relu(x)


@operation("leaky_relu")
def leaky_relu(x: Tensor, alpha: Tensor) -> Tensor:
    """x, or alpha x below zero."""
    return F.leaky_relu(x, float(alpha))


@operation("sigmoid")
def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return torch.sigmoid(x)


@operation("silu")
def silu(x: Tensor) -> Tensor:
    """The sigmoid-weighted x."""
    return F.silu(x)


@operation("tanh")
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return torch.tanh(x)


@operation("softmax")
def softmax(x: Tensor, axis: Tensor | None = None) -> Tensor:
    """Along one axis, the last by default."""
    return torch.softmax(x, -1 if axis is None else int(axis))
