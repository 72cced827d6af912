"""Train Audio2Motion: AdamW, MSE with velocity and lip weights, cosine schedule, resume.

A run's folder holds `checkpoint.pt`, replaced atomically at every evaluation, and `events*` for
TensorBoard where that is installed. A killed run continues from its last evaluation; because a
batch depends on the seed and the step alone, it gives the same network as an undisturbed one.
"""

from __future__ import annotations

import copy
import logging
import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lp_models.atomic_file import atomic_write
from lp_models.audio2motion import Audio2Motion
from lp_models.motion import LIP_KEYPOINTS
from lp_pack.errors import TrainingError
from lp_pack.training.batch import Batch, BatchSource

log = logging.getLogger(__name__)
CHECKPOINT = "checkpoint.pt"
LARGEST_CHECKPOINT = 1 << 30
# A number of the motion vector that hardly moves must not be blown up by normalisation.
SMALLEST_STD = 1e-4


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; everything that shapes the result besides the data."""

    seed: int = 0
    steps: int = 1500
    learning_rate: float = 2e-3
    warmup_steps: int = 50
    weight_decay: float = 1e-4
    gradient_norm: float = 1.0
    # Between the LSTM's layers, in training only.
    dropout: float = 0.15
    # Weights of the loss: velocity against position, lips against the rest.
    velocity_weight: float = 1.0
    lip_weight: float = 4.0
    # Frames at the start of a piece that are not scored: the network has not heard anything yet.
    warmup_frames: int = 2
    evaluate_every: int = 100
    # Evaluations without a better validation loss before the run stops.
    patience: int = 8
    statistics_batches: int = 8


@dataclass(frozen=True)
class Evaluation:
    """Losses at one step, in squared standard deviations of the motion."""

    step: int
    training_loss: float
    validation_loss: float


@dataclass(frozen=True)
class TrainingResult:
    """The best network of a run (eval mode) and how the run went."""

    model: Audio2Motion
    evaluations: tuple[Evaluation, ...]
    best: Evaluation


@dataclass
class _Run:
    """What a checkpoint holds."""

    step: int
    evaluations: list[Evaluation]
    best_state: dict[str, Tensor]


Progress = Callable[[Evaluation], None]


def train(
    model: Audio2Motion,
    source: BatchSource,
    options: TrainingOptions,
    folder: Path,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train `model` in place, or continue the run in `folder`.

    Raises:
        TrainingError: the loss is not finite, or `folder` holds a run of another network.
    """
    torch.manual_seed(options.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    run = _resume(model, optimizer, folder / CHECKPOINT)
    if run is None:
        fit_normalisation(model, source, options.statistics_batches)
        run = _Run(0, [], copy.deepcopy(model.state_dict()))
    writer = _summary_writer(folder)
    weights = loss_weights(model, options.lip_weight)
    validation = source.validation_batches()
    running = 0.0
    while run.step < options.steps and not _is_stuck(run.evaluations, options.patience):
        running += _step(model, optimizer, source.training_batch(run.step), weights, options, run)
        run.step += 1
        if run.step % options.evaluate_every and run.step != options.steps:
            continue
        since = run.step % options.evaluate_every or options.evaluate_every
        evaluation = Evaluation(
            run.step, running / since, validate(model, validation, weights, options)
        )
        running = 0.0
        _record(model, optimizer, run, evaluation, folder, writer)
        if progress is not None:
            progress(evaluation)
    model.load_state_dict(run.best_state)
    best = min(run.evaluations, key=lambda evaluation: evaluation.validation_loss)
    return TrainingResult(model.eval(), tuple(run.evaluations), best)


def fit_normalisation(model: Audio2Motion, source: BatchSource, batches: int) -> None:
    """Set the network's constants from the first training batches: mel and motion mean and std."""
    mels, motions = [], []
    for step in range(batches):
        batch = source.training_batch(step)
        history = torch.zeros(len(batch.pcm), model.mel.history_samples)
        mels.append(model.mel.sequence(batch.pcm, history)[0].flatten(0, 2))
        motions.append(batch.motion[:, model.dims.look_ahead_frames :].flatten(0, 1))
    mel, motion = torch.cat(mels), torch.cat(motions)
    model.mel_mean.copy_(mel.mean(dim=0))
    model.mel_std.copy_(mel.std(dim=0).clamp(min=1.0))
    model.motion_mean.copy_(motion.mean(dim=0))
    model.motion_std.copy_(motion.std(dim=0).clamp(min=SMALLEST_STD))


def loss_weights(model: Audio2Motion, lip_weight: float) -> Tensor:
    """(motion_size,) weights with mean 1 over the numbers that move; 0 for those that do not."""
    weights = torch.ones(model.dims.motion_size)
    for keypoint in LIP_KEYPOINTS:
        weights[3 * keypoint : 3 * keypoint + 3] = lip_weight
    weights = weights * (model.motion_std > SMALLEST_STD)
    return weights / weights.sum().clamp(min=1e-9)


def motion_loss(predicted: Tensor, target: Tensor, weights: Tensor, velocity: float) -> Tensor:
    """Weighted MSE of (batch, frames, motion_size) plus that of the frame-to-frame differences."""
    error = predicted - target
    change = error[:, 1:] - error[:, :-1]
    position_loss = (error.square() * weights).sum(dim=-1).mean()
    return position_loss + velocity * (change.square() * weights).sum(dim=-1).mean()


def _loss(model: Audio2Motion, batch: Batch, weights: Tensor, options: TrainingOptions) -> Tensor:
    history, hidden, cell, _ = model.initial_states(len(batch.pcm))
    states = (history, hidden, cell, batch.idle_phase)
    motion, _ = model.forward_sequence(batch.pcm, batch.emotion, batch.style, states)
    start = model.dims.look_ahead_frames + options.warmup_frames
    predicted = (motion - model.motion_mean) / model.motion_std
    target = (batch.motion - model.motion_mean) / model.motion_std
    return motion_loss(predicted[:, start:], target[:, start:], weights, options.velocity_weight)


def _step(
    model: Audio2Motion,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    weights: Tensor,
    options: TrainingOptions,
    run: _Run,
) -> float:
    model.train()
    model.lstm.dropout = options.dropout
    # Dropout depends on the step alone, like the batch: a resumed run is the same run.
    torch.manual_seed((options.seed << 32) + run.step)
    for group in optimizer.param_groups:
        group["lr"] = options.learning_rate * schedule(run.step, options)
    loss = _loss(model, batch, weights, options)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingError(
            "the training loss is not finite",
            where=f"step {run.step}",
            expected="a finite loss",
            got=value,
            remedy="look for NaN in the labels, or lower the learning rate",
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), options.gradient_norm)
    optimizer.step()
    return value


def schedule(step: int, options: TrainingOptions) -> float:
    """Share of the learning rate: linear warm-up, then half a cosine down to 1 %."""
    if step < options.warmup_steps:
        return (step + 1) / options.warmup_steps
    done = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@torch.no_grad()
def validate(
    model: Audio2Motion, batches: Sequence[Batch], weights: Tensor, options: TrainingOptions
) -> float:
    """Mean loss over the validation batches."""
    model.eval()
    return sum(float(_loss(model, batch, weights, options)) for batch in batches) / len(batches)


def _is_stuck(evaluations: list[Evaluation], patience: int) -> bool:
    if not evaluations:
        return False
    best = min(range(len(evaluations)), key=lambda index: evaluations[index].validation_loss)
    return len(evaluations) - 1 - best >= patience


def _record(
    model: Audio2Motion,
    optimizer: torch.optim.Optimizer,
    run: _Run,
    evaluation: Evaluation,
    folder: Path,
    writer: Any,
) -> None:
    losses = [earlier.validation_loss for earlier in run.evaluations]
    run.evaluations.append(evaluation)
    if evaluation.validation_loss < min(losses, default=math.inf):
        run.best_state = copy.deepcopy(model.state_dict())
    content = {
        "step": run.step,
        "evaluations": [[e.step, e.training_loss, e.validation_loss] for e in run.evaluations],
        "best_state": run.best_state,
        "state": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with atomic_write(folder / CHECKPOINT) as stream:
        torch.save(content, stream)
    if writer is not None:
        writer.add_scalar("loss/training", evaluation.training_loss, run.step)
        writer.add_scalar("loss/validation", evaluation.validation_loss, run.step)


def _resume(model: Audio2Motion, optimizer: torch.optim.Optimizer, path: Path) -> _Run | None:
    if not path.exists():
        return None
    try:
        if path.stat().st_size > LARGEST_CHECKPOINT:
            raise ValueError(f"{path.stat().st_size} bytes")
        content = torch.load(path, weights_only=True)
        model.load_state_dict(content["state"])
        optimizer.load_state_dict(content["optimizer"])
        evaluations = [Evaluation(int(s), t, v) for s, t, v in content["evaluations"]]
        run = _Run(int(content["step"]), evaluations, content["best_state"])
    except (
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        OSError,
        pickle.UnpicklingError,
    ) as error:
        raise TrainingError(
            "the run in this folder cannot be continued",
            where=path,
            expected="a checkpoint of the same network",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="use another folder, or delete the checkpoint to start again",
        ) from error
    log.info("continuing at step %d", run.step)
    return run


def _summary_writer(folder: Path) -> Any:
    """TensorBoard's writer, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.info("TensorBoard is not installed: no event files")
        return None
    return SummaryWriter(str(folder))
