"""What warping cannot show: light that changes with the pose, and places that come into view.

Constant features are warped with the head at a quarter of the frame's resolution, joined by
features that the motion mixes, and decoded by two convolutions and a pixel shuffle.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .bilinear_sampling import hat_matrix, sample_map, sample_rows
from .lite_dims import LiteGeneratorDims
from .lite_motion import Coefficients

UPSCALE = 4


class LiteRefiner(nn.Module):
    """Adds a residual (n, 3, frame_size, frame_size)."""

    upsample: Tensor

    def __init__(self, dims: LiteGeneratorDims) -> None:
        super().__init__()
        self.size, self._channels = dims.refiner_size, dims.refiner_channels
        self._coarse = dims.refiner_size // 4
        self.constants = nn.Parameter(torch.randn(self.size, self.size, self._channels) * 0.1)
        self.coefficients = Coefficients(dims.hidden, dims.refiner_bases)
        bases = torch.randn(dims.refiner_bases, self._channels * self._coarse**2) * 0.05
        self.bases = nn.Parameter(bases)
        self.mix = nn.Sequential(
            nn.Conv2d(2 * self._channels, self._channels, 3, padding=1), nn.LeakyReLU(0.1)
        )
        last = nn.Conv2d(self._channels, 3 * UPSCALE**2, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.residual = nn.Sequential(last, nn.PixelShuffle(UPSCALE))
        positions = (torch.arange(self.size, dtype=torch.float32) + 0.5) / 4 - 0.5
        self.register_buffer("upsample", hat_matrix(positions, self._coarse), persistent=False)

    def forward(self, features: Tensor, coordinates: Tensor, use_rows: bool) -> Tensor:
        """Decode.

        Args:
            features: (n, 126) of the keypoints.
            coordinates: (n, 2, refiner_size, refiner_size), source pixel of each place, in pixels
                of a refiner_size picture.
            use_rows: sample by row gathers (a batch of one), as exported.
        """
        if use_rows:
            table = self.constants.reshape(self.size**2, self._channels)
            planes = sample_rows(table, coordinates, self.size, self.size)
            warped = planes.reshape(1, self._channels, self.size, self.size)
        else:
            picture = self.constants.permute(2, 0, 1)[None]
            warped = sample_map(picture, coordinates, self.size, self.size)
        mixed = torch.matmul(self.coefficients(features), self.bases)
        motion = mixed.reshape(-1, self._channels, self._coarse, self._coarse)
        motion = torch.matmul(torch.matmul(self.upsample, motion), self.upsample.T)
        residual: Tensor = self.residual(self.mix(torch.cat([warped, motion], dim=1)))
        return residual
