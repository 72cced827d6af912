"""The generator of one persona: 21 keypoints in, a frame out, everything else frozen.

`BakedGenerator` is the rewrite for devices (package `mobile`), `OriginalGenerator` the unmodified
networks behind the same interface, the reference that the rewrite is measured against.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .baking import SourcePersona
from .dims import LivePortraitDims
from .errors import BakingError
from .mobile.decoder import MobileDecoder
from .mobile.warping import MobileWarping
from .spade_decoder import SpadeDecoder
from .warping import WarpingNetwork

EXAMPLE_SEED = 0
EXAMPLE_DISPLACEMENT = 0.05  # in the [-1, 1] volume: a lively expression


class _Generator(nn.Module):
    """What both generators share: tensor names and example inputs."""

    input_names = ("keypoints",)
    output_names = ("frame",)

    source_keypoints: Tensor

    def __init__(self, dims: LivePortraitDims, persona: SourcePersona) -> None:
        super().__init__()
        _check_persona(dims, persona)
        self.register_buffer("source_keypoints", persona.face.keypoints.detach().clone())

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Keypoints (1, 21, 3) near the source's; the same on every call."""
        random = torch.Generator().manual_seed(EXAMPLE_SEED)
        moved = torch.randn(self.source_keypoints.shape, generator=random)
        return (self.source_keypoints + EXAMPLE_DISPLACEMENT * moved,)


class BakedGenerator(_Generator):
    """W and G with rank <= 4, two-dimensional convolutions, and the source frozen in.

    Exact up to rounding: within 1e-4 of `OriginalGenerator` on a frame in [0, 1].
    """

    @torch.no_grad()
    def __init__(
        self,
        warping: WarpingNetwork,
        spade_decoder: SpadeDecoder,
        persona: SourcePersona,
        *,
        filter_depth: bool = True,
    ) -> None:
        """Freeze a persona.

        Args:
            warping: LivePortrait's W in inference mode; left unchanged.
            spade_decoder: LivePortrait's G in inference mode; left unchanged.
            persona: the appearance volume (1, 32, 16, 64, 64) and the source's keypoints.
            filter_depth: let large depth convolutions run in a transformed domain
                (`mobile.depth_filtering`): fastest on CPUs; False keeps plain convolutions.

        Raises:
            BakingError: the persona was baked with networks of other dims.
        """
        super().__init__(warping.dims, persona)
        self.warping = MobileWarping(
            warping, persona.feature_volume, self.source_keypoints, filter_depth
        )
        self.decoder = MobileDecoder(spade_decoder)
        self.eval()

    def forward(self, keypoints: Tensor) -> Tensor:
        """Keypoints (1, 21, 3) in the [-1, 1] volume -> frame (1, 3, 512, 512) RGB in [0, 1]."""
        frame: Tensor = self.decoder(self.warping(keypoints[0]))
        return frame


class OriginalGenerator(_Generator):
    """The unmodified networks behind the same interface; 5-D sampling and Conv3d inside."""

    feature_volume: Tensor

    def __init__(
        self, warping: WarpingNetwork, spade_decoder: SpadeDecoder, persona: SourcePersona
    ) -> None:
        """Hold the networks; arguments as in `BakedGenerator`."""
        super().__init__(warping.dims, persona)
        self.register_buffer("feature_volume", persona.feature_volume.detach().clone())
        self.warping = warping
        self.spade_decoder = spade_decoder
        self.eval()

    def forward(self, keypoints: Tensor) -> Tensor:
        """Keypoints (1, 21, 3) in the [-1, 1] volume -> frame (1, 3, 512, 512) RGB in [0, 1]."""
        features = self.warping(self.feature_volume, keypoints, self.source_keypoints)
        frame: Tensor = self.spade_decoder(features)
        return frame


def _check_persona(dims: LivePortraitDims, persona: SourcePersona) -> None:
    parts = (
        ("feature_volume", persona.feature_volume, (1, *dims.volume_shape)),
        ("face.keypoints", persona.face.keypoints, (1, dims.num_keypoints, 3)),
    )
    for name, tensor, expected in parts:
        if tuple(tensor.shape) != expected:
            raise BakingError(
                "the persona does not fit the generator's networks",
                where=name,
                expected=expected,
                got=tuple(tensor.shape),
                remedy="bake one portrait with the networks that shall draw it",
            )
