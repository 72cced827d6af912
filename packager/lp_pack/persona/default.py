"""The embedded default: what `lp-pack build` makes when it is given nothing.

That is the demo persona, trained and shipped with lp-pack. An installation without its weights
falls back to scikit-image's astronaut with seeded networks, marked untrained.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lp_models.dims import LivePortraitDims
from lp_models.lite_generator import LiteGenerator
from lp_models.motion_stitcher import Mode
from lp_pack.demo.face import demo_face
from lp_pack.demo.shipped import AUDIO2MOTION_WEIGHTS, GENERATOR_WEIGHTS, demo_portrait
from lp_pack.licences import ASTRONAUT, LP_PACK, LicenceText
from lp_pack.persona.lite import LitePersona
from lp_pack.persona.liveportrait import LivePortraitPersona
from lp_pack.persona.motion_network import MotionNetwork

DEFAULT_NAME = "astronaut"
# LivePortrait's structure and frame size with few channels: a build takes a minute, not five.
SEEDED_DIMS = LivePortraitDims(
    appearance_channels=8,
    appearance_residual_blocks=2,
    volume_channels=8,
    convnext_channels=(16, 16, 32, 32),
    convnext_depths=(1, 1, 2, 1),
    hourglass_channels=8,
    hourglass_max_channels=64,
    feature_channels=32,
    spade_hidden_channels=16,
    spade_middle_blocks=2,
    spade_output_channels=16,
)


class DemoPersona(LitePersona):
    """The shipped persona; its picture is the puppet that taught its generator."""

    @property
    def licences(self) -> tuple[LicenceText, ...]:
        """Ours, and the public-domain picture's."""
        return (LP_PACK, ASTRONAUT)

    def picture_at_rest(self, generator: LiteGenerator) -> np.ndarray:
        """(512, 512, 3) uint8 RGB."""
        return demo_portrait(demo_face())


def default_persona(
    mode: Mode = "relative", audio2motion: Path | None = None
) -> LitePersona | LivePortraitPersona:
    """The demo persona, or the seeded one where the demo's weights are not installed.

    Args:
        mode: relative or absolute motion.
        audio2motion: another motion network in place of the demo's.
    """
    if GENERATOR_WEIGHTS.is_file() and AUDIO2MOTION_WEIGHTS.is_file():
        motion = MotionNetwork(audio2motion or AUDIO2MOTION_WEIGHTS)
        return DemoPersona(GENERATOR_WEIGHTS, motion, motion_mode=mode)
    return seeded_persona(mode, MotionNetwork(audio2motion))


def seeded_persona(
    mode: Mode = "relative", motion: MotionNetwork | None = None
) -> LivePortraitPersona:
    """scikit-image's astronaut with seeded networks; marked untrained."""
    return LivePortraitPersona(
        portrait=None,
        weights=None,
        motion=motion or MotionNetwork(None),
        motion_mode=mode,
        dims=SEEDED_DIMS,
    )
