"""The Audio2Motion network of a persona: a checkpoint, or a seeded one where there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from lp_models.audio2motion import KIND, Audio2Motion, Audio2MotionDims
from lp_models.motion import MOTION_SIZE
from lp_models.own_checkpoint import load_own
from lp_pack.errors import ConfigError
from lp_pack.hashing import file_sha256

# A checkpoint says in its `extra` at which motion its face is at rest: a JSON list of 70 numbers.
NEUTRAL_KEY = "neutral_motion"
SCALE_INDEX = 63
# How far an untrained network's motion strays from rest: exp, scale, t, then degrees.
UNTRAINED_SPREAD = (0.01, 0.01, 0.01, 2.0)


@dataclass(frozen=True)
class MotionNetwork:
    """Where the Audio2Motion network comes from.

    checkpoint: its file; None: random weights from `seed`.
    """

    checkpoint: Path | None
    seed: int = 0
    dims: Audio2MotionDims = field(default_factory=Audio2MotionDims)

    @property
    def trained(self) -> bool:
        """Whether there is a checkpoint."""
        return self.checkpoint is not None

    @property
    def inputs(self) -> dict[str, str]:
        """What the network depends on: the file's hash, or seed and dims."""
        if self.checkpoint is not None:
            return {"audio2motion": file_sha256(self.checkpoint)}
        return {"audio2motion": f"seed {self.seed}, {self.dims}"}

    @property
    def provenance(self) -> dict[str, str]:
        """{role: sha256} of the checkpoint."""
        return {} if self.checkpoint is None else self.inputs

    @property
    def weight_count(self) -> int:
        """How many numbers the network holds."""
        return count_weights(self.load())

    def check(self) -> None:
        """Raise CheckpointError or ConfigError before anything long starts."""
        if self.checkpoint is not None:
            self.load()
            self.neutral_motion()

    def load(self) -> Audio2Motion:
        """The module, in inference mode."""
        if self.checkpoint is not None:
            return Audio2Motion.load(self.checkpoint)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = Audio2Motion(self.dims)
        network.motion_mean.copy_(torch.from_numpy(resting_motion()))
        exp, scale, t, degrees = UNTRAINED_SPREAD
        spread = torch.tensor([exp] * SCALE_INDEX + [scale] + [t] * 3 + [degrees] * 3)
        network.motion_std.copy_(spread)
        return network.eval()

    def neutral_motion(self) -> np.ndarray:
        """(70,) the motion of a face at rest, as the checkpoint says.

        Where it does not: the mean of the motion it was trained on.
        """
        if self.checkpoint is None:
            return resting_motion()
        stored = load_own(self.checkpoint, KIND)
        if NEUTRAL_KEY not in stored.extra:
            mean: np.ndarray = stored.tensors["motion_mean"].float().numpy()
            return mean
        try:
            neutral = np.asarray(json.loads(stored.extra[NEUTRAL_KEY]), dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise self._refuse(error) from error
        if neutral.shape != (MOTION_SIZE,) or not np.isfinite(neutral).all():
            raise self._refuse(f"shape {neutral.shape}")
        return neutral

    def _refuse(self, got: object) -> ConfigError:
        return ConfigError(
            "The Audio2Motion checkpoint's neutral motion is not a motion",
            where=f"{self.checkpoint}, extra '{NEUTRAL_KEY}'",
            expected=f"a JSON list of {MOTION_SIZE} finite numbers",
            got=got,
            remedy="train the checkpoint again",
        )


def count_weights(*networks: torch.nn.Module) -> int:
    """Parameters and buffers together."""
    return sum(t.numel() for network in networks for t in network.state_dict().values())


def resting_motion() -> np.ndarray:
    """(70,) no expression, scale 1, no translation, looking ahead."""
    motion = np.zeros(MOTION_SIZE, dtype=np.float32)
    motion[SCALE_INDEX] = 1.0
    return motion
