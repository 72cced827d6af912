"""LivePortrait's seven networks, held together."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import nn

from .appearance_extractor import AppearanceExtractor
from .dims import LivePortraitDims
from .motion_extractor import MotionExtractor
from .spade_decoder import SpadeDecoder
from .stitching import EyeRetargetingNetwork, LipRetargetingNetwork, StitchingNetwork
from .warping import WarpingNetwork


@dataclass(frozen=True)
class LivePortraitNetworks:
    """The original networks for one set of dims."""

    dims: LivePortraitDims
    appearance_extractor: AppearanceExtractor
    motion_extractor: MotionExtractor
    warping: WarpingNetwork
    spade_decoder: SpadeDecoder
    stitching: StitchingNetwork
    lip_retargeting: LipRetargetingNetwork
    eye_retargeting: EyeRetargetingNetwork

    @classmethod
    def build(cls, dims: LivePortraitDims) -> LivePortraitNetworks:
        """Networks with torch's own initial weights, on torch's default device."""
        return cls(
            dims=dims,
            appearance_extractor=AppearanceExtractor(dims),
            motion_extractor=MotionExtractor(dims),
            warping=WarpingNetwork(dims),
            spade_decoder=SpadeDecoder(dims),
            stitching=StitchingNetwork(dims),
            lip_retargeting=LipRetargetingNetwork(dims),
            eye_retargeting=EyeRetargetingNetwork(dims),
        )

    def modules(self) -> dict[str, nn.Module]:
        """The networks by name."""
        return {
            field.name: getattr(self, field.name) for field in fields(self) if field.name != "dims"
        }

    def freeze(self) -> LivePortraitNetworks:
        """Put every network into inference mode, without gradients; returns itself."""
        for module in self.modules().values():
            module.eval().requires_grad_(False)
        return self
