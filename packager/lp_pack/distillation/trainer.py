"""The training loop: coarse to fine, resumable, and loud when something goes wrong."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lp_models.lite_generator import LiteGenerator
from lp_models.motion import EYE_KEYPOINTS, LIP_KEYPOINTS
from lp_pack.distillation.evaluation import comparison
from lp_pack.distillation.frame_cache import FrameCache
from lp_pack.distillation.losses import frame_loss, region_weights, temporal_loss
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.settings import DistillationSettings, Stage
from lp_pack.distillation.training_state import TrainingState, read_state, write_state
from lp_pack.errors import DistillationError

STATE_FILE = "training_state.pt"
# A loss this many times the running mean, after the first steps, has diverged.
DIVERGED = 20.0
WARM_UP_STEPS = 50
GRADIENT_LIMIT = 1.0
LOSS_MEMORY = 0.98


class Trainer:
    """Trains one student on one cache of the teacher's frames.

    Frames 2i and 2i + 1 of the cache are consecutive.
    """

    def __init__(
        self,
        student: LiteGenerator,
        cache: FrameCache,
        settings: DistillationSettings,
        folder: Path,
        data_label: str,
        device: str = "cpu",
    ) -> None:
        """Set up, and resume from `folder` where an earlier run stopped.

        Raises:
            DistillationError: A stage does not fit, or the folder is another run's.
        """
        settings.validate(student.dims.frame_size)
        self.settings, self._cache, self._folder = settings, cache, folder
        self._device = torch.device(device)
        self._student = student.to(self._device).train()
        self._average = copy.deepcopy(self._student).eval().requires_grad_(False)
        self._optimizer = torch.optim.AdamW(
            self._student.parameters(), lr=1e-3, betas=(0.9, 0.99),
            weight_decay=settings.weight_decay,
        )  # fmt: skip
        self._identity = f"{settings.to_json()} {data_label}"
        self._typical_loss = 0.0
        self.step = 0
        self._resume()

    def run(self, monitor: Monitor, until_step: int | None = None) -> LiteGenerator:
        """Train to the end (or `until_step`) and return the averaged student.

        Raises:
            DistillationError: The loss diverged, or a checkpoint could not be written.
        """
        stop = min(until_step or self.settings.total_steps, self.settings.total_steps)
        while self.step < stop:
            stage, position = self._stage()
            loss = self._train_step(stage, position)
            self.step += 1
            self._report(monitor, stage, loss)
            if self.step % self.settings.checkpoint_every == 0 or self.step == stop:
                self.checkpoint()
        return self._average

    def checkpoint(self) -> None:
        """Write the state of the run."""
        state = TrainingState(
            settings=self._identity,
            step=self.step,
            student=self._student.state_dict(),
            average=self._average.state_dict(),
            optimizer=self._optimizer.state_dict(),
            typical_loss=self._typical_loss,
        )
        write_state(self._folder / STATE_FILE, state)

    def _resume(self) -> None:
        state = read_state(self._folder / STATE_FILE, self._identity)
        if state is None:
            return
        self._student.load_state_dict(state.student)
        self._average.load_state_dict(state.average)
        self._optimizer.load_state_dict(state.optimizer)
        self.step, self._typical_loss = state.step, state.typical_loss

    def _stage(self) -> tuple[Stage, float]:
        """The current stage and how far (0..1) it has come."""
        done = self.step
        for stage in self.settings.stages:
            if done < stage.steps:
                return stage, done / stage.steps
            done -= stage.steps
        raise AssertionError("asked for a stage after the last step")

    def _learning_rate(self, stage: Stage, position: float) -> float:
        floor = 0.0 if stage is self.settings.stages[-1] else 0.1
        cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * position))
        return stage.learning_rate * cosine * min(1.0, (self.step + 1) / WARM_UP_STEPS)

    def _batch(self, stage: Stage) -> tuple[Tensor, Tensor, tuple[int, int, int]]:
        """Keypoints (2n, 21, 3), frames (2n, 3, side, side) and the square (top, left, side).

        The same for the same step of the same run.
        """
        random = np.random.default_rng([self.settings.seed, self.step])
        clips = random.integers(0, len(self._cache.frames) // 2, stage.pairs)
        index = np.stack([2 * clips, 2 * clips + 1], axis=1).reshape(-1)
        keypoints = self._cache.keypoints[index]
        side = stage.crop or stage.size
        top, left = _square(random, keypoints, stage.size, side)
        frames = np.stack(
            [
                _reduced(self._cache.frames[i], stage.size)[top : top + side, left : left + side]
                for i in index
            ]
        )
        target = torch.from_numpy(frames).to(self._device).permute(0, 3, 1, 2).float().div_(255)
        return torch.from_numpy(keypoints).to(self._device), target, (top, left, side)

    def _train_step(self, stage: Stage, position: float) -> float:
        keypoints, target, square = self._batch(stage)
        rate = self._learning_rate(stage, position)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        drawn = self._student.render(keypoints, stage.size, details=stage.details, crop=square)
        top, left, side = square
        weights = region_weights(keypoints, stage.size)
        weights = weights[..., top : top + side, left : left + side]
        loss = frame_loss(drawn, target, weights) + temporal_loss(drawn, target)
        self._check(float(loss.detach()))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._student.parameters(), GRADIENT_LIMIT)
        self._optimizer.step()
        self._check_weights()
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        # Early on the average follows faster, or it would remember the untrained student.
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        pairs = zip(self._average.parameters(), self._student.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1 - decay)

    def _check_weights(self) -> None:
        """A step that ruined a weight must not reach the average or a checkpoint."""
        for name, parameter in self._student.named_parameters():
            if not torch.isfinite(parameter.detach().sum()):
                raise DistillationError(
                    "training diverged",
                    where=f"step {self.step}, weight {name}",
                    expected="finite numbers",
                    got="nan or infinity",
                    remedy="run again with a lower learning rate; the last checkpoint is from "
                    "before",
                )

    def _check(self, loss: float) -> None:
        typical = self._typical_loss or loss
        if not math.isfinite(loss) or (self.step > WARM_UP_STEPS and loss > DIVERGED * typical):
            raise DistillationError(
                "training diverged",
                where=f"step {self.step}",
                expected=f"a loss near {typical:.4g}",
                got=f"{loss:.4g}",
                remedy="run again with a lower learning rate; the last checkpoint is from before",
            )
        self._typical_loss = LOSS_MEMORY * typical + (1 - LOSS_MEMORY) * loss

    def _report(self, monitor: Monitor, stage: Stage, loss: float) -> None:
        if self.step % self.settings.log_every == 0:
            note = f"{stage.size}px, loss {self._typical_loss:.4f}"
            monitor.advance("training", self.step, self.settings.total_steps, note)
            monitor.scalar("loss", loss, self.step)
            monitor.scalar("learning_rate", self._optimizer.param_groups[0]["lr"], self.step)
        if self.step % self.settings.picture_every == 0:
            chosen = np.linspace(0, len(self._cache.frames) - 1, 4).astype(int)
            keypoints = torch.from_numpy(self._cache.keypoints[chosen]).to(self._device)
            with torch.no_grad():
                drawn = self._average.render(keypoints).clamp(0, 1)
            frames = (drawn * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
            teacher = np.stack([self._cache.frames[i] for i in chosen])
            monitor.picture(
                "teacher | student | difference", comparison(teacher, frames), self.step
            )


def _reduced(frame: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A frame at a lower resolution, by averaging."""
    if len(frame) == size:
        return frame
    return np.asarray(cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _square(
    random: np.random.Generator, keypoints: NDArray[np.float32], size: int, side: int
) -> tuple[int, int]:
    """Top left corner of a square: half of the time over lips or eyes, else anywhere."""
    if side >= size:
        return 0, 0
    if random.random() < 0.5:
        region = LIP_KEYPOINTS if random.random() < 0.6 else EYE_KEYPOINTS
        x, y = (keypoints[:, list(region), :2].mean(axis=(0, 1)) + 1) * size / 2
        jitter = random.uniform(-0.3, 0.3, 2) * side
        left, top = x - side / 2 + jitter[0], y - side / 2 + jitter[1]
    else:
        left, top = random.uniform(0, size - side, 2)
    return int(np.clip(top, 0, size - side)), int(np.clip(left, 0, size - side))
