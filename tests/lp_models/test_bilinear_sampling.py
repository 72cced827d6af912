"""Two samplers that agree, and a matrix that interpolates."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from lp_models.bilinear_sampling import hat_matrix, sample_map, sample_rows


def random_picture(channels: int, height: int, width: int) -> torch.Tensor:
    return torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(1))


def as_table(picture: torch.Tensor) -> torch.Tensor:
    return picture[0].permute(1, 2, 0).reshape(-1, picture.shape[1])


@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    channels=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_row_gathers_agree_with_grid_sample_inside_and_outside(
    height: int, width: int, channels: int, seed: int
) -> None:
    picture = random_picture(channels, height, width)
    random = torch.Generator().manual_seed(seed)
    places = torch.rand(1, 2, 4, 6, generator=random) * 14 - 3
    gathered = sample_rows(as_table(picture), places, height, width).reshape(1, channels, 4, 6)
    torch.testing.assert_close(
        gathered, sample_map(picture, places, height, width), atol=1e-4, rtol=1e-4
    )


def test_sampling_at_pixel_centres_returns_the_pixels() -> None:
    picture = random_picture(3, 5, 7)
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(7.0), indexing="ij")
    sampled = sample_rows(as_table(picture), torch.stack([x, y])[None], 5, 7)
    assert torch.equal(sampled.reshape(picture.shape), picture)


@given(st.lists(st.floats(-3, 12, width=32), min_size=1, max_size=8))
def test_the_hat_matrix_interpolates_and_repeats_the_border(positions: list[float]) -> None:
    values = torch.tensor([3.0, -1.0, 4.0, 1.0, 5.0, -9.0, 2.0, 6.0])
    sampled = hat_matrix(torch.tensor(positions), len(values)) @ values
    expected = np.interp(positions, np.arange(len(values)), values.numpy())
    np.testing.assert_allclose(sampled.numpy(), expected, atol=1e-4)
