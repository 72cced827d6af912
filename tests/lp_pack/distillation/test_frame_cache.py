"""Frames are drawn once: a killed run goes on, another teacher starts anew, full disks speak."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from blob_teacher import BlobTeacher

from lp_models.baking import SourceFace
from lp_pack.distillation.frame_cache import CHUNK, cached_frames
from lp_pack.distillation.motion_sampling import training_clips
from lp_pack.errors import DistillationError


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Make writing beyond `limit` bytes fail, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def keypoints(face: SourceFace) -> np.ndarray:
    return training_clips(face, CHUNK, seed=1)


def test_a_second_run_draws_nothing(tmp_path: Path, keypoints: np.ndarray) -> None:
    first = cached_frames(BlobTeacher(), keypoints, tmp_path, "blobs")
    idle = BlobTeacher()
    second = cached_frames(idle, keypoints, tmp_path, "blobs")
    assert idle.drawn == 0
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.frames[3], BlobTeacher().frames(keypoints[3:4])[0])


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, keypoints: np.ndarray) -> None:
    class KilledError(Exception):
        pass

    def kill(complete: int, total: int) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        cached_frames(BlobTeacher(), keypoints, tmp_path, "blobs", kill)
    teacher = BlobTeacher()
    resumed = cached_frames(teacher, keypoints, tmp_path, "blobs")
    assert teacher.drawn == len(keypoints) - CHUNK
    assert np.array_equal(resumed.frames[0], BlobTeacher().frames(keypoints[:1])[0])


def test_another_teacher_draws_anew(tmp_path: Path, keypoints: np.ndarray) -> None:
    cached_frames(BlobTeacher(), keypoints, tmp_path, "blobs")
    teacher = BlobTeacher()
    cached_frames(teacher, keypoints, tmp_path, "other blobs")
    assert teacher.drawn == len(keypoints)


@pytest.mark.parametrize("record", ["not json", "[1]", json.dumps({"complete": 5})])
def test_an_unreadable_record_means_drawing_anew(
    tmp_path: Path, keypoints: np.ndarray, record: str
) -> None:
    cached_frames(BlobTeacher(), keypoints, tmp_path, "blobs")
    (tmp_path / "cache.json").write_text(record)
    teacher = BlobTeacher()
    cached_frames(teacher, keypoints, tmp_path, "blobs")
    assert teacher.drawn == len(keypoints)


def test_a_disk_that_fills_up_is_reported_and_resumed(
    tmp_path: Path, keypoints: np.ndarray
) -> None:
    frame = 64 * 64 * 3
    with (
        file_size_limit(CHUNK * frame + 100),
        pytest.raises(DistillationError, match="it resumes"),
    ):
        cached_frames(BlobTeacher(), keypoints, tmp_path, "blobs")
    teacher = BlobTeacher()
    cached_frames(teacher, keypoints, tmp_path, "blobs")
    assert teacher.drawn == len(keypoints) - CHUNK


def test_a_disk_that_is_too_small_is_reported_at_once(
    tmp_path: Path, keypoints: np.ndarray
) -> None:
    class Huge(BlobTeacher):
        frame_size = 1_000_000

    teacher = Huge()
    with pytest.raises(DistillationError, match="no room"):
        cached_frames(teacher, keypoints, tmp_path, "huge")
    assert teacher.drawn == 0
