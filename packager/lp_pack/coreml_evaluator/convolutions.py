"""Convolution, pooling and resampling of maps (batch, channels, height, width)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lp_pack.coreml_evaluator.registry import integers, operation


def padded(x: Tensor, pad_type: str, pad: Tensor | None) -> Tensor:
    """The map with zeros around it; `pad` lists (before, after) for height, then width."""
    if pad_type == "valid":
        return x
    if pad_type != "custom" or pad is None:
        raise ValueError(f"pad_type '{pad_type}'")
    pairs = integers(pad)
    outermost_last = [side for pair in range(len(pairs) - 2, -1, -2) for side in pairs[pair:][:2]]
    return F.pad(x, outermost_last)


@operation("conv")
def conv(
    x: Tensor,
    weight: Tensor,
    pad_type: str = "valid",
    bias: Tensor | None = None,
    pad: Tensor | None = None,
    strides: Tensor | None = None,
    dilations: Tensor | None = None,
    groups: Tensor | None = None,
) -> Tensor:
    """Convolution over one or two axes."""
    axes = weight.dim() - 2
    function = {1: F.conv1d, 2: F.conv2d}[axes]
    return function(
        padded(x, pad_type, pad),
        weight,
        bias,
        stride=[1] * axes if strides is None else integers(strides),
        dilation=[1] * axes if dilations is None else integers(dilations),
        groups=1 if groups is None else int(groups),
    )


@operation("avg_pool")
def avg_pool(
    x: Tensor,
    kernel_sizes: Tensor,
    pad_type: str = "valid",
    strides: Tensor | None = None,
    pad: Tensor | None = None,
    exclude_padding_from_average: Tensor | None = None,
    ceil_mode: Tensor | None = None,
) -> Tensor:
    """Means of windows; without padding only, which is all that the networks use."""
    surrounded = pad_type == "custom" and pad is not None and any(integers(pad))
    if surrounded or (ceil_mode is not None and bool(ceil_mode)):
        raise ValueError("avg_pool with padding or ceil_mode")
    kernel = integers(kernel_sizes)
    return F.avg_pool2d(x, kernel, [1] * len(kernel) if strides is None else integers(strides))


@operation("pixel_shuffle")
def pixel_shuffle(x: Tensor, upscale_factor: Tensor) -> Tensor:
    """Channels to places."""
    return F.pixel_shuffle(x, int(upscale_factor))


@operation("upsample_nearest_neighbor")
def upsample_nearest_neighbor(
    x: Tensor, scale_factor_height: Tensor, scale_factor_width: Tensor
) -> Tensor:
    """Repeat every value along height and width."""
    scales = float(scale_factor_height), float(scale_factor_width)
    if any(scale != round(scale) for scale in scales):
        raise ValueError(f"upsampling by {scales}")
    rows = torch.repeat_interleave(x, round(scales[0]), dim=2)
    return torch.repeat_interleave(rows, round(scales[1]), dim=3)
