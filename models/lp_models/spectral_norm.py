"""Spectral normalisation, folded away on loading and put back on saving.

Source: Miyato et al. (arXiv 1802.05957). In inference torch divides a stored weight W by u . W v,
with stored u and v; that is a constant.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .errors import CheckpointError
from .spade_decoder import SpadeDecoder, SpadeResBlock

POWER_ITERATIONS = 30


def spectral_weight_names(decoder: SpadeDecoder) -> tuple[str, ...]:
    """Names of the weights that the published file holds under spectral normalisation."""
    return tuple(
        f"{block_name}.{name}.weight"
        for block_name, block in decoder.named_modules()
        if isinstance(block, SpadeResBlock)
        for name in ("conv_0", "conv_1", "conv_s")
        if hasattr(block, name)
    )


def fold(weight_orig: Tensor, u: Tensor, v: Tensor, where: str) -> Tensor:
    """W / (u . W v).

    Args:
        weight_orig: (out, ...)
        u: (out,)
        v: (product of the other axes,)
        where: file and key, for the message.

    Raises:
        CheckpointError: u . W v is zero or not finite.
    """
    sigma = torch.dot(u, torch.mv(weight_orig.flatten(1), v))
    if not torch.isfinite(sigma) or sigma == 0:
        raise CheckpointError(
            "the spectral norm of a convolution cannot be folded",
            where=where,
            expected="u . W v, a number other than zero",
            got=float(sigma),
            remedy="the file is damaged: fetch it again with `lp-pack fetch-weights`",
        )
    return weight_orig / sigma


def leading_singular_vectors(weight: Tensor) -> tuple[Tensor, Tensor, float]:
    """Left and right singular vectors of the largest singular value, and that value.

    Power iteration in float64 from a fixed start, so that equal weights give equal vectors.

    Args:
        weight: (out, ...), taken as a matrix of `out` rows.
    """
    matrix = weight.detach().flatten(1).double()
    start = np.random.default_rng(0).standard_normal(matrix.shape[1])
    v = torch.from_numpy(start)
    for _ in range(POWER_ITERATIONS):
        u = torch.nn.functional.normalize(matrix @ v, dim=0)
        v = torch.nn.functional.normalize(matrix.T @ u, dim=0)
    return u.float(), v.float(), float(u @ matrix @ v)


def unfold(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(weight_orig, u, v) that `fold` turns into `weight` again, up to rounding.

    W / (u . W v) does not depend on the size of W, so the size is kept in u.
    """
    u, v, sigma = leading_singular_vectors(weight)
    return weight, u / sigma, v
