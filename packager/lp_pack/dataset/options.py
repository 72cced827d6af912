"""How to extract a dataset, and the network that labels it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lp_models.checkpoint import checkpoint_paths, load_liveportrait, seeded_networks
from lp_models.dims import LivePortraitDims
from lp_models.motion_extractor import MotionExtractor
from lp_pack.hashing import file_sha256
from lp_pack.persona.liveportrait import dims_of

MOTION_EXTRACTOR_FILE = "base_models/motion_extractor.pth"
SEEDED_NOTICE = (
    "the motion extractor holds seeded random weights: the labels mean nothing (pass --weights)"
)


@dataclass(frozen=True)
class ExtractOptions:
    """What a user may choose.

    largest_face: where several faces are alike, follow the largest.
    emotion and intensity: of every video given by name; clip folders say their own.
    batch_size: frames in one run of the network.
    """

    largest_face: bool = False
    emotion: str = "neutral"
    intensity: float = 1.0
    batch_size: int = 16


@dataclass
class Labeller:
    """The motion extractor, loaded when the first video needs it.

    weights: folder of LivePortrait's checkpoints; None: seeded weights of `dims`.
    """

    weights: Path | None = None
    dims: LivePortraitDims | None = None
    seed: int = 0

    @cached_property
    def network(self) -> MotionExtractor:
        """The network; raises CheckpointError where a file is absent or broken."""
        if self.weights is None:
            return seeded_networks(self._dims, self.seed).motion_extractor
        return load_liveportrait(self.weights, self._dims).motion_extractor

    @cached_property
    def identity(self) -> str:
        """What the labels depend on."""
        if self.weights is None:
            return f"seeded {self.seed} {self._dims}"
        return file_sha256(checkpoint_paths(self.weights)[MOTION_EXTRACTOR_FILE])

    @property
    def _dims(self) -> LivePortraitDims:
        if self.dims is not None:
            return self.dims
        return LivePortraitDims() if self.weights is None else dims_of(self.weights)
