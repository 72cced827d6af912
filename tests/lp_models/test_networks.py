"""The original networks at a tiny size: shapes, and each part against its definition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lp_models.checkpoint import LivePortraitNetworks, seeded_networks
from lp_models.convnext import ChannelsFirstLayerNorm, ConvNextBlock, GlobalResponseNorm
from lp_models.dense_motion import DenseMotionNetwork, axis_coordinates, gaussian_heatmaps
from lp_models.dims import LivePortraitDims
from lp_models.spade_decoder import Spade
from lp_models.stitching import retarget, stitch


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_shapes_from_portrait_to_frame(
    tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    images = draw(2, 3, 64, 64).abs().clamp(0, 1)
    canonical, motion = tiny_networks.motion_extractor(images).decode()
    assert canonical.shape == (2, 21, 3)
    assert motion.to_vector().shape == (2, 70)
    volume = tiny_networks.appearance_extractor(images)
    assert volume.shape == (2, *tiny_dims.volume_shape)
    dense = tiny_networks.warping.dense_motion_network(volume, canonical + 0.1, canonical)
    assert dense.deformation.shape == (2, 4, 16, 16, 3)
    assert dense.occlusion.shape == (2, 1, 16, 16)
    features = tiny_networks.warping(volume, canonical + 0.1, canonical)
    assert features.shape == (2, tiny_dims.feature_channels, 16, 16)
    frame = tiny_networks.spade_decoder(features)
    assert frame.shape == (2, 3, 128, 128)
    assert frame.min() >= 0
    assert frame.max() <= 1


def test_motion_shares_sum_to_one(
    tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    keypoints = 0.3 * draw(1, 21, 3)
    network = tiny_networks.warping.dense_motion_network
    mask = network(draw(1, *tiny_dims.volume_shape), keypoints + 0.1, keypoints).mask
    torch.testing.assert_close(mask.sum(dim=1), torch.ones(1, 4, 16, 16))


def test_still_keypoints_leave_the_grid_in_place(
    tiny_networks: LivePortraitNetworks, tiny_dims: LivePortraitDims
) -> None:
    keypoints = 0.3 * draw(1, 21, 3)
    volume = draw(1, *tiny_dims.volume_shape)
    deformation = tiny_networks.warping.dense_motion_network(
        volume, keypoints, keypoints
    ).deformation
    across = axis_coordinates(16, volume)
    torch.testing.assert_close(deformation[0, 1, 5, :, 0], across, atol=1e-6, rtol=0)
    torch.testing.assert_close(deformation[0, 1, :, 7, 1], across, atol=1e-6, rtol=0)
    assert deformation[0, :, 3, 3, 2].tolist() == pytest.approx([-1, -1 / 3, 1 / 3, 1], abs=1e-6)


def test_each_keypoint_samples_the_source_where_it_came_from() -> None:
    grid = torch.zeros(1, 1, 1, 3)
    driving, source = torch.tensor([[[0.5, 0.0, 0.0]]]), torch.tensor([[[0.1, 0.2, 0.0]]])
    motions = DenseMotionNetwork.sparse_motions(grid, driving, source)
    torch.testing.assert_close(motions[0, 0].flatten(), torch.zeros(3))
    torch.testing.assert_close(motions[0, 1].flatten(), torch.tensor([-0.4, 0.2, 0.0]))


def test_heatmap_is_one_at_its_keypoint_and_falls_with_distance() -> None:
    grid = torch.tensor([[[[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]]])
    heatmap = gaussian_heatmaps(torch.zeros(1, 1, 3), grid).flatten()
    torch.testing.assert_close(heatmap, torch.tensor([1.0, 0.6065307]))  # exp(-1/2)


def test_global_response_norm_follows_its_formula() -> None:
    norm = GlobalResponseNorm(5)
    norm.gamma.data, norm.beta.data = draw(1, 1, 1, 5, seed=1), draw(1, 1, 1, 5, seed=2)
    x = draw(2, 3, 4, 5)
    energy = (x**2).sum(dim=(1, 2), keepdim=True).sqrt()
    relative = energy / (energy.mean(dim=3, keepdim=True) + 1e-6)
    torch.testing.assert_close(norm(x), norm.gamma * (x * relative) + norm.beta + x)


def test_channels_first_layer_norm_is_layer_norm() -> None:
    norm = ChannelsFirstLayerNorm(6)
    norm.weight.data, norm.bias.data = draw(6, seed=1), draw(6, seed=2)
    x = draw(2, 6, 3, 4)
    expected = nn.functional.layer_norm(x.permute(0, 2, 3, 1), (6,), norm.weight, norm.bias, 1e-6)
    torch.testing.assert_close(norm(x), expected.permute(0, 3, 1, 2))


def test_a_convnext_block_starts_as_the_identity_when_its_last_layer_is_zero() -> None:
    block = ConvNextBlock(4)
    nn.init.zeros_(block.pwconv2.weight)
    nn.init.zeros_(block.pwconv2.bias)
    x = draw(1, 4, 8, 8)
    assert torch.equal(block(x), x)


def test_spade_without_modulation_is_instance_norm(tiny_dims: LivePortraitDims) -> None:
    spade = Spade(5, tiny_dims)
    for layer in (spade.mlp_gamma, spade.mlp_beta):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = draw(1, 5, 32, 32)
    mean, variance = x.mean(dim=(2, 3), keepdim=True), x.var(dim=(2, 3), keepdim=True, correction=0)
    normalised = spade(x, draw(1, tiny_dims.feature_channels, 16, 16, seed=1))
    torch.testing.assert_close(normalised, (x - mean) / torch.sqrt(variance + 1e-5))


def test_stitching_adds_an_offset_to_each_keypoint_and_one_to_all_in_the_plane() -> None:
    driving = draw(1, 21, 3)
    correction = torch.cat([torch.full((63,), 0.25), torch.tensor([1.0, 2.0])])

    class Constant(nn.Module):
        def forward(self, both: torch.Tensor) -> torch.Tensor:
            assert both.shape == (1, 126)
            return correction[None]

    moved = stitch(Constant(), torch.zeros(1, 21, 3), driving) - driving
    torch.testing.assert_close(moved, torch.tensor([1.25, 2.25, 0.25]).expand(1, 21, 3))


def test_retargeting_networks_answer_with_one_offset_a_keypoint(
    tiny_networks: LivePortraitNetworks,
) -> None:
    source = draw(2, 21, 3)
    assert retarget(tiny_networks.lip_retargeting, source, draw(2, 2)).shape == (2, 21, 3)
    assert retarget(tiny_networks.eye_retargeting, source, draw(2, 3)).shape == (2, 21, 3)


@pytest.mark.parametrize("seed", range(4))
def test_seeded_networks_behave(seed: int, tiny_dims: LivePortraitDims) -> None:
    networks = seeded_networks(tiny_dims, seed)
    image = draw(1, 3, 64, 64, seed=seed).abs().clamp(0, 1)
    canonical, motion = networks.motion_extractor(image).decode()
    assert canonical.abs().max() < 1.2
    assert 0.5 < motion.scale.item() < 1.5
    features = networks.warping(networks.appearance_extractor(image), canonical, canonical)
    frame = networks.spade_decoder(features)
    assert frame.std() > 0.01, "the picture must not be flat"
    assert ((frame > 0.02) & (frame < 0.98)).float().mean() > 0.9, "nor saturated"


def test_seeded_networks_follow_from_the_seed(tiny_dims: LivePortraitDims) -> None:
    one, same, other = (seeded_networks(tiny_dims, seed).spade_decoder.fc for seed in (1, 1, 2))
    assert torch.equal(one.weight, same.weight)
    assert not torch.equal(one.weight, other.weight)
