"""What ships of the demo persona: its trained weights, and the picture that they draw at rest.

`lp_pack.persona.default` makes a persona of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lp_models.baking import SourceFace
from lp_pack.demo.puppet import Puppet

WEIGHTS = Path(__file__).parent / "weights"
GENERATOR_WEIGHTS = WEIGHTS / "lite_generator.safetensors"
AUDIO2MOTION_WEIGHTS = WEIGHTS / "audio2motion.safetensors"


def demo_portrait(face: SourceFace) -> np.ndarray:
    """(512, 512, 3) uint8 RGB: the puppet at rest."""
    return Puppet().frames(face.keypoints.numpy())[0]
