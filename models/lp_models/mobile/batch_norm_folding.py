"""A convolution followed by batch norm (inference) as one convolution.

    before   conv(w, b) ── (y - mean) / sqrt(var + eps) * gamma + beta
    after    conv(w * s, (b - mean) * s + beta),   s = gamma / sqrt(var + eps)

Works on the weights alone, for convolutions of any rank.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def fold_batch_norm(
    convolution: nn.Conv2d | nn.Conv3d, norm: nn.BatchNorm2d | nn.BatchNorm3d
) -> tuple[Tensor, Tensor]:
    """Weight (out, in, ...) and bias (out,) of the convolution with the norm folded in."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None, "the networks' norms track statistics"
    assert variance is not None, "the networks' norms track statistics"
    weight = convolution.weight.detach().double()
    bias = convolution.bias
    offset = torch.zeros(weight.shape[0]) if bias is None else bias.detach()
    scale = norm.weight.detach().double() / torch.sqrt(variance.double() + norm.eps)
    folded_bias = (offset.double() - mean.double()) * scale + norm.bias.detach().double()
    folded_weight = weight * scale.view(-1, *[1] * (weight.dim() - 1))
    return folded_weight.float(), folded_bias.float()
