"""Instance norm without parameters, from means and a reciprocal root.

    before   InstanceNormalization(x)  [and again for a twin norm, and again after upsampling]
    after    (x - mean) * rsqrt(mean((x - mean)^2) + eps)      once

Mean and variance of a nearest-upsampled map are those of the map itself, so

    instance_norm(upsample(x)) = upsample(instance_norm(x))

and two SPADE norms of the same input share one normalised map.
"""

from __future__ import annotations

import torch
from torch import Tensor


def instance_norm(x: Tensor, epsilon: float) -> Tensor:
    """(batch, channels, H, W) -> the same, each channel with mean 0 and variance 1."""
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    variance = (centred * centred).mean(dim=(2, 3), keepdim=True)
    return centred * torch.rsqrt(variance + epsilon)
