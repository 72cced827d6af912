"""What a person sees of a training run: a progress bar with time left, and TensorBoard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Monitor:
    """Progress on standard error and, where tensorboard is installed, an event file."""

    def __init__(self, folder: Path | None = None, quiet: bool = False) -> None:
        """Show a run; `folder` takes TensorBoard's events."""
        self._writer = _tensorboard_writer(folder)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=quiet,
            refresh_per_second=2,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Monitor:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
        if self._writer is not None:
            self._writer.close()

    def advance(self, task: str, complete: int, total: int, note: str = "") -> None:
        """Move a named bar to `complete` of `total`."""
        if task not in self._tasks:
            # What an earlier run did must not count into the pace.
            self._tasks[task] = self._progress.add_task(
                task, total=total, completed=complete, note=note
            )
        self._progress.update(self._tasks[task], completed=complete, note=note)

    def scalar(self, name: str, value: float, step: int) -> None:
        """Log a number."""
        if self._writer is not None:
            self._writer.add_scalar(name, value, step)

    def picture(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        """Log an RGB picture (height, width, 3)."""
        if self._writer is not None:
            self._writer.add_image(name, picture, step, dataformats="HWC")


def _tensorboard_writer(folder: Path | None) -> Any:
    """A SummaryWriter, or None without a folder or without tensorboard."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
