"""Sampling rewrites: each equals grid_sample or the original heatmaps, also outside the volume."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lp_models.dense_motion import (
    HEATMAP_VARIANCE,
    coordinate_grid,
    gaussian_heatmaps,
    sample_volume,
)
from lp_models.mobile.deformation import Deformation
from lp_models.mobile.gaussian_heatmaps import HeatmapDifferences
from lp_models.mobile.sampling_axis import (
    identity_positions,
    normalised_coordinates,
    positions_per_unit,
)
from lp_models.mobile.translation_warp import TranslationWarp
from lp_models.mobile.volume_gather import VolumeGather, split_position

seeds = st.integers(0, 2**31 - 1)
sizes = st.integers(2, 7)
volume_sizes = st.tuples(sizes, sizes, sizes)
# Fractions of the volume, its outer faces, and far beyond them.
spreads = st.sampled_from([0.0, 0.1, 1.0, 3.0, 100.0])


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [2, 3, 16, 64])
def test_identity_positions_are_what_grid_sample_makes_of_the_identity_grid(size: int) -> None:
    expected = ((normalised_coordinates(size) + 1) * size - 1) / 2
    torch.testing.assert_close(identity_positions(size), expected, atol=1e-5, rtol=0)


@given(seeds, volume_sizes, st.integers(1, 3), st.integers(1, 4), spreads)
def test_translation_warp_is_grid_sample(
    seed: int, size: tuple[int, int, int], channels: int, keypoints: int, spread: float
) -> None:
    volume = random(seed, channels, *size)
    shift = spread * random(seed + 1, keypoints, 3)
    positions = coordinate_grid(volume[None]) + shift[:, None, None, None]
    expected = sample_volume(volume.expand(keypoints, -1, -1, -1, -1), positions)
    warped = TranslationWarp(volume)(shift)
    warped = warped.unflatten(1, (keypoints, channels)).permute(1, 2, 0, 3, 4)
    torch.testing.assert_close(warped, expected, atol=1e-4, rtol=0)


def test_translation_warp_of_a_volume_moved_out_of_sight_is_zero() -> None:
    warp = TranslationWarp(torch.ones(1, 4, 4, 4))
    assert warp(torch.tensor([[0.0, 4.0, 0.0]])).abs().max() == 0


@given(seeds, volume_sizes, st.integers(1, 4), spreads)
def test_volume_gather_is_grid_sample(
    seed: int, size: tuple[int, int, int], channels: int, spread: float
) -> None:
    volume = random(seed, channels, *size)
    points = spread * random(seed + 1, 1, 1, 1, 40, 3)
    expected = sample_volume(volume[None], points).view(channels, 40)
    depth, height, width = size
    x, y, z = (
        ((points[..., axis] + 1) * count - 1) / 2
        for axis, count in enumerate((width, height, depth))
    )
    gathered = VolumeGather(volume)(x, y, z)
    torch.testing.assert_close(gathered.T, expected, atol=1e-4, rtol=0)


@given(st.floats(-1e6, 1e6), sizes)
def test_a_split_position_stays_inside_the_padded_axis(position: float, size: int) -> None:
    index, fraction = split_position(torch.tensor([position]), size)
    assert index.dtype == torch.int32
    assert 0 <= int(index) <= size
    assert 0 <= float(fraction) <= 1


@given(seeds, volume_sizes, st.integers(1, 4))
def test_heatmaps_are_products_of_one_dimensional_gaussians(
    seed: int, size: tuple[int, int, int], keypoints: int
) -> None:
    source = 0.5 * random(seed, keypoints, 3)
    driving = 0.5 * random(seed + 1, keypoints, 3)
    grid = coordinate_grid(torch.zeros(1, 1, *size))
    expected = gaussian_heatmaps(driving[None], grid) - gaussian_heatmaps(source[None], grid)
    heatmaps = HeatmapDifferences(source, torch.Size(size), HEATMAP_VARIANCE)(driving)
    torch.testing.assert_close(heatmaps.transpose(0, 1), expected[0], atol=1e-5, rtol=0)


@given(seeds, volume_sizes, st.integers(1, 4), st.integers(0, 3))
def test_deformation_is_the_masked_sum_of_the_sparse_motions(
    seed: int, size: tuple[int, int, int], keypoints: int, surplus: int
) -> None:
    logits = 5 * random(seed, 1, 1 + keypoints, *size)
    shift = 0.5 * random(seed + 1, keypoints, 3)
    grid = coordinate_grid(logits)
    motions = torch.stack([grid, *(grid + move for move in shift)])
    mask = torch.softmax(logits[0], dim=0)
    expected = (mask[..., None] * motions).sum(dim=0)

    by_layer = logits[0].transpose(0, 1)
    repeated = torch.cat([by_layer, by_layer[:, :1].expand(-1, surplus, -1, -1)], dim=1)
    positions = Deformation(torch.Size(size), keypoints, surplus)(repeated, shift)
    for axis, (position, count) in enumerate(zip(positions, reversed(size), strict=True)):
        in_positions = ((expected[..., axis] + 1) * count - 1) / 2
        torch.testing.assert_close(position[:, 0], in_positions, atol=1e-4, rtol=0)


def test_one_unit_is_half_the_volume() -> None:
    assert positions_per_unit(64) == 32
