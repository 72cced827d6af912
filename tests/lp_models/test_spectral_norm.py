"""Spectral normalisation: folded as torch applies it, and put back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lp_models.checkpoint import LivePortraitNetworks
from lp_models.errors import CheckpointError
from lp_models.spectral_norm import (
    fold,
    leading_singular_vectors,
    spectral_weight_names,
    unfold,
)


def test_folding_gives_the_weight_that_torch_uses_in_inference() -> None:
    torch.manual_seed(0)
    conv = nn.utils.spectral_norm(nn.Conv2d(6, 4, kernel_size=3))
    conv.train()(torch.randn(1, 6, 8, 8))  # one power iteration, far from converged
    conv.eval()
    image = torch.randn(1, 6, 8, 8)
    expected = conv(image)
    state = conv.state_dict()
    weight = fold(state["weight_orig"], state["weight_u"], state["weight_v"], "here")
    folded = nn.functional.conv2d(image, weight, state["bias"])
    torch.testing.assert_close(folded, expected)


def test_leading_singular_value_is_the_matrix_norm() -> None:
    weight = torch.randn(5, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    u, v, sigma = leading_singular_vectors(weight)
    assert sigma == pytest.approx(torch.linalg.matrix_norm(weight.flatten(1), 2).item(), rel=1e-3)
    assert u.norm().item() == pytest.approx(1, abs=1e-6)
    assert v.norm().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_unfolding_keeps_the_size_of_the_weight(size: float) -> None:
    weight = size * torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fold(*unfold(weight), "here"), weight)


def test_a_norm_of_zero_is_refused_by_name() -> None:
    with pytest.raises(CheckpointError, match="up_0"):
        fold(torch.zeros(4, 2, 1, 1), torch.ones(4), torch.ones(2), "file, key 'up_0'")


def test_seeded_decoder_is_spectrally_normalised(tiny_networks: LivePortraitNetworks) -> None:
    weights = dict(tiny_networks.spade_decoder.named_parameters())
    names = spectral_weight_names(tiny_networks.spade_decoder)
    assert len(names) == 2 * tiny_networks.dims.spade_middle_blocks + 3 + 3
    for name in names:
        norm = torch.linalg.matrix_norm(weights[name].flatten(1), 2).item()
        assert norm == pytest.approx(1, abs=0.02)
