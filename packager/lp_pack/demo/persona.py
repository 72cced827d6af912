"""The demo persona, complete: face, trained networks, picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lp_models.audio2motion import Audio2Motion
from lp_models.baking import SourceFace
from lp_models.lite_generator import LiteGenerator
from lp_pack.demo.face import demo_face
from lp_pack.demo.puppet import Puppet, portrait

WEIGHTS = Path(__file__).parent / "weights"
GENERATOR_WEIGHTS = WEIGHTS / "lite_generator.safetensors"
AUDIO2MOTION_WEIGHTS = WEIGHTS / "audio2motion.safetensors"

Row = tuple[float, float, float]


@dataclass(frozen=True)
class DemoPersona:
    """Everything that a bundle of the demo persona is built from.

    Attributes:
        face: canonical keypoints and source motion; use it with MotionStitcher(face, None).
        generator: keypoints (1, 21, 3) -> frame (1, 3, 512, 512).
        audio2motion: speech to motion.
        portrait: (512, 512, 3) uint8 RGB, the persona at rest on `background`.
        mask: (512, 512) uint8, 255 everywhere: a frame replaces the portrait whole, because the
            portrait is the frame at rest.
        frame_to_portrait: 2x3 identity, frame pixel -> portrait pixel.
        background: RGB of the plain background, for a chroma key.
    """

    face: SourceFace
    generator: LiteGenerator
    audio2motion: Audio2Motion
    portrait: np.ndarray
    mask: np.ndarray
    frame_to_portrait: tuple[Row, Row]
    background: tuple[int, int, int]


def demo_portrait(face: SourceFace) -> np.ndarray:
    """(512, 512, 3) uint8 RGB: the puppet at rest."""
    return Puppet().frames(face.keypoints.numpy())[0]


def demo_persona() -> DemoPersona:
    """Load the demo persona that ships with lp-pack.

    Raises:
        CheckpointError: A weight file is absent or damaged.
    """
    face = demo_face()
    picture = demo_portrait(face)
    return DemoPersona(
        face=face,
        generator=LiteGenerator.load(GENERATOR_WEIGHTS),
        audio2motion=Audio2Motion.load(AUDIO2MOTION_WEIGHTS),
        portrait=picture,
        mask=np.full(picture.shape[:2], 255, dtype=np.uint8),
        frame_to_portrait=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        background=portrait.BACKGROUND,
    )
