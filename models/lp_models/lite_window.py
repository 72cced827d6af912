"""A part of the picture that changes by itself: lips or eyes, in the source frame.

The window is drawn where it lies in the source portrait, before the head turns, so that the
network sees expression only. It moves the portrait's own pixels (a displacement at a quarter of
the resolution) and adds what they cannot show (a residual at full resolution, by pixel shuffle).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .bilinear_sampling import hat_matrix
from .lite_dims import WINDOW_STRIDE, LiteGeneratorDims
from .lite_motion import Coefficients

# The network's unit of displacement, in pixels; keeps its outputs of the order of one.
FLOW_UNIT = 8.0
# Pixels over which a window fades into its surroundings.
TAPER = 12.0
# Premultiplied red, green, blue, and coverage.
TEXTURE_CHANNELS = 4


class LiteWindow(nn.Module):
    """Features (n, 126) -> where each pixel of the window comes from, and what is added to it."""

    across: Tensor
    down: Tensor
    fade_rows: Tensor
    fade_columns: Tensor
    upsample_rows: Tensor
    upsample_columns: Tensor

    def __init__(self, dims: LiteGeneratorDims, window: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.top, self.left, self.height, self.width = window
        self._rows, self._columns = self.height // WINDOW_STRIDE, self.width // WINDOW_STRIDE
        first, second, third, fourth = dims.window_channels
        self._first = first
        self.coefficients = Coefficients(dims.hidden, dims.window_bases)
        bases = torch.randn(dims.window_bases, first * self._rows * self._columns) * 0.2
        self.bases = nn.Parameter(bases)
        self.to_eighth = _upsampling_block(first, second)
        self.to_quarter = _upsampling_block(second, third)
        self.flow = nn.Conv2d(third, 2, 3, padding=1)
        self.to_half = _upsampling_block(third, fourth)
        self.residual = nn.Sequential(
            nn.Conv2d(fourth, 4 * TEXTURE_CHANNELS, 3, padding=1), nn.PixelShuffle(2)
        )
        for last in (self.flow, self.residual[0]):
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
            last.weight.data.mul_(0.1)  # type: ignore[operator]
        self._register_constants()

    def _register_constants(self) -> None:
        rows = torch.arange(self.height, dtype=torch.float32)
        columns = torch.arange(self.width, dtype=torch.float32)
        fade_rows, fade_columns = _taper(rows), _taper(columns)
        # Grids as a column and a row each: a file need not hold what two sums give exactly.
        constants = {
            "across": torch.stack([columns + self.left, torch.zeros_like(columns)])[None, :, None],
            "down": torch.stack([torch.zeros_like(rows), rows + self.top])[None, :, :, None],
            "fade_rows": fade_rows[:, None],
            "fade_columns": fade_columns,
            # The flow fades where it is enlarged.
            "upsample_rows": fade_rows[:, None] * _enlarging(rows),
            "upsample_columns": (FLOW_UNIT * fade_columns[:, None] * _enlarging(columns)).T,
        }
        for name, value in constants.items():
            self.register_buffer(name, value.contiguous(), persistent=False)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Draw the window.

        Returns:
            (n, 2, height, width): source pixel (x, y) of each pixel of the window.
            (n, 4, height, width): what is added to the premultiplied colours and coverage.
        """
        mixed = torch.matmul(self.coefficients(features), self.bases)
        coarse = mixed.reshape(-1, self._first, self._rows, self._columns)
        quarter = self.to_quarter(self.to_eighth(coarse))
        flow = torch.matmul(self.upsample_rows, self.flow(quarter))
        flow = torch.matmul(flow, self.upsample_columns)
        residual = self.residual(self.to_half(quarter)) * self.fade_rows * self.fade_columns
        return flow + self.across + self.down, residual


def _upsampling_block(channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 4 * outputs, 3, padding=1), nn.LeakyReLU(0.1), nn.PixelShuffle(2)
    )


def _enlarging(positions: Tensor) -> Tensor:
    """(fine, coarse) matrix from a quarter of the resolution."""
    return hat_matrix((positions + 0.5) / 4 - 0.5, len(positions) // 4)


def _taper(positions: Tensor) -> Tensor:
    """1 inside, falling to 0 at both ends."""
    edge = torch.minimum(positions, positions.flip(0))
    reach = min(TAPER, len(positions) / 4)
    return (edge / reach).clamp(0, 1)
