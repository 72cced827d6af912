"""What a training run is asked to do."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from lp_pack.errors import DistillationError


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one resolution.

    Attributes:
        size: side of the frames that are compared.
        pairs: pairs of consecutive frames in a batch.
        steps: optimizer steps.
        learning_rate: peak of the stage; falls along a cosine to a tenth of it, or to zero in the
            last stage.
        crop: side of the square that is drawn and compared at a time, somewhere in the frame; 0 for
            the whole frame.
        details: whether windows and refiner take part, or only the turning head.
    """

    size: int
    pairs: int
    steps: int
    learning_rate: float
    crop: int = 0
    details: bool = True


@dataclass(frozen=True)
class DistillationSettings:
    """A run; equal settings, data and machine give equal weights.

    Attributes:
        preset: size of the student.
        stages: coarse to fine.
        training_clips: pairs of consecutive frames that the teacher draws for training.
        seed: of motion, initial weights and batches.
        ema_decay: of the averaged weights, which are the result.
        weight_decay: of AdamW.
        checkpoint_every: steps between checkpoints.
        log_every: steps between log entries.
        picture_every: steps between sample grids.
    """

    preset: str = "small"
    stages: tuple[Stage, ...] = (
        Stage(size=128, pairs=8, steps=1500, learning_rate=3e-3, details=False),
        Stage(size=256, pairs=4, steps=1200, learning_rate=2e-3),
        Stage(size=512, pairs=3, steps=2000, learning_rate=1.2e-3, crop=256),
    )
    training_clips: int = 1600
    seed: int = 0
    ema_decay: float = 0.995
    weight_decay: float = 1e-5
    checkpoint_every: int = 200
    log_every: int = 20
    picture_every: int = 500

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def scaled(self, total_steps: int) -> DistillationSettings:
        """The same run with its stages stretched or shortened to `total_steps`."""
        factor = total_steps / self.total_steps
        stages = tuple(
            dataclasses.replace(stage, steps=max(1, round(stage.steps * factor)))
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)

    def for_frames(self, frame_size: int) -> DistillationSettings:
        """The same run on frames of another size than 512."""
        factor = frame_size / 512
        stages = tuple(
            dataclasses.replace(
                stage, size=max(16, round(stage.size * factor)), crop=round(stage.crop * factor)
            )
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)

    def to_json(self) -> str:
        """Text that says whether two runs are the same run."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    def validate(self, frame_size: int) -> None:
        """Raise DistillationError where a stage cannot be run on frames of `frame_size`."""
        for stage in self.stages:
            usable = stage.size >= 16 and frame_size % stage.size == 0
            usable = usable and 0 <= stage.crop <= stage.size
            if not usable or min(stage.pairs, stage.steps) < 1 or stage.learning_rate <= 0:
                raise DistillationError(
                    "a training stage cannot be run",
                    where=stage,
                    expected=f"a size of at least 16 that divides {frame_size}, a crop within it, "
                    "at least one pair and one step, a positive learning rate",
                    got=stage,
                    remedy="change the stage",
                )
