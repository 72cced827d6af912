r"""A Conv3d whose depth axis is transformed: fewer multiplications than taps.

    before   y[d] = sum_t conv2d(w[t], x[d + t - taps // 2])         taps convolutions per layer

    after    x (D, C, H, W)
               | analysis matrix, (slices x D) @ (D x C H W)
             slices of mixed layers
               | one grouped 2-D convolution, its kernels are mixtures of the depth taps
             slices of results
               | synthesis matrix, (D x slices) @ (slices x O H W)
             y (D, O, H, W)

Two exact algorithms fill the matrices:

- Toom-Cook ("Winograd") F(4, 3): six slices give four layers of a three-tap kernel, 6 / 12 of the
  multiplications. Source: Lavin and Gray, arXiv 1509.09308, applied to one axis.
- The discrete Fourier transform over the zero-padded depth, for long kernels: every frequency is
  one complex product of slices, written as a convolution of (real, imaginary) pairs. With 16
  layers, 7 taps and length 20: 40 instead of 112 convolutions, and perfectly conditioned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Interpolation points of F(4, 3) beside infinity: small reciprocal pairs keep rounding low.
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
OUTPUTS_PER_TILE = 4


@dataclass(frozen=True)
class DepthAlgorithm:
    """Matrices of one algorithm for a given depth, in float64.

    analysis: (tiles * groups * width, depth); rows of one group lie side by side.
    kernel: (groups, width out, width in, taps), how the taps mix into a group's kernels.
    synthesis: (depth, tiles * groups * width)
    unit: (groups, width), slices that `synthesis` turns into ones: where a bias goes.
    """

    analysis: Tensor
    kernel: Tensor
    synthesis: Tensor
    unit: Tensor

    @property
    def groups(self) -> int:
        """Groups of the two-dimensional convolution."""
        return self.kernel.shape[0]

    @property
    def width(self) -> int:
        """Slices per group: 1 for real algorithms, 2 for complex ones."""
        return self.kernel.shape[1]


def toom_cook(depth: int) -> DepthAlgorithm:
    """F(4, 3) along the depth, in tiles of four layers; the last tile may be partly used."""
    taps, outputs = 3, OUTPUTS_PER_TILE
    slices = outputs + taps - 1
    data, kernel, result = toom_cook_matrices(POINTS, outputs, taps)
    tiles = math.ceil(depth / outputs)
    analysis = torch.zeros(tiles, slices, depth, dtype=torch.float64)
    synthesis = torch.zeros(depth, tiles, slices, dtype=torch.float64)
    for tile in range(tiles):
        first = tile * outputs
        for column in range(slices):
            layer = first + column - taps // 2
            if 0 <= layer < depth:
                analysis[tile, :, layer] = data[:, column]
        count = min(outputs, depth - first)
        synthesis[first : first + count, tile] = result[:count]
    unit = torch.linalg.pinv(result) @ torch.ones(outputs, dtype=torch.float64)
    return DepthAlgorithm(
        analysis.flatten(0, 1), kernel.view(slices, 1, 1, taps), synthesis.flatten(1), unit[:, None]
    )


def toom_cook_matrices(
    points: tuple[float, ...], outputs: int, taps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Data (n, n), kernel (n, taps) and result (outputs, n) matrices; the last point is infinity.

    y = result @ ((kernel @ w) * (data @ x)) is the correlation y[i] = sum_t w[t] x[i + t].
    """
    n = outputs + taps - 1
    data = torch.zeros(n, n, dtype=torch.float64)
    kernel = torch.zeros(n, taps, dtype=torch.float64)
    result = torch.zeros(outputs, n, dtype=torch.float64)
    for row, point in enumerate(points):
        others = [other for other in points if other != point]
        data[row, : n - 1] = polynomial(others)
        scale = math.prod(point - other for other in others)
        kernel[row] = torch.tensor([point**power / scale for power in range(taps)])
        result[:, row] = torch.tensor([point**power for power in range(outputs)])
    data[-1] = polynomial(list(points))
    kernel[-1, -1] = 1.0
    result[-1, -1] = 1.0
    return data, kernel, result


def polynomial(roots: list[float]) -> Tensor:
    """Coefficients of prod (x - root), lowest power first."""
    coefficients = torch.ones(1, dtype=torch.float64)
    for root in roots:
        coefficients = F.pad(coefficients, (1, 0)) - root * F.pad(coefficients, (0, 1))
    return coefficients


def fourier(depth: int, taps: int) -> DepthAlgorithm:
    """The real discrete Fourier transform over the depth and enough layers of zeros."""
    length = depth + taps // 2
    length += length % 2
    layers = torch.arange(depth, dtype=torch.float64)
    offsets = torch.arange(taps, dtype=torch.float64) - taps // 2
    groups = length // 2
    analysis = torch.zeros(groups, 2, depth, dtype=torch.float64)
    kernel = torch.zeros(groups, 2, 2, taps, dtype=torch.float64)
    alternating, alternating_offsets = torch.cos(math.pi * layers), torch.cos(math.pi * offsets)
    # The constant and the fastest frequency are real; they share the first group.
    analysis[0, 0], analysis[0, 1] = 1.0, alternating
    kernel[0, 0, 0], kernel[0, 1, 1] = 1.0, alternating_offsets
    for frequency in range(1, groups):
        turn = 2 * math.pi * frequency / length
        analysis[frequency, 0] = math.sqrt(2) * torch.cos(turn * layers)
        analysis[frequency, 1] = -math.sqrt(2) * torch.sin(turn * layers)
        real, imaginary = torch.cos(turn * offsets), torch.sin(turn * offsets)
        kernel[frequency] = torch.stack(
            [torch.stack([real, -imaginary]), torch.stack([imaginary, real])]
        )
    # Orthonormal: all slices are of one magnitude, and the inverse is the transpose.
    matrix = analysis.flatten(0, 1) / math.sqrt(length)
    unit = torch.zeros(groups, 2, dtype=torch.float64)
    unit[0, 0] = math.sqrt(length)
    return DepthAlgorithm(matrix, kernel, matrix.T.contiguous(), unit)


class FilteredDepthConvolution(nn.Module):
    """A Conv3d with depth as the batch axis, by a `DepthAlgorithm`."""

    analysis: Tensor
    synthesis: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, algorithm: DepthAlgorithm) -> None:
        """Transform the kernels.

        Args:
            weight: (out, in, taps, kh, kw), padded by half the kernel size.
            bias: (out,)
            algorithm: matrices for the depth of the input.
        """
        super().__init__()
        self.groups = algorithm.groups
        self.outputs = weight.shape[0]
        self.padding = (weight.shape[3] // 2, weight.shape[4] // 2)
        mixed = torch.einsum("gabt,oithw->gaobihw", algorithm.kernel, weight.detach().double())
        offsets = algorithm.unit[:, :, None] * bias.detach().double()
        self.register_buffer("analysis", algorithm.analysis.float())
        self.register_buffer("synthesis", algorithm.synthesis.float())
        self.register_buffer("weight", mixed.flatten(0, 2).flatten(1, 2).float().contiguous())
        self.register_buffer("bias", offsets.flatten().float())

    def forward(self, x: Tensor) -> Tensor:
        """(depth, in, height, width) -> (depth, out, height, width), + 1 for even kernels."""
        depth, _, height, width = x.shape
        slices = self.analysis @ x.reshape(depth, -1)
        slices = slices.view(-1, self.groups * self.weight.shape[1], height, width)
        slices = F.conv2d(slices, self.weight, self.bias, padding=self.padding, groups=self.groups)
        height, width = slices.shape[2:]
        layers = self.synthesis @ slices.reshape(self.synthesis.shape[1], -1)
        return layers.view(depth, self.outputs, height, width)
