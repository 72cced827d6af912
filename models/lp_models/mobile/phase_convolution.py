"""Convolution of a nearest-upsampled map, computed before the upsampling.

    before   upsample x2 or x4 ── conv 3x3 at the high resolution

    after    one small kernel per position inside a cell, at the low resolution, interleaved

Under a kernel of three taps (a, b, c), positions of one cell of `factor` pixels see

    first:   a on the cell before, b + c on the cell itself        2 taps
    middle:  a + b + c on the cell itself                          1 tap, the same for all of them
    last:    a + b on the cell itself, c on the cell after         2 taps

so x2 costs 16 taps per cell instead of 36, and x4 costs 25 instead of 144. At the border the cell
before (after) is zero padding, in both forms.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def edge_kernels(weight: Tensor, axis: int) -> Tensor:
    """Kernels of the last and the first position: (..., 3, ...) -> (2, ..., 2, ...).

    The last position comes first: see `upsampled2_kernels`.
    """
    a, b, c = weight.split(1, dim=axis)
    return torch.stack([torch.cat([a + b, c], axis), torch.cat([a, b + c], axis)])


def upsampled2_kernels(weight: Tensor) -> Tensor:
    """The four 2x2 kernels of a 3x3 convolution of a nearest x2 map.

    Padded by one, a 2x2 convolution has a window over every pair of neighbours. The window of
    cells i-1 and i is what the last position of cell i-1 and the first position of cell i need;
    they are neighbours in the result, and so in the shuffled map, which starts one pixel early:
    see `interleave2`.

    Args:
        weight: (out, ..., 3, 3)

    Returns:
        (out * 4, ..., 2, 2), the four kernels of one output side by side.
    """
    kernels = edge_kernels(edge_kernels(weight, weight.dim() - 2), weight.dim())
    # (2 columns, 2 rows, out, ...) -> (out, rows, columns, ...): the order of a pixel shuffle.
    return kernels.transpose(0, 2).flatten(0, 2).contiguous()


def interleave2(cells: Tensor) -> Tensor:
    """Results of `upsampled2_kernels` (batch, out * 4, H + 1, W + 1) -> (batch, out, 2H, 2W)."""
    return F.pixel_shuffle(cells, 2)[:, :, 1:-1, 1:-1]


class Upsampled2Convolution(nn.Module):
    """3x3 convolution of a nearest x2 map: one 2x2 convolution, pixel shuffle, crop by one."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool = False) -> None:
        """Make the four kernels.

        Args:
            weight: (out, in, 3, 3)
            bias: (out,)
            relu: apply a ReLU, before the shuffle where it is cheapest to fuse.
        """
        super().__init__()
        outputs = weight.shape[0]
        self.relu = relu
        offset = torch.zeros(outputs) if bias is None else bias.detach()
        self.register_buffer("weight", upsampled2_kernels(weight.detach()))
        self.register_buffer("bias", offset.repeat_interleave(4))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, H, W) -> (batch, out, 2H, 2W)."""
        cells = F.conv2d(x, self.weight, self.bias, padding=1)
        if self.relu:
            cells = F.relu(cells)
        return interleave2(cells)


class Upsampled4Convolution(nn.Module):
    """3x3 convolution of a nearest x4 map: nine distinct results per cell, interleaved."""

    corner_weight: Tensor
    row_weight: Tensor
    column_weight: Tensor
    middle_weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool = False) -> None:
        """Make the nine kernels; arguments as in `Upsampled2Convolution`."""
        super().__init__()
        weight = weight.detach()
        self.outputs = weight.shape[0]
        self.relu = relu
        rows, columns = edge_kernels(weight, 2), edge_kernels(weight, 3)
        corners = edge_kernels(rows, 4).transpose(0, 1)  # (row edge, column edge, out, in, 2, 2)
        self.register_buffer("corner_weight", corners.flatten(0, 2).contiguous())
        self.register_buffer("row_weight", rows.sum(4, keepdim=True).flatten(0, 1).contiguous())
        column_weight = columns.sum(3, keepdim=True).flatten(0, 1).contiguous()
        self.register_buffer("column_weight", column_weight)
        self.register_buffer("middle_weight", weight.sum((2, 3), keepdim=True).contiguous())
        offset = torch.zeros(self.outputs) if bias is None else bias.detach()
        self.register_buffer("bias", offset.clone())

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, H, W) -> (batch, out, 4H, 4W)."""
        batch, _, height, width = x.shape
        cells = self.cell_results(x)
        order = (0, 1, 1, 2)  # first, middle, middle, last position of the four in a cell
        flat = [
            [cell.reshape(batch, self.outputs, 1, height * width) for cell in row] for row in cells
        ]
        sixteen = torch.cat([flat[row][column] for row in order for column in order], dim=2)
        return F.pixel_shuffle(sixteen.view(batch, self.outputs * 16, height, width), 4)

    def cell_results(self, x: Tensor) -> list[list[Tensor]]:
        """Results (batch, out, H, W) for the first, middle and last position by row and column."""
        corners = self.convolve(x, self.corner_weight, (1, 1))
        rows = self.convolve(x, self.row_weight, (1, 0))
        columns = self.convolve(x, self.column_weight, (0, 1))
        middle = self.convolve(x, self.middle_weight, (0, 0))
        low, high = slice(0, -1), slice(1, None)  # windows that start a cell early; on the cell
        (last_last, last_first), (first_last, first_first) = (
            corners[:2],
            corners[2:],
        )
        return [
            [first_first[:, :, low, low], rows[1][:, :, low], first_last[:, :, low, high]],
            [columns[1][:, :, :, low], middle[0], columns[0][:, :, :, high]],
            [last_first[:, :, high, low], rows[0][:, :, high], last_last[:, :, high, high]],
        ]

    def convolve(self, x: Tensor, weight: Tensor, padding: tuple[int, int]) -> list[Tensor]:
        """The results of several kernels of one size, each (batch, out, H + 1 or H, W + 1 or W)."""
        bias = self.bias.repeat(weight.shape[0] // self.outputs)
        result = F.conv2d(x, weight, bias, padding=padding)
        if self.relu:
            result = F.relu(result)
        if weight.shape[0] == self.outputs:
            return [result]  # LiteRT's converter refuses a split into one
        return list(result.split(self.outputs, dim=1))


def upsampled_convolution(
    weight: Tensor, bias: Tensor | None, factor: int, relu: bool = False
) -> nn.Module:
    """A 3x3 convolution of a map that is nearest-upsampled by `factor` (2 or 4) first."""
    kinds = {2: Upsampled2Convolution, 4: Upsampled4Convolution}
    return kinds[factor](weight, bias, relu)
