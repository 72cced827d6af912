"""A small teacher and what it drew."""

from __future__ import annotations

from pathlib import Path

import pytest
from blob_teacher import BlobTeacher, blob_face
from tiny_persona import write_weights

from lp_models.baking import SourceFace
from lp_pack.distillation.frame_cache import FrameCache, cached_frames
from lp_pack.distillation.motion_sampling import training_clips


@pytest.fixture(scope="session")
def face() -> SourceFace:
    return blob_face()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, face: SourceFace) -> FrameCache:
    keypoints = training_clips(face, 24, seed=0)
    return cached_frames(BlobTeacher(), keypoints, tmp_path_factory.mktemp("frames"), "blobs")


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny")
