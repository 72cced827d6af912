"""Convolution rewrites: each equals the plain torch operator, at the borders too."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lp_models.mobile.batch_norm_folding import fold_batch_norm
from lp_models.mobile.depth_convolution import (
    FILTERING_MINIMUM_SIZE,
    InputStackedConvolution,
    OutputStackedConvolution,
    depth_convolution,
)
from lp_models.mobile.depth_filtering import (
    FilteredDepthConvolution,
    fourier,
    toom_cook,
    toom_cook_matrices,
)
from lp_models.mobile.instance_norm import instance_norm
from lp_models.mobile.phase_convolution import (
    Upsampled2Convolution,
    Upsampled4Convolution,
    interleave2,
    upsampled2_kernels,
)
from lp_models.mobile.plane_convolution import PlaneConvolution, aligned, pad_axis
from lp_models.mobile.tap_stacked_convolution import TapStackedConvolution

seeds = st.integers(0, 2**31 - 1)
channels = st.integers(1, 4)
depths = st.integers(2, 9)
sizes = st.integers(1, 6)
depth_taps = st.sampled_from([1, 3, 5, 7])


def random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def conv3d(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Reference in float64: (D, C, H, W) -> (D, O, H, W)."""
    volume = x.transpose(0, 1).unsqueeze(0).double()
    padding = tuple(size // 2 for size in weight.shape[2:])
    y = F.conv3d(volume, weight.double(), bias.double(), padding=padding)  # type: ignore[arg-type]
    return y[0].transpose(0, 1).float()


@given(seeds, channels, channels, depth_taps, depths, sizes)
def test_depth_as_batch_axis_is_conv3d(
    seed: int, inputs: int, outputs: int, taps: int, depth: int, size: int
) -> None:
    weight, bias = random(seed, outputs, inputs, taps, 3, 3), random(seed + 1, outputs)
    x = random(seed + 2, depth, inputs, size, size + 1)
    expected = conv3d(x, weight, bias)
    for arrangement in (InputStackedConvolution, OutputStackedConvolution):
        got = arrangement(weight, bias)(x)
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@given(seeds, channels, channels, st.sampled_from([1, 3, 7]), depths, sizes)
def test_fourier_along_depth_is_conv3d(
    seed: int, inputs: int, outputs: int, taps: int, depth: int, size: int
) -> None:
    weight, bias = random(seed, outputs, inputs, taps, 3, 3), random(seed + 1, outputs)
    x = random(seed + 2, depth, inputs, size, size)
    got = FilteredDepthConvolution(weight, bias, fourier(depth, taps))(x)
    torch.testing.assert_close(got, conv3d(x, weight, bias), atol=1e-4, rtol=1e-4)


@given(seeds, channels, channels, depths, sizes)
def test_toom_cook_along_depth_is_conv3d(
    seed: int, inputs: int, outputs: int, depth: int, size: int
) -> None:
    weight, bias = random(seed, outputs, inputs, 3, 3, 3), random(seed + 1, outputs)
    x = random(seed + 2, depth, inputs, size, size)
    got = FilteredDepthConvolution(weight, bias, toom_cook(depth))(x)
    torch.testing.assert_close(got, conv3d(x, weight, bias), atol=5e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("points", "outputs", "taps"),
    [((0.0, 1.0, -1.0), 2, 3), ((0.0, 1.0, -1.0, 0.5, -2.0), 4, 3), ((0.0, 1.0), 2, 2)],
)
def test_toom_cook_matrices_correlate(points: tuple[float, ...], outputs: int, taps: int) -> None:
    data, kernel, result = toom_cook_matrices(points, outputs, taps)
    x, w = random(0, outputs + taps - 1).double(), random(1, taps).double()
    expected = torch.stack([(w * x[i : i + taps]).sum() for i in range(outputs)])
    torch.testing.assert_close(result @ ((kernel @ w) * (data @ x)), expected)


def test_transforms_need_fewer_slices_than_taps() -> None:
    layers = 16
    assert toom_cook(layers).analysis.shape[0] == 24 < 3 * layers
    seven_taps = fourier(layers, 7)
    assert seven_taps.groups * seven_taps.width**2 == 40 < 7 * layers


def test_fourier_matrices_are_orthonormal_on_the_layers() -> None:
    algorithm = fourier(16, 7)
    product = algorithm.synthesis @ algorithm.analysis
    torch.testing.assert_close(product, torch.eye(16, dtype=torch.float64))


@pytest.mark.parametrize(
    ("outputs", "inputs", "size", "filtered", "expected"),
    [
        (8, 8, FILTERING_MINIMUM_SIZE, True, FilteredDepthConvolution),
        (8, 8, FILTERING_MINIMUM_SIZE, False, InputStackedConvolution),
        (8, 8, FILTERING_MINIMUM_SIZE // 2, True, InputStackedConvolution),
        (2, 8, FILTERING_MINIMUM_SIZE // 2, True, OutputStackedConvolution),
    ],
)
def test_the_arrangement_follows_the_layer(
    outputs: int, inputs: int, size: int, filtered: bool, expected: type[nn.Module]
) -> None:
    weight, bias = random(0, outputs, inputs, 3, 3, 3), random(1, outputs)
    convolution = depth_convolution(weight, bias, depth=4, size=size, filtered=filtered)
    assert type(convolution) is expected
    x = random(2, 4, inputs, size, size)
    torch.testing.assert_close(convolution(x), conv3d(x, weight, bias), atol=5e-4, rtol=1e-4)


@given(seeds, channels, channels, sizes, sizes, st.booleans(), st.sampled_from([2, 4]))
def test_phase_kernels_are_a_convolution_of_the_upsampled_map(
    seed: int, inputs: int, outputs: int, height: int, width: int, relu: bool, factor: int
) -> None:
    weight, bias = random(seed, outputs, inputs, 3, 3), random(seed + 1, outputs)
    x = random(seed + 2, 2, inputs, height, width)
    upsampled = F.interpolate(x, scale_factor=float(factor), mode="nearest")
    expected = F.conv2d(upsampled, weight, bias, padding=1)
    if relu:
        expected = F.relu(expected)
    kind = {2: Upsampled2Convolution, 4: Upsampled4Convolution}[factor]
    torch.testing.assert_close(kind(weight, bias, relu)(x), expected, atol=1e-4, rtol=1e-4)


@given(seeds, channels, channels, depths, sizes)
def test_phase_kernels_go_through_depth_convolutions(
    seed: int, inputs: int, outputs: int, depth: int, size: int
) -> None:
    weight, bias = random(seed, outputs, inputs, 3, 3, 3), random(seed + 1, outputs)
    x = random(seed + 2, depth, inputs, size, size)
    expected = conv3d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias)
    kernels, offsets = upsampled2_kernels(weight), bias.repeat_interleave(4)
    for convolution in (
        InputStackedConvolution(kernels, offsets),
        OutputStackedConvolution(kernels, offsets),
        FilteredDepthConvolution(kernels, offsets, toom_cook(depth)),
    ):
        got = interleave2(convolution(x))
        torch.testing.assert_close(got, expected, atol=5e-4, rtol=1e-4)


@given(seeds, channels, sizes, sizes, st.sampled_from([1, 3, 7]))
def test_tap_stacking_is_a_convolution_to_one_channel(
    seed: int, inputs: int, height: int, width: int, kernel: int
) -> None:
    weight, bias = random(seed, 1, inputs, kernel, kernel), random(seed + 1, 1)
    x = random(seed + 2, 1, inputs, height, width)
    expected = F.conv2d(x, weight, bias, padding=kernel // 2)
    got = TapStackedConvolution(weight, bias)(x)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_folded_batch_norm_changes_nothing(dimensions: int) -> None:
    convolution = (nn.Conv2d, nn.Conv3d)[dimensions - 2](3, 5, 3, padding=1)
    norm = (nn.BatchNorm2d, nn.BatchNorm3d)[dimensions - 2](5)
    for index, tensor in enumerate((norm.weight, norm.bias, norm.running_mean)):
        assert tensor is not None
        tensor.data.copy_(random(index, 5))
    assert norm.running_var is not None
    norm.running_var.copy_(random(3, 5).abs() + 0.1)
    x = random(4, 2, 3, *[4] * dimensions)
    weight, bias = fold_batch_norm(convolution, norm)
    folded = (F.conv2d, F.conv3d)[dimensions - 2](x, weight, bias, padding=1)
    expected = norm.eval()(convolution(x))
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-4)


@given(seeds, channels, st.integers(2, 6), st.sampled_from([1, 2, 4]))
def test_instance_norm_commutes_with_nearest_upsampling(
    seed: int, count: int, size: int, factor: int
) -> None:
    x = 3 * random(seed, 1, count, size, size) + 1
    upsampled = F.interpolate(x, scale_factor=float(factor), mode="nearest")
    expected = F.instance_norm(upsampled, eps=1e-5)
    normalised = F.interpolate(instance_norm(x, 1e-5), scale_factor=float(factor), mode="nearest")
    torch.testing.assert_close(normalised, expected, atol=1e-5, rtol=1e-4)


def test_padding_channels_with_zeros_changes_no_result() -> None:
    weight, bias, x = random(0, 5, 3, 3, 3), random(1, 5), random(2, 1, 3, 4, 4)
    wide = PlaneConvolution(
        pad_axis(pad_axis(weight, 1, aligned(3)), 0, aligned(5)), pad_axis(bias, 0, aligned(5))
    )
    result = wide(pad_axis(x, 1, aligned(3)))
    torch.testing.assert_close(result[:, :5], F.conv2d(x, weight, bias, padding=1))
    assert result[:, 5:].abs().max() == 0
