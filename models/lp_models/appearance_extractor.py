"""F: one portrait to the appearance volume.

Source: LivePortrait's appearance feature extractor (face-vid2vid, arXiv 2011.15126, figure 13).
"""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import DownBlock2d, ResBlock3d, SameBlock2d
from .dims import LivePortraitDims


class AppearanceExtractor(nn.Module):
    """Attribute names are those of `appearance_feature_extractor.pth`.

    `second` is the published name of the layer that lifts the features into depth.
    """

    def __init__(self, dims: LivePortraitDims) -> None:
        super().__init__()
        self.dims = dims
        self.first = SameBlock2d(3, dims.appearance_channels)
        widest = dims.appearance_output_channels
        blocks = []
        for level in range(dims.appearance_down_blocks):
            before = min(widest, dims.appearance_channels * 2**level)
            after = min(widest, dims.appearance_channels * 2 ** (level + 1))
            blocks.append(DownBlock2d(before, after))
        self.down_blocks = nn.ModuleList(blocks)
        self.second = nn.Conv2d(widest, dims.flat_volume_channels, kernel_size=1)
        self.resblocks_3d = nn.Sequential()
        for index in range(dims.appearance_residual_blocks):
            self.resblocks_3d.add_module(f"3dr{index}", ResBlock3d(dims.volume_channels))

    def forward(self, image: Tensor) -> Tensor:
        """Look at a portrait.

        Args:
            image: (batch, 3, 256, 256) RGB in [0, 1].

        Returns:
            Feature volume (batch, 32, depth=16, height=64, width=64).
        """
        x = self.first(image)
        for block in self.down_blocks:
            x = block(x)
        volume = self.second(x).unflatten(1, (self.dims.volume_channels, self.dims.volume_depth))
        return self.resblocks_3d(volume)
