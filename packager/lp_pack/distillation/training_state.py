"""Where a training run stands, on disk: written whole or not at all, read as tensors only."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lp_models.atomic_file import atomic_write
from lp_pack.errors import DistillationError

MAX_BYTES = 2 << 30
FIELDS = ("settings", "step", "student", "average", "optimizer", "typical_loss")


@dataclass(frozen=True)
class TrainingState:
    """A moment of a run.

    Attributes:
        settings: JSON of the run's settings and data; another run must not go on from here.
        step: optimizer steps done.
        student: weights.
        average: their exponential moving average.
        optimizer: AdamW's state dict.
        typical_loss: running mean of the loss, against which a diverging one is noticed.
    """

    settings: str
    step: int
    student: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    typical_loss: float


def write_state(path: Path, state: TrainingState) -> None:
    """Write a state; a run that dies meanwhile leaves the previous one intact.

    Raises:
        DistillationError: The file cannot be written (a full disk).
    """
    buffer = io.BytesIO()
    torch.save({name: getattr(state, name) for name in FIELDS}, buffer)
    try:
        with atomic_write(path) as stream:
            stream.write(buffer.getbuffer())
    except OSError as error:
        raise DistillationError(
            "the training state could not be written; the previous one is intact",
            where=path,
            got=error.strerror or str(error),
            remedy="free some room and run the same command again: it resumes",
        ) from error


def read_state(path: Path, settings: str) -> TrainingState | None:
    """The state at `path`, or None if there is none yet.

    Raises:
        DistillationError: The file is damaged, or belongs to a run with other settings.
    """
    if not path.is_file():
        return None
    remedy = "delete the file to start anew, or pass another work folder"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = TrainingState(**{name: content[name] for name in FIELDS})
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError) as error:
        raise _damaged(path, error, remedy) from error
    except pickle.UnpicklingError as error:
        raise _damaged(path, error, remedy) from error
    if state.settings != settings:
        raise DistillationError(
            "the work folder belongs to a run with other settings",
            where=path,
            expected=settings,
            got=state.settings,
            remedy=remedy,
        )
    return state


def _damaged(path: Path, error: Exception, remedy: str) -> DistillationError:
    return DistillationError(
        "the training state cannot be read",
        where=path,
        expected="a file that lp-pack distill wrote",
        got=f"{type(error).__name__}: {str(error)[:200]}",
        remedy=remedy,
    )
