"""One distillation from beginning to end: draw, train, measure, save."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write
from lp_models.baking import SourceFace
from lp_models.flops import cost
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_pack.distillation.evaluation import Figures, comparison, draw, measure, summary
from lp_pack.distillation.face_record import FACE_KEY, face_to_text
from lp_pack.distillation.frame_cache import FrameCache, cached_frames
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.motion_sampling import KeypointSequence
from lp_pack.distillation.settings import DistillationSettings
from lp_pack.distillation.starting_point import initialise
from lp_pack.distillation.teacher import Teacher, checked_frames
from lp_pack.distillation.trainer import Trainer


@dataclass(frozen=True)
class DistillationTask:
    """What is learnt from whom, and on what it is judged.

    Attributes:
        teacher: draws the persona.
        teacher_name: goes into the report and tells caches apart.
        face: the persona's keypoints.
        dims: of the student.
        settings: of the training.
        training_keypoints: (2 * clips, 21, 3), pairs of consecutive frames.
        held_out: motion that training never sees.
        folder: for frames and the training state; a run that was killed resumes from it.
        device: torch's name of where to train.
        half: store the student's large tensors as float16, and measure it that way.
    """

    teacher: Teacher
    teacher_name: str
    face: SourceFace
    dims: LiteGeneratorDims
    settings: DistillationSettings
    training_keypoints: NDArray[np.float32]
    held_out: Sequence[KeypointSequence]
    folder: Path
    device: str = "cpu"
    half: bool = False


@dataclass(frozen=True)
class DistillationResult:
    """The trained student and what it can do."""

    student: LiteGenerator
    figures: tuple[Figures, ...]
    overall: Figures
    gigaflops: float
    parameters: int
    pictures: NDArray[np.uint8]


def distill(task: DistillationTask, monitor: Monitor) -> DistillationResult:
    """Train a student and measure it.

    Raises:
        DistillationError: A bad teacher, a diverging loss, a full disk.
    """
    cache = cached_frames(
        task.teacher,
        task.training_keypoints,
        task.folder / "frames",
        task.teacher_name,
        lambda complete, total: monitor.advance("teacher's frames", complete, total),
    )
    torch.manual_seed(task.settings.seed)
    student = LiteGenerator(task.dims)
    initialise(student, task.face, task.teacher, cache)
    trainer = Trainer(
        student, cache, task.settings, task.folder, _data_label(task, cache), task.device
    )
    with _flushed_denormals():
        trained = trainer.run(monitor).to("cpu").eval()
    if task.half:
        trained.round_to_half()
    return evaluate(trained, task)


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Weights that fall into denormal numbers slow some kernels down tenfold."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def evaluate(student: LiteGenerator, task: DistillationTask) -> DistillationResult:
    """Measure a student on a task's held-out motion."""
    figures, pictures = [], []
    for sequence in task.held_out:
        teacher = checked_frames(task.teacher, sequence.keypoints)
        drawn = draw(student, sequence.keypoints)
        figures.append(measure(sequence.name, sequence.keypoints, teacher, drawn))
        middle = len(teacher) // 2
        pictures.append(comparison(teacher[middle : middle + 1], drawn[middle : middle + 1]))
    measured = cost(student, student.example_inputs())
    return DistillationResult(
        student=student,
        figures=tuple(figures),
        overall=summary(figures),
        gigaflops=measured.gigaflops,
        parameters=measured.parameters,
        pictures=np.vstack(pictures),
    )


def report(result: DistillationResult, task: DistillationTask) -> dict[str, object]:
    """Figures and settings as plain values for a JSON file."""
    return {
        "teacher": task.teacher_name,
        "dims": task.dims.to_dict(),
        "settings": dataclasses.asdict(task.settings),
        "gigaflops": round(result.gigaflops, 4),
        "parameters": result.parameters,
        "training_frames": len(task.training_keypoints),
        "held_out": [_rounded(each) for each in (*result.figures, result.overall)],
    }


def save_result(result: DistillationResult, task: DistillationTask, weights: Path) -> None:
    """Write `weights`, and beside it `<name>_report.json` and `<name>_report.png`."""
    text = json.dumps(report(result, task), indent=2, sort_keys=True) + "\n"
    result.student.save(weights, extra={FACE_KEY: face_to_text(task.face)}, half=task.half)
    _write(weights.with_name(f"{weights.stem}_report.json"), text.encode())
    pictures = cv2.cvtColor(result.pictures, cv2.COLOR_RGB2BGR)
    _write(
        weights.with_name(f"{weights.stem}_report.png"), cv2.imencode(".png", pictures)[1].tobytes()
    )


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as stream:
        stream.write(content)


def _rounded(figures: Figures) -> dict[str, object]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in dataclasses.asdict(figures).items()
    }


def _data_label(task: DistillationTask, cache: FrameCache) -> str:
    """What tells two runs with equal settings apart: data, teacher and dims."""
    digest = hashlib.sha256(np.ascontiguousarray(cache.keypoints).tobytes())
    digest.update(json.dumps([task.teacher_name, task.dims.to_dict()], sort_keys=True).encode())
    return digest.hexdigest()[:16]
