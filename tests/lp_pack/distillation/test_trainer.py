"""Training: it learns, it resumes to the same weights, and it says what went wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from blob_teacher import BlobTeacher

from lp_models.baking import SourceFace
from lp_models.lite_dims import LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_pack.distillation.evaluation import draw, measure
from lp_pack.distillation.frame_cache import FrameCache
from lp_pack.distillation.monitor import Monitor
from lp_pack.distillation.motion_sampling import held_out_sequences
from lp_pack.distillation.settings import DistillationSettings, Stage
from lp_pack.distillation.starting_point import initialise
from lp_pack.distillation.trainer import STATE_FILE, Trainer
from lp_pack.errors import DistillationError

SETTINGS = DistillationSettings(
    stages=(
        Stage(size=32, pairs=2, steps=6, learning_rate=2e-3, details=False),
        Stage(size=64, pairs=2, steps=8, learning_rate=2e-3, crop=32),
    ),
    checkpoint_every=4,
    log_every=1,
    picture_every=7,
)


@pytest.fixture
def student(face: SourceFace, cache: FrameCache) -> LiteGenerator:
    torch.manual_seed(0)
    lite = LiteGenerator(LiteGeneratorDims.tiny())
    initialise(lite, face, BlobTeacher(), cache)
    return lite


def trainer(
    student: LiteGenerator,
    cache: FrameCache,
    folder: Path,
    settings: DistillationSettings = SETTINGS,
) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(student, cache, settings, folder, "blobs")


def quality(student: LiteGenerator, face: SourceFace) -> float:
    (sequence,) = held_out_sequences(face, 1, 12, seed=3)
    teacher = BlobTeacher().frames(sequence.keypoints)
    return measure("blobs", sequence.keypoints, teacher, draw(student, sequence.keypoints)).psnr_db


def test_the_starting_point_already_follows_the_head(
    student: LiteGenerator, face: SourceFace, cache: FrameCache
) -> None:
    still = LiteGenerator(LiteGeneratorDims.tiny())
    initialise(still, face, BlobTeacher(), cache)
    with torch.no_grad():
        still.flow_coefficients.linear.weight.zero_()
    assert quality(student, face) > quality(still, face) + 1.5


def test_training_brings_the_student_closer(
    student: LiteGenerator, face: SourceFace, cache: FrameCache, tmp_path: Path
) -> None:
    before = quality(student, face)
    longer = SETTINGS.scaled(160)
    with Monitor(quiet=True) as monitor:
        trained = trainer(student, cache, tmp_path, longer).run(monitor)
    assert quality(trained, face) > before + 1.0


def test_a_resumed_run_ends_at_the_same_weights(
    student: LiteGenerator, cache: FrameCache, tmp_path: Path
) -> None:
    twin = LiteGenerator(student.dims)
    twin.load_state_dict(student.state_dict())
    with Monitor(quiet=True) as monitor:
        whole = trainer(student, cache, tmp_path / "whole").run(monitor)
        trainer(twin, cache, tmp_path / "parts").run(monitor, until_step=5)
        # What a new process starts from does not matter: the state decides.
        resumed = trainer(LiteGenerator(student.dims), cache, tmp_path / "parts")
        assert resumed.step == 5
        parts = resumed.run(monitor)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value, atol=1e-6, rtol=1e-5)


def test_a_folder_of_another_run_is_refused(
    student: LiteGenerator, cache: FrameCache, tmp_path: Path
) -> None:
    trainer(student, cache, tmp_path).checkpoint()
    with pytest.raises(DistillationError, match="other settings"):
        trainer(student, cache, tmp_path, dataclasses.replace(SETTINGS, seed=1))


def test_a_damaged_state_is_refused(
    student: LiteGenerator, cache: FrameCache, tmp_path: Path
) -> None:
    trainer(student, cache, tmp_path).checkpoint()
    state = tmp_path / STATE_FILE
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(DistillationError, match="cannot be read"):
        trainer(student, cache, tmp_path)


def test_a_diverging_loss_stops_the_run_and_keeps_the_last_checkpoint(
    student: LiteGenerator, cache: FrameCache, tmp_path: Path
) -> None:
    wild = dataclasses.replace(
        SETTINGS, stages=(Stage(size=32, pairs=1, steps=100, learning_rate=1e9),)
    )
    run = trainer(student, cache, tmp_path, wild)
    run.checkpoint()
    saved = (tmp_path / STATE_FILE).read_bytes()
    with Monitor(quiet=True) as monitor, pytest.raises(DistillationError, match="diverged"):
        run.run(monitor)
    assert run.step < 100
    assert (tmp_path / STATE_FILE).read_bytes()[:4] == saved[:4]
    assert not list(tmp_path.glob("*.partial"))


def test_batches_depend_on_the_step_alone(
    student: LiteGenerator, cache: FrameCache, tmp_path: Path
) -> None:
    run = trainer(student, cache, tmp_path)
    stage = SETTINGS.stages[1]
    first, again = run._batch(stage), run._batch(stage)
    assert torch.equal(first[1], again[1])
    assert first[1].shape == (4, 3, 32, 32)
    run.step += 1
    assert not torch.equal(run._batch(stage)[0], first[0])


@pytest.mark.parametrize(
    "stage",
    [
        Stage(size=48, pairs=1, steps=1, learning_rate=1e-3),
        Stage(size=64, pairs=1, steps=1, learning_rate=1e-3, crop=65),
        Stage(size=64, pairs=0, steps=1, learning_rate=1e-3),
        Stage(size=64, pairs=1, steps=1, learning_rate=0),
    ],
)
def test_a_senseless_stage_is_refused(stage: Stage) -> None:
    with pytest.raises(DistillationError, match="cannot be run"):
        DistillationSettings(stages=(stage,)).validate(64)


def test_the_pictures_lie_side_by_side(student: LiteGenerator, cache: FrameCache) -> None:
    from lp_pack.distillation.evaluation import comparison

    drawn = draw(student, cache.keypoints[:2])
    sheet = comparison(np.asarray(cache.frames[:2]), drawn)
    assert sheet.shape == (128, 192, 3)
    assert np.array_equal(sheet[:64, :64], cache.frames[0])
    assert np.array_equal(sheet[64:, 64:128], drawn[1])
