"""`lp-pack extract` end to end with tiny networks: what gets in, what is refused and why."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from recordings import Recording, empty_picture, face_picture, steady, two_faces
from shared_data import shared_path

from lp_models.checkpoint import save_liveportrait, seeded_networks
from lp_models.dims import LivePortraitDims
from lp_pack.cli import group
from lp_pack.dataset.extract import ClipOutcome, extract
from lp_pack.dataset.options import ExtractOptions, Labeller
from lp_pack.dataset.record import ClipReader
from lp_pack.errors import DatasetError
from lp_pack.persona.liveportrait import DIMS_NAME
from lp_pack.speech.clip_index import Clip, ClipIndex, write_index
from lp_pack.speech.wave_file import write_wave

Extract = Callable[..., ClipOutcome]


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    return Labeller(dims=LivePortraitDims.tiny())


@pytest.fixture
def run_one(labeller: Labeller, tmp_path: Path) -> Extract:
    def run(source: Path, **options: object) -> ClipOutcome:
        chosen = ExtractOptions(**options)  # type: ignore[arg-type]
        report = extract([source], tmp_path / "dataset", labeller, chosen)
        assert len(report.outcomes) == 1
        return report.outcomes[0]

    return run


def speaking(count: int = 25, **changes: object) -> Recording:
    """A face that sways, with sound as long as the pictures."""
    pictures = [face_picture(round(6 * np.sin(n / 5))) for n in range(count)]
    values: dict = {"pictures": pictures, "times": steady(count), "sound": (0, 40 * count)}
    return Recording(**(values | changes))


class TestGoodRecordings:
    def test_sound_motion_and_keypoints_lie_in_the_record(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        outcome = run_one(speaking().write(tmp_path / "take 1.mkv"), emotion="happy")
        assert outcome.status == "made", outcome.error
        record = outcome.record
        assert record is not None
        assert (record.id, record.kind, record.network) == ("take-1", "video", "seeded")
        assert (record.frames, record.valid_frames, record.emotion) == (25, 25, "happy")
        reader = ClipReader(tmp_path / "dataset" / "clips", record)
        motion = reader.motion(0, 25)
        assert motion.shape == (25, 70)
        assert np.isfinite(motion).all()
        assert motion.std(axis=0).max() > 0
        pcm = reader.pcm(5, 20).astype(float)
        crossings = np.count_nonzero(np.diff(np.signbit(pcm)))
        assert crossings / 2 / (15 * 0.04) == pytest.approx(220, abs=4)
        assert reader.canonical_keypoints(3, 5).shape == (2, 21, 3)

    def test_a_strip_with_keypoints_is_drawn(self, run_one: Extract, tmp_path: Path) -> None:
        run_one(speaking().write(tmp_path / "a.mkv"))
        strip = cv2.imread(str(tmp_path / "dataset" / "strips" / "a.png"))
        assert strip.shape == (256, 8 * 256, 3)
        assert ((strip[..., 1] > 190) & (strip[..., 0] < 110) & (strip[..., 2] < 110)).any()

    def test_a_second_run_keeps_what_has_not_changed(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        path = speaking().write(tmp_path / "a.mkv")
        assert [run_one(path).status for _ in range(2)] == ["made", "kept"]
        assert run_one(path, emotion="sad").status == "made"

    def test_a_killed_run_goes_on_and_ends_the_same(
        self, labeller: Labeller, tmp_path: Path
    ) -> None:
        path = speaking().write(tmp_path / "a.mkv")
        options = ExtractOptions(batch_size=8)
        extract([path], tmp_path / "whole", labeller, options)

        def kill(clip: str, done: int, total: int) -> None:
            if done >= 16:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            extract([path], tmp_path / "killed", labeller, options, kill)
        assert not list((tmp_path / "killed").glob("clips/*"))
        assert list((tmp_path / "killed").glob("partial/*.f32"))
        seen = []
        extract(
            [path], tmp_path / "killed", labeller, options, lambda c, done, total: seen.append(done)
        )
        assert seen[0] > 16
        assert not list((tmp_path / "killed").glob("partial/*.f32"))
        whole, killed = (
            (tmp_path / folder / "clips" / "a.safetensors").read_bytes()
            for folder in ("whole", "killed")
        )
        assert whole == killed

    def test_sound_that_starts_later_moves_frame_zero(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        outcome = run_one(speaking(sound=(400, 1000)).write(tmp_path / "a.mkv"))
        record = outcome.record
        assert record is not None
        assert record.frames == 15
        assert any("sound begins 0.40 s after" in text for text in record.notices)

    def test_the_real_driving_video(self, run_one: Extract) -> None:
        outcome = run_one(shared_path("real/driving_d20.mp4"))
        record = outcome.record
        assert record is not None
        assert (record.frames, record.valid_frames) == (175, 175)


class TestBadRecordings:
    def test_a_short_while_without_a_face_is_interpolated(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        pictures = [empty_picture() if 19 <= n <= 21 else face_picture() for n in range(45)]
        recording = Recording(pictures, steady(45), sound=(0, 1800))
        record = run_one(recording.write(tmp_path / "a.mkv")).record
        assert record is not None
        assert record.valid_frames == 45
        assert any("a.mkv, frames 20 to 29: no face; its place" in n for n in record.notices)

    def test_a_long_while_without_a_face_is_left_out(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        pictures = [face_picture()] * 20 + [empty_picture()] * 20
        recording = Recording(pictures, steady(40), sound=(0, 1600))
        record = run_one(recording.write(tmp_path / "a.mkv")).record
        assert record is not None
        assert (record.frames, record.valid_frames) == (40, 11)
        valid = ClipReader(tmp_path / "dataset" / "clips", record).valid(0, 40)
        assert valid[:11].all()
        assert not valid[11:].any()
        assert any("frames 20 to 39: no face; these" in text for text in record.notices)

    def test_no_face_at_all_is_refused(self, run_one: Extract, tmp_path: Path) -> None:
        recording = Recording([empty_picture()] * 15, steady(15), sound=(0, 600))
        outcome = run_one(recording.write(tmp_path / "empty.mkv"))
        assert outcome.status == "refused"
        assert "no face" in outcome.error
        assert "clip empty.mkv, frames 0 to 14" in outcome.error

    def test_two_faces_are_refused_unless_the_largest_is_wanted(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        recording = Recording([two_faces()] * 15, steady(15), sound=(0, 600))
        path = recording.write(tmp_path / "pair.mkv")
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "two faces" in outcome.error
        assert "clip pair.mkv, frame 0" in outcome.error
        assert "--largest-face" in outcome.error
        chosen = run_one(path, largest_face=True).record
        assert chosen is not None
        assert any("frame 0: 2 faces" in text for text in chosen.notices)

    def test_no_sound_is_refused(self, run_one: Extract, tmp_path: Path) -> None:
        outcome = run_one(speaking(sound=None).write(tmp_path / "mute.mkv"))
        assert outcome.status == "refused"
        assert "no sound" in outcome.error
        assert "mute.mkv" in outcome.error

    def test_sound_shorter_than_the_picture_cuts_it(self, run_one: Extract, tmp_path: Path) -> None:
        record = run_one(speaking(sound=(0, 600)).write(tmp_path / "a.mkv")).record
        assert record is not None
        assert record.frames == 15
        assert any("frame 15: the sound ends before the picture" in n for n in record.notices)

    def test_hardly_any_sound_is_refused(self, run_one: Extract, tmp_path: Path) -> None:
        outcome = run_one(speaking(sound=(0, 200)).write(tmp_path / "a.mkv"))
        assert outcome.status == "refused"
        assert "clip a.mkv, frame 5" in outcome.error

    @pytest.mark.parametrize("content", [b"", b"not a video at all" * 50])
    def test_a_file_that_is_no_video_is_refused(
        self, content: bytes, run_one: Extract, tmp_path: Path
    ) -> None:
        path = tmp_path / "broken.mp4"
        path.write_bytes(content)
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "broken.mp4" in outcome.error

    def test_a_truncated_video_is_refused_or_cut(self, run_one: Extract, tmp_path: Path) -> None:
        whole = speaking().write(tmp_path / "whole.mp4").read_bytes()
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[: len(whole) // 2])
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "cut.mp4" in outcome.error

    def test_labels_that_are_not_finite_are_refused(self, tmp_path: Path) -> None:
        broken = Labeller(dims=LivePortraitDims.tiny())
        with torch.no_grad():
            broken.network.detector.fc_exp.bias[7] = torch.nan
        path = speaking().write(tmp_path / "a.mkv")
        outcome = extract([path], tmp_path / "dataset", broken).outcomes[0]
        assert outcome.status == "refused"
        assert "clip a.mkv, frame 0, exp 2 y" in outcome.error

    def test_one_bad_clip_does_not_stop_the_others(
        self, labeller: Labeller, tmp_path: Path
    ) -> None:
        good = speaking().write(tmp_path / "good.mkv")
        bad = speaking(sound=None).write(tmp_path / "bad.mkv")
        report = extract([bad, good], tmp_path / "dataset", labeller)
        assert [outcome.status for outcome in report.outcomes] == ["refused", "made"]

    def test_what_does_not_exist_is_named(self, labeller: Labeller, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"nowhere\.mp4"):
            extract([tmp_path / "nowhere.mp4"], tmp_path / "dataset", labeller)


class Hostile:
    def __reduce__(self) -> tuple:
        return (exec, ("raise SystemExit('the file ran code')",))


def sequence(frames: int = 30) -> np.ndarray:
    motion = np.random.default_rng(0).uniform(-0.01, 0.01, (frames, 70)).astype(np.float32)
    motion[:, 63] = 1.0
    return motion


def sound_beside(path: Path, seconds: float = 1.0) -> Path:
    write_wave(path.with_suffix(".wav"), np.full(int(16_000 * seconds), 0.1, np.float32), 16_000)
    return path


class TestMotionFiles:
    def test_a_sequence_of_70_numbers_becomes_a_clip(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        path = sound_beside(tmp_path / "a.npy")
        np.save(path, sequence())
        record = run_one(path).record
        assert record is not None
        assert (record.kind, record.frames, record.source) == ("sequence", 25, ("a.wav", "a.npy"))
        reader = ClipReader(tmp_path / "dataset" / "clips", record)
        np.testing.assert_allclose(reader.motion(0, 25), sequence()[:25], atol=1e-6)

    def test_a_real_template_becomes_a_clip(self, run_one: Extract, tmp_path: Path) -> None:
        from lp_runtime.motion_template import read_motion_template

        source = shared_path("real/talking.pkl")
        path = sound_beside(tmp_path / "talking.pkl", 2.0)
        path.write_bytes(source.read_bytes())
        record = run_one(path).record
        assert record is not None
        template = read_motion_template(source)
        assert (record.kind, record.frames) == ("template", 50)
        if template.fps == 25:
            motion = ClipReader(tmp_path / "dataset" / "clips", record).motion(0, 50)
            np.testing.assert_allclose(motion, template.motion[:50], atol=1e-4)

    def test_a_hostile_pickle_is_refused_and_nothing_runs(
        self, run_one: Extract, tmp_path: Path
    ) -> None:
        path = sound_beside(tmp_path / "stranger.pkl")
        path.write_bytes(pickle.dumps({"motion": [Hostile()]}))
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "stranger.pkl" in outcome.error
        assert "exec" in outcome.error

    def test_an_array_of_objects_is_refused(self, run_one: Extract, tmp_path: Path) -> None:
        path = sound_beside(tmp_path / "stranger.npy")
        np.save(path, np.array([Hostile()], dtype=object), allow_pickle=True)
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "stranger.npy" in outcome.error

    def test_nan_is_refused_with_its_frame(self, run_one: Extract, tmp_path: Path) -> None:
        motion = sequence()
        motion[12, 68] = np.nan
        path = sound_beside(tmp_path / "a.npy")
        np.save(path, motion)
        outcome = run_one(path)
        assert outcome.status == "refused"
        assert "clip a.npy, frame 12, yaw" in outcome.error

    def test_motion_without_sound_is_refused(self, labeller: Labeller, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", sequence())
        with pytest.raises(DatasetError, match="no sound beside"):
            extract([tmp_path / "a.npy"], tmp_path / "dataset", labeller)


class TestClipFolders:
    def test_video_motion_file_and_phonemes_are_all_labels(
        self, labeller: Labeller, tmp_path: Path
    ) -> None:
        folder = tmp_path / "clips"
        folder.mkdir()
        speaking().write(folder / "video.mkv")
        np.save(sound_beside(folder / "sequence.npy"), sequence())
        write_wave(folder / "spoken.wav", np.full(16_000, 0.1, np.float32), 16_000)
        phonemes = (("", 0.0, 0.2), ("m", 0.2, 0.4), ("a", 0.4, 0.8), ("", 0.8, 1.0))
        clips = (
            Clip(id="v", file="video.mkv", emotion="sad"),
            Clip(id="s", file="sequence.wav", motion="sequence.npy", alignment_offset=0.08),
            Clip(id="p", file="spoken.wav", phonemes=phonemes, emotion="happy", intensity=0.5),
        )
        write_index(folder, ClipIndex(clips=clips))
        report = extract([folder], tmp_path / "dataset", labeller)
        assert [o.status for o in report.outcomes] == ["made"] * 3, report.outcomes
        kinds = {o.identifier: o.record.kind for o in report.outcomes if o.record}
        assert kinds == {"clips-v": "video", "clips-s": "sequence", "clips-p": "phonemes"}
        shifted = report.outcomes[1].record
        assert shifted is not None
        moved = ClipReader(tmp_path / "dataset" / "clips", shifted).motion(0, 20)
        np.testing.assert_allclose(moved, sequence()[2:22], atol=1e-6)
        spoken = report.outcomes[2].record
        assert spoken is not None
        motion = ClipReader(tmp_path / "dataset" / "clips", spoken).motion(0, 25)
        opening = motion[:, 3 * 19 + 1] - motion[:, 3 * 17 + 1]
        # The a at 0.4 s is open, the m before it is shut.
        assert opening[13] > opening[7] + 0.01

    def test_sound_alone_is_refused_with_what_would_do(
        self, labeller: Labeller, tmp_path: Path
    ) -> None:
        write_wave(tmp_path / "a.wav", np.full(16_000, 0.1, np.float32), 16_000)
        write_index(tmp_path, ClipIndex(clips=(Clip(id="a", file="a.wav"),)))
        with pytest.raises(DatasetError, match="no labels"):
            extract([tmp_path], tmp_path / "dataset", labeller)

    @pytest.mark.parametrize("file", ["../outside.wav", "/etc/hostname"])
    def test_a_file_outside_the_folder_is_refused(
        self, file: str, labeller: Labeller, tmp_path: Path
    ) -> None:
        folder = tmp_path / "clips"
        folder.mkdir()
        (tmp_path / "outside.wav").write_bytes(b"x")
        write_index(folder, ClipIndex(clips=(Clip(id="a", file=file),)))
        with pytest.raises(DatasetError, match="inside its folder"):
            extract([folder], tmp_path / "dataset", labeller)


def test_the_command_reports_refusals_and_ends_with_exit_code_one(
    tmp_path: Path,
) -> None:
    dims, weights = LivePortraitDims.tiny(), tmp_path / "weights"
    save_liveportrait(seeded_networks(dims, 0), weights)
    (weights / DIMS_NAME).write_text(json.dumps(dims.to_dict()))
    good = speaking(15).write(tmp_path / "good.mkv")
    bad = speaking(15, sound=None).write(tmp_path / "bad.mkv")
    arguments = ["extract", str(good), str(bad), "-o", str(tmp_path / "d"), "--json"]
    result = CliRunner().invoke(group, [*arguments, "--weights", str(weights)])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert [clip["status"] for clip in report["clips"]] == ["made", "refused"]
    assert report["seeded_weights"] is False
    assert "no sound" in result.stderr
