"""From what a user asks for to a task that can be run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.baking import SourceFace
from lp_pack.demo.face import demo_face
from lp_pack.demo.puppet import Puppet
from lp_pack.distillation.frame_cache import cached_frames
from lp_pack.distillation.full_teacher import full_teacher
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.motion_sampling import (
    KeypointSequence,
    augmented_sequence,
    held_out_sequences,
    template_sequence,
    training_clips,
)
from lp_pack.distillation.picture_boxes import fitted_dims, moving_box
from lp_pack.distillation.run import DistillationTask
from lp_pack.distillation.settings import DistillationSettings
from lp_pack.distillation.teacher import Teacher
from lp_pack.errors import DistillationError
from lp_runtime.motion_template import read_motion_template

PUPPET_NAME = "puppet of scikit-image's astronaut"
HELD_OUT_SEQUENCES = 4
# Copies of each training template, moved about, and the share of clips they may make up.
TEMPLATE_COPIES = 4
TEMPLATE_SHARE = 0.5
FRAMES_PER_TEMPLATE = 100


@dataclass(frozen=True)
class Request:
    """What `lp-pack distill` was asked for; None means the settings' own."""

    work: Path
    portrait: Path | None = None
    weights: Path | None = None
    crop: str = "auto"
    motions: tuple[Path, ...] = ()
    held_out: tuple[Path, ...] = ()
    size: str = "small"
    steps: int | None = None
    clips: int | None = None
    held_out_frames: int = 50
    seed: int = 0
    device: str = "cpu"


def prepare(request: Request, monitor: Monitor) -> DistillationTask:
    """Set up teacher, motion and dims; draws the teacher's frames.

    Raises:
        DistillationError: The device is absent, or the teacher's frames are unusable.
        LpPackError, LpModelError, InputError: An input file is absent or unusable.
    """
    _check_device(request.device)
    teacher, face, name = _teacher(request)
    settings = DistillationSettings(preset=request.size, seed=request.seed)
    settings = settings.for_frames(teacher.frame_size)
    if request.steps is not None:
        settings = settings.scaled(request.steps)
    if request.clips is not None:
        settings = dataclasses.replace(settings, training_clips=request.clips)
    templates = [_template(face, path, None) for path in request.motions]
    keypoints = _training_keypoints(face, settings, templates)
    judged = held_out_sequences(face, HELD_OUT_SEQUENCES, request.held_out_frames, request.seed)
    judged += [_template(face, path, FRAMES_PER_TEMPLATE) for path in request.held_out]
    cache = cached_frames(
        teacher,
        keypoints,
        request.work / "frames",
        name,
        lambda complete, total: monitor.advance("teacher's frames", complete, total),
    )
    dims = fitted_dims(request.size, face, teacher.frame_size)
    return DistillationTask(
        teacher=teacher,
        teacher_name=name,
        face=face,
        dims=dataclasses.replace(dims, moving_box=moving_box(cache)),
        settings=settings,
        training_keypoints=keypoints,
        held_out=judged,
        folder=request.work,
        device=request.device,
    )


def _teacher(request: Request) -> tuple[Teacher, SourceFace, str]:
    if request.portrait is None and request.weights is None:
        return Puppet(), demo_face(), PUPPET_NAME
    full = full_teacher(request.portrait, request.weights, request.crop, request.device)
    return full.teacher, full.face, full.name


def _template(face: SourceFace, path: Path, frames: int | None) -> KeypointSequence:
    return template_sequence(face, path.stem, read_motion_template(path).motion[:frames])


def _training_keypoints(
    face: SourceFace, settings: DistillationSettings, templates: Sequence[KeypointSequence]
) -> NDArray[np.float32]:
    """Pairs of consecutive frames: templates as they are and moved about, the rest synthetic."""
    recorded: list[NDArray[np.float32]] = []
    for number, template in enumerate(templates):
        copies = [template] + [
            augmented_sequence(face, template, settings.seed * 1000 + number * 10 + copy)
            for copy in range(TEMPLATE_COPIES)
        ]
        recorded += [
            sequence.keypoints[start : start + 2]
            for sequence in copies
            for start in range(0, len(sequence.keypoints) - 1, 2)
        ]
    limit = int(settings.training_clips * TEMPLATE_SHARE)
    if len(recorded) > limit:
        chosen = np.random.default_rng(settings.seed).permutation(len(recorded))[:limit]
        recorded = [recorded[index] for index in chosen]
    synthetic = training_clips(face, settings.training_clips - len(recorded), settings.seed)
    return np.concatenate([synthetic, *recorded]).astype(np.float32)


def _check_device(device: str) -> None:
    available = device == "cpu" or (device.startswith("cuda") and torch.cuda.is_available())
    if not available:
        raise DistillationError(
            "the device cannot be used",
            where="--device",
            expected="cpu, or cuda where torch sees a GPU",
            got=device,
            remedy="pass --device cpu",
        )
