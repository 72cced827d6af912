"""Datasets on disk: what is refused, how they are split, how motion files fit in."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_dataset import loudness_clip, write_dataset

from lp_pack.dataset.dataset import Dataset, Part, segments
from lp_pack.dataset.drift import measure_drift
from lp_pack.dataset.extract import CLIPS
from lp_pack.dataset.face_track import runs
from lp_pack.dataset.motion_files import resampled
from lp_pack.dataset.record import ClipData, ClipRecord, check_motion, read_record, write_clip
from lp_pack.errors import DatasetError
from lp_runtime.motion_template import MotionTemplate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset")


def test_a_clip_comes_back_as_it_was(folder: Path) -> None:
    reader = Dataset.open(folder).clips[0]
    data = loudness_clip(0, 60)
    np.testing.assert_array_equal(reader.pcm(10, 12), data.pcm[6400:7680])
    np.testing.assert_array_equal(reader.motion(3, 60), data.motion[3:])
    assert np.abs(reader.samples(0, 60)).max() <= 1.0


def test_nan_names_clip_frame_and_number() -> None:
    motion = np.zeros((5, 70), np.float32)
    motion[3, 64] = np.inf
    with pytest.raises(DatasetError, match=r"clip anna, frame 3, t x"):
        check_motion("anna", motion)


def test_a_dataset_with_nan_inside_is_not_opened(folder: Path) -> None:
    path = folder / CLIPS / "voice-2.safetensors"
    content = bytearray(path.read_bytes())
    reader = Dataset.open(folder).clips[4]
    assert reader.record.id == "voice-2"
    at = content.find(reader.motion(0, 60).tobytes())
    content[at + 4 * 70 * 5 : at + 4 * 70 * 5 + 4] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"clip voice-2, frame 5, exp 0 x"):
        Dataset.open(folder)


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_torn_file_is_named(size: int, folder: Path) -> None:
    path = folder / CLIPS / "voice-3.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DatasetError, match=r"voice-3\.safetensors"):
        Dataset.open(folder)


def test_a_record_with_unknown_fields_is_refused(folder: Path) -> None:
    path = folder / CLIPS / "voice-0.json"
    path.write_text(path.read_text().replace('"kind"', '"king"'))
    with pytest.raises(DatasetError, match=r"voice-0\.json"):
        read_record(path)


def test_arrays_of_different_length_are_not_written(tmp_path: Path) -> None:
    data = loudness_clip(0, 20)
    record = ClipRecord(
        id="a", kind="video", frames=21, valid_frames=21, key="", source=(), hashes={}
    )
    with pytest.raises(DatasetError, match="not equally long"):
        write_clip(tmp_path, record, data)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="lp-pack extract"):
        Dataset.open(tmp_path)


class TestSplit:
    def test_no_text_is_in_two_parts(self, folder: Path) -> None:
        data = loudness_clip(99, 60)
        # The same sentence as voice-5, at another speed.
        record = read_record(folder / CLIPS / "voice-5.json")
        twin = {name: getattr(record, name) for name in record.__struct_fields__}
        write_clip(folder / CLIPS, ClipRecord(**(twin | {"id": "twin", "frames": 60})), data)
        for seed in range(8):
            split = Dataset.open(folder).split(0.2, seed)
            texts = [{p.clip.record.text for p in parts} for parts in vars(split).values()]
            assert not texts[0] & texts[1]
            assert not texts[0] & texts[2]
            assert not texts[1] & texts[2]
            assert sum(len(parts) for parts in vars(split).values()) == 13

    def test_it_follows_from_the_seed(self, folder: Path) -> None:
        names = [Dataset.open(folder).split(0.2, seed).identifiers() for seed in (0, 0, 1)]
        assert names[0] == names[1] != names[2]

    def test_a_pattern_chooses_what_is_held_out(self, folder: Path) -> None:
        split = Dataset.open(folder).split(0.1, 0, "voice-1*")
        assert split.identifiers()["held_out"] == ["voice-1", "voice-10", "voice-11"]
        assert len(split.training) + len(split.validation) == 9

    def test_a_held_out_voice_is_judged_by_words_that_nobody_taught(self, folder: Path) -> None:
        for index in range(12):
            record = read_record(folder / CLIPS / f"voice-{index}.json")
            values = {name: getattr(record, name) for name in record.__struct_fields__}
            values |= {"id": f"anna-{index}", "frames": 60, "valid_frames": 60}
            write_clip(folder / CLIPS, ClipRecord(**values), loudness_clip(50 + index, 60))
        split = Dataset.open(folder).split(0.2, 0, "anna-*")
        names = split.identifiers()
        assert len(names["held_out"]) == len(names["validation"]) == 2
        assert all(name.startswith("anna-") for name in names["held_out"])
        assert not any(name.startswith("anna-") for name in names["training"])
        taught = {p.clip.record.text for p in (*split.training, *split.validation)}
        assert not taught & {part.clip.record.text for part in split.held_out}
        assert len(names["training"]) == 8

    def test_a_single_take_is_cut_into_parts(self, tmp_path: Path) -> None:
        write_dataset(tmp_path, clips=1, frames=400)
        split = Dataset.open(tmp_path).split(0.1, 0)
        parts = [part for parts in vars(split).values() for part in parts]
        assert sorted((part.start, part.stop) for part in parts) == [
            (start, start + 40) for start in range(0, 400, 40)
        ]
        assert len(split.training) == 8
        assert split.held_out[0].name.startswith("voice-0#")

    def test_too_little_is_refused(self, tmp_path: Path) -> None:
        write_dataset(tmp_path, clips=1, frames=30)
        with pytest.raises(DatasetError, match="cannot be split"):
            Dataset.open(tmp_path).split(0.1, 0)
        with pytest.raises(DatasetError, match="nobody"):
            Dataset.open(tmp_path).split(0.1, 0, "nobody")


def test_segments_leave_out_frames_without_labels(folder: Path) -> None:
    dataset = Dataset.open(folder)
    clip = next(reader for reader in dataset.clips if reader.record.id == "voice-1")
    whole, part = Part(clip, 0, 67, "whole"), Part(clip, 15, 60, "part")
    assert [(s.start, s.stop) for s in segments([whole])] == [(0, 20), (30, 67)]
    # The five frames before the hole are too few to learn from.
    assert [(s.start, s.stop) for s in segments([part])] == [(30, 60)]


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_the_spans_of_set_flags(flags: list[bool]) -> None:
    spans = runs(np.array(flags, np.bool_))
    rebuilt = np.zeros(len(flags), np.bool_)
    for first, last in spans:
        assert first < last
        rebuilt[first:last] = True
    assert rebuilt.tolist() == flags
    assert all(a[1] < b[0] for a, b in pairwise(spans))


class TestResampling:
    def test_25_a_second_stay_as_they_are(self) -> None:
        motion = np.random.default_rng(0).uniform(-1, 1, (20, 70)).astype(np.float32)
        rows, inside = resampled(MotionTemplate(25.0, motion), 20, 0.0)
        np.testing.assert_allclose(rows, motion, atol=1e-6)
        assert inside.all()

    def test_50_a_second_are_averaged_in_pairs(self) -> None:
        motion = np.repeat(np.arange(20, dtype=np.float32)[:, None], 70, axis=1)
        rows, _ = resampled(MotionTemplate(50.0, motion), 10, 0.0)
        np.testing.assert_allclose(rows[:, 0], np.arange(10) * 2 + 0.5, atol=1e-5)

    def test_angles_take_the_short_way(self) -> None:
        motion = np.zeros((2, 70), np.float32)
        motion[:, 69] = 179.0, -179.0
        rows, _ = resampled(MotionTemplate(12.5, motion), 4, 0.0)
        assert np.abs(rows[:, 69]).min() >= 179.0

    def test_an_offset_leaves_rows_outside(self) -> None:
        motion = np.zeros((10, 70), np.float32)
        _, inside = resampled(MotionTemplate(25.0, motion), 10, 0.2)
        assert inside.tolist() == [True] * 5 + [False] * 5


class TestDrift:
    def keypoints(self, frames: int = 100) -> np.ndarray:
        face = np.random.default_rng(0).uniform(-0.3, 0.3, (21, 3)).astype(np.float32)
        return np.repeat(face[None], frames, axis=0)

    def test_one_person_does_not_drift(self) -> None:
        noisy = self.keypoints() + np.random.default_rng(1).normal(0, 0.005, (100, 21, 3))
        drift = measure_drift(noisy.astype(np.float32), np.ones(100, np.bool_), 25)
        assert drift.distance < 0.02
        assert not drift.is_large

    def test_another_person_is_found_with_the_frame(self) -> None:
        keypoints = self.keypoints()
        keypoints[75:] = self.keypoints(1)[0, ::-1]
        drift = measure_drift(keypoints, np.ones(100, np.bool_), 25)
        assert drift.is_large
        assert drift.frame == 75

    def test_frames_without_labels_do_not_count(self) -> None:
        keypoints = self.keypoints()
        keypoints[80:] += 1
        valid = np.arange(100) < 80
        assert measure_drift(keypoints, valid, 25).distance < 1e-5


def test_clip_data_is_clipped_to_full_scale() -> None:
    data = ClipData.of(np.full(640, 1.5, np.float32), np.zeros((1, 70), np.float32))
    assert data.pcm.max() == 32767
