"""Parts of the rewritten networks against the parts they replace."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from lp_models.baking import SourcePersona
from lp_models.dense_motion import coordinate_grid
from lp_models.mobile.decoder import MobileDecoder
from lp_models.mobile.dense_motion import MobileDenseMotion, motion_channel_order
from lp_models.mobile.hourglass import MobileHourglass
from lp_models.mobile.spade import SpadeModulation, SpadeShortcut
from lp_models.mobile.warping import MobileWarping
from lp_models.networks import LivePortraitNetworks
from lp_models.spade_decoder import INSTANCE_NORM_EPSILON

MAX_ABS = 1e-4


def random(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_motion_channels_are_heatmaps_then_warps_then_background() -> None:
    # The original: background heatmap, 2 background channels, then the same for 2 keypoints.
    order = motion_channel_order(keypoints=2, channels=2)
    assert order[:8].tolist() == [3, 6, 4, 5, 7, 8, 1, 2]
    assert set(order[8:].tolist()) == {-1}


@pytest.mark.parametrize("filtered", [True, False])
def test_hourglass(tiny_networks: LivePortraitNetworks, filtered: bool) -> None:
    dims = tiny_networks.dims
    original = tiny_networks.warping.dense_motion_network.hourglass
    x = random(0, 1, dims.hourglass_input_channels, *dims.volume_shape[1:])
    expected = original(x)[0].transpose(0, 1)
    order = torch.arange(dims.hourglass_input_channels).flip(0)
    mobile = MobileHourglass(original, order, dims.volume_depth, dims.volume_size, filtered)
    got = mobile(x[0].transpose(0, 1)[:, order])
    # The original's channels beside the last up block are features too: none is reordered.
    torch.testing.assert_close(got[:, : expected.shape[1]], expected, atol=MAX_ABS, rtol=1e-4)
    assert got[:, expected.shape[1] :].abs().sum() == 0


@pytest.mark.parametrize("spread", [0.0, 0.1, 2.0])
def test_dense_motion(
    tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona, spread: float
) -> None:
    volume, source = tiny_persona.feature_volume, tiny_persona.face.keypoints
    driving = source + spread * random(0, *source.shape)
    original = tiny_networks.warping.dense_motion_network
    expected = original(volume, driving, source)
    positions, occlusion = MobileDenseMotion(original, volume, source)(driving[0])
    torch.testing.assert_close(occlusion, expected.occlusion, atol=MAX_ABS, rtol=0)
    assert expected.deformation.shape[1:4] == coordinate_grid(volume).shape[:3]
    for axis, position in enumerate(positions):
        count = volume.shape[4 - axis]
        in_positions = ((expected.deformation[0, ..., axis] + 1) * count - 1) / 2
        torch.testing.assert_close(position[:, 0], in_positions, atol=MAX_ABS, rtol=0)


def test_warping(tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona) -> None:
    volume, source = tiny_persona.feature_volume, tiny_persona.face.keypoints
    driving = source + 0.3 * random(0, *source.shape)
    expected = tiny_networks.warping(volume, driving, source)
    got = MobileWarping(tiny_networks.warping, volume, source)(driving[0])
    torch.testing.assert_close(got, expected, atol=MAX_ABS, rtol=1e-4)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_spade_modulation(tiny_networks: LivePortraitNetworks, factor: int) -> None:
    dims = tiny_networks.dims
    spade = tiny_networks.spade_decoder.middle_blocks[0].norm_0
    size = 4
    segmentation = random(0, 1, dims.feature_channels, size, size)
    x = random(1, 1, dims.spade_channels, factor * size, factor * size)
    normalised = F.instance_norm(x, eps=INSTANCE_NORM_EPSILON)
    got = SpadeModulation(spade, factor)(normalised, segmentation)
    torch.testing.assert_close(got, spade(x, segmentation), atol=1e-5, rtol=1e-4)


def test_learned_shortcut_takes_its_1x1_convolution_into_the_offset(
    tiny_networks: LivePortraitNetworks,
) -> None:
    dims, block = tiny_networks.dims, tiny_networks.spade_decoder.up_0
    segmentation = random(0, 1, dims.feature_channels, 4, 4)
    x = random(1, 1, dims.spade_channels, 8, 8)
    expected = block.conv_s(block.norm_s(x, segmentation))
    normalised = F.instance_norm(x, eps=INSTANCE_NORM_EPSILON)
    shortcut = SpadeShortcut(block.norm_s, block.conv_s, 2)
    torch.testing.assert_close(shortcut(normalised, segmentation), expected, atol=1e-5, rtol=1e-4)
    assert shortcut.offset.weight.shape[0] == dims.feature_channels < dims.spade_channels


def test_decoder(tiny_networks: LivePortraitNetworks) -> None:
    dims = tiny_networks.dims
    features = random(0, 1, dims.feature_channels, dims.volume_size, dims.volume_size)
    expected = tiny_networks.spade_decoder(features)
    got = MobileDecoder(tiny_networks.spade_decoder)(features)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
