"""Training from a dataset: batches, the report against baselines, resume, style and look-ahead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny_dataset import LOWER_LIP_Y, write_dataset

from lp_models.audio2motion import Audio2Motion, Audio2MotionDims
from lp_pack.cli import group
from lp_pack.dataset.dataset import Dataset, Part, Segment, segments
from lp_pack.demo.speech_source import idle_waves
from lp_pack.errors import TrainingError
from lp_pack.training.audio2motion import TrainingOptions
from lp_pack.training.dataset_source import DatasetSource, SourceOptions, glide
from lp_pack.training.idle_motion import idle_motion, set_idle, styled
from lp_pack.training.look_ahead import look_ahead_costs
from lp_pack.training.persona_motion import PersonaOptions, PersonaReport, train_persona

DIMS = Audio2MotionDims(mel_bins=16, hidden_size=16, look_ahead_frames=2)
OPTIONS = PersonaOptions(
    hidden_size=16,
    held_out_share=0.15,
    training=TrainingOptions(
        steps=60, evaluate_every=20, learning_rate=1e-2, warmup_steps=5, statistics_batches=2
    ),
    source=SourceOptions(batch_size=6, frames=50, augmentation=False, idle=False),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def spans(folder: Path) -> tuple[Segment, ...]:
    clips = Dataset.open(folder).clips
    return tuple(segments([Part(clip, 0, clip.record.frames, clip.record.id) for clip in clips]))


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> PersonaReport:
    return train_persona(folder, tmp_path_factory.mktemp("model"), OPTIONS)


class TestBatches:
    def test_a_batch_follows_from_seed_and_step(self, spans: tuple[Segment, ...]) -> None:
        options = SourceOptions(batch_size=4, frames=40)
        first, second = (DatasetSource(DIMS, spans, spans, options) for _ in range(2))
        for name in ("pcm", "emotion", "style", "idle_phase", "motion"):
            ours = getattr(first.training_batch(3), name)
            torch.testing.assert_close(
                ours, getattr(second.training_batch(3), name), rtol=0, atol=0
            )
            assert not torch.equal(ours, getattr(first.training_batch(4), name))

    def test_pieces_longer_than_any_clip_are_joined(self, spans: tuple[Segment, ...]) -> None:
        options = SourceOptions(batch_size=3, frames=300, augmentation=False)
        batch = DatasetSource(DIMS, spans, spans, options).training_batch(0)
        assert batch.pcm.shape == (3, 300 * 640)
        assert batch.motion.shape == (3, 300, 70)
        assert batch.emotion.shape == (3, 300, 8)

    @pytest.mark.parametrize("look_ahead", [0, 3])
    def test_the_target_trails_the_sound_by_the_look_ahead(
        self, look_ahead: int, spans: tuple[Segment, ...]
    ) -> None:
        dims = replace(DIMS, look_ahead_frames=look_ahead)
        options = SourceOptions(batch_size=1, frames=40, augmentation=False, idle=False)
        batch = DatasetSource(dims, spans, spans, options).validation_batches()[0]
        heard = batch.pcm[0].reshape(40, 640).std(dim=1)
        lips = batch.motion[0, :, LOWER_LIP_Y]
        delayed = heard[: 40 - look_ahead]
        both = torch.stack([delayed, lips[look_ahead:]])
        assert torch.corrcoef(both)[0, 1] > 0.95

    def test_emotions_are_those_of_the_clips(self, spans: tuple[Segment, ...]) -> None:
        happy = [span for span in spans if span.record.emotion == "happy"]
        options = SourceOptions(batch_size=2, frames=30, augmentation=False)
        batch = DatasetSource(DIMS, happy, happy, options).training_batch(0)
        assert (batch.emotion[..., 4] == 1).all()
        assert batch.emotion.sum() == 60

    def test_nothing_to_learn_from_is_refused(self, spans: tuple[Segment, ...]) -> None:
        with pytest.raises(TrainingError, match="nothing to learn"):
            DatasetSource(DIMS, (), spans)


class TestStyle:
    def test_idle_motion_blinks_and_moves_no_lips(self) -> None:
        model = Audio2Motion(DIMS).eval()
        waves = idle_waves(model, np.zeros((1, 8), np.float32), np.zeros((1, 8), np.float32), 250)
        idle = idle_motion(np.zeros((1, 8), np.float32), waves)[0]
        eyes = np.abs(idle[:, [3 * k + 1 for k in (11, 13, 15, 16, 18)]]).max(axis=1)
        assert eyes.max() > 4 * np.median(eyes)
        assert idle[:, 68].std() > 0.3
        lips = idle[:, [3 * k + 1 for k in (14, 17, 19, 20)]]
        assert np.abs(lips).max() < 0.5 * eyes.max()

    def test_a_network_is_given_its_idle_motion_before_it_learns(self) -> None:
        model = Audio2Motion(Audio2MotionDims(mel_bins=16, hidden_size=8))
        set_idle(model)
        style = np.random.default_rng(0).uniform(-1, 1, (1, 8)).astype(np.float32)
        waves = idle_waves(model, np.zeros((1, 8), np.float32), style, 1500)
        expected = idle_motion(style, waves)[0]
        parts = tuple(torch.from_numpy(waves[:, :, index]) for index in range(3))
        styles = torch.from_numpy(style)[:, None].expand(-1, 1500, -1)
        given = model.idle.motion(parts, styles)[0].numpy()
        lids, head = [3 * k + 1 for k in (11, 13, 15, 16, 18)], [63, 64, 65, 67, 68, 69]
        np.testing.assert_allclose(given[:, head], expected[:, head], atol=1e-5)
        # The gaze is a product of two waves: that is left to the network.
        error = np.abs(given[:, lids] - expected[:, lids]).max()
        assert error < 0.25 * np.abs(expected[:, lids]).max()

    def test_a_style_scales_the_head_and_leaves_the_lips(self) -> None:
        labels = np.random.default_rng(0).normal(0, 1, (1, 20, 70)).astype(np.float32)
        style = np.zeros((1, 8), np.float32)
        style[0, 0] = 1.0
        livelier = styled(labels, np.zeros(70, np.float32), style)
        np.testing.assert_allclose(livelier[..., 67], 1.3 * labels[..., 67], rtol=1e-5)
        np.testing.assert_array_equal(livelier[..., LOWER_LIP_Y], labels[..., LOWER_LIP_Y])

    def test_a_pause_glides_without_a_jump(self) -> None:
        row = glide(np.zeros(70, np.float32), np.ones(70, np.float32), 9)[:, 0]
        steps = np.diff(np.concatenate([[0], row, [1]]))
        assert (steps > 0).all()
        assert steps.max() < 0.2


class TestReport:
    def test_the_network_follows_the_loudness_and_beats_the_mean(
        self, trained: PersonaReport
    ) -> None:
        network, neighbour = trained.held_out.network, trained.held_out.neighbour
        assert network.lip_correlation > 0.8
        assert network.lag_frames == 0
        assert network.groups["lips"].error < 0.7 * network.groups["lips"].mean_baseline
        assert network.groups["pitch"].unit == "degrees"
        assert np.isfinite(neighbour.groups["lips"].error)

    def test_what_was_written_can_be_read(self, trained: PersonaReport) -> None:
        model = Audio2Motion.load(trained.weights)
        assert model.dims.look_ahead_frames == 2
        report = json.loads((trained.weights.parent / "report.json").read_text())
        assert report["held_out"]["network"]["lag_frames"] == 0
        assert len(report["look_ahead"]) == 9
        clips = report["held_out"]["clips"]
        assert len(clips) == len(trained.held_out.clips)
        worst_first = [clip["lip_correlation"] for clip in clips]
        assert worst_first == sorted(worst_first)
        page = (trained.weights.parent / "report.md").read_text()
        assert "| pitch | degrees |" in page
        assert f"| {clips[0]['clip']} |" in page
        assert trained.look_ahead_sentence in page

    def test_two_styles_perform_differently(self, trained: PersonaReport) -> None:
        model = Audio2Motion.load(trained.weights)
        pcm = 0.05 * torch.randn(1, 50 * 640, generator=torch.Generator().manual_seed(0))
        seeds = (torch.Generator().manual_seed(seed) for seed in (1, 2))
        with torch.no_grad():
            first, second = (
                model.forward_sequence(
                    pcm, torch.zeros(1, 8), 2 * torch.rand(1, 8, generator=g) - 1
                )[0]
                for g in seeds
            )
        assert not torch.allclose(first, second)

    def test_hearing_ahead_helps_where_the_mouth_leads_the_sound(
        self, folder: Path, tmp_path: Path
    ) -> None:
        from lp_pack.dataset.extract import CLIPS
        from lp_pack.dataset.record import ClipData, write_clip

        for reader in Dataset.open(folder).clips:
            record, frames = reader.record, reader.record.frames
            lead = np.roll(reader.motion(0, frames), -3, axis=0)
            data = ClipData(
                reader.pcm(0, frames), lead, reader.valid(0, frames),
                reader.canonical_keypoints(0, frames),
            )  # fmt: skip
            write_clip(tmp_path / CLIPS, record, data)
        split = Dataset.open(tmp_path).split(0.2, 0)
        costs = look_ahead_costs(
            Audio2Motion(DIMS), tuple(segments(split.training)), tuple(segments(split.held_out))
        )
        assert [cost.frames for cost in costs] == list(range(9))
        assert costs[4].lip_correlation > costs[0].lip_correlation + 0.05
        assert costs[3].delay_ms == 120


class TestRuns:
    def test_a_run_goes_on_where_it_stopped(self, folder: Path, tmp_path: Path) -> None:
        short = replace(OPTIONS, training=replace(OPTIONS.training, steps=20))
        train_persona(folder, tmp_path, short)
        seen: list[int] = []
        longer = replace(OPTIONS, training=replace(OPTIONS.training, steps=40))
        train_persona(folder, tmp_path, longer, lambda evaluation: seen.append(evaluation.step))
        assert seen == [40]

    def test_other_settings_need_another_folder(self, folder: Path, tmp_path: Path) -> None:
        short = replace(OPTIONS, training=replace(OPTIONS.training, steps=20))
        train_persona(folder, tmp_path, short)
        with pytest.raises(TrainingError, match="other settings"):
            train_persona(folder, tmp_path, replace(short, look_ahead_frames=0))


def test_clips_too_short_to_judge_by_are_refused_before_the_training(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", frames=12)
    options = replace(OPTIONS, held_out="voice-0")
    with pytest.raises(TrainingError, match="no held-out clip is long enough") as caught:
        train_persona(tmp_path / "data", tmp_path / "model", options)
    assert "14 usable frames in a row" in str(caught.value)
    assert not list(tmp_path.glob("model/run/checkpoint*"))


def test_the_study_trains_a_network_for_every_look_ahead(folder: Path, tmp_path: Path) -> None:
    short = replace(OPTIONS, study_steps=10, training=replace(OPTIONS.training, steps=20))
    report = train_persona(folder, tmp_path, short)
    assert [row.frames for row in report.study] == [0, 2, 4, 8]
    assert [row.delay_ms for row in report.study] == [0, 80, 160, 320]
    assert len({row.lip_correlation for row in report.study}) == 4
    page = (tmp_path / "report.md").read_text()
    assert "Networks of 10 steps each" in page
    # The study changes nothing of the network itself.
    alone = train_persona(folder, tmp_path / "alone", replace(short, study_steps=0))
    assert alone.weights.read_bytes() == report.weights.read_bytes()


def test_the_command_trains_plots_and_prints_the_cost_of_its_look_ahead(
    folder: Path, tmp_path: Path
) -> None:
    arguments = ["train-audio2motion", str(folder), "-o", str(tmp_path / "m"), "--steps", "20"]
    arguments += ["--hidden-size", "8", "--batch-size", "4", "--frames", "40"]
    arguments += ["--evaluate-every", "10", "--look-ahead", "1", "--held-out", "voice-1*"]
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 0, result.output
    assert "look-ahead 1 frames = 40 ms of delay" in result.stdout
    assert "step 20" in result.stderr
    for name in ("loss", "lips", "groups", "look_ahead"):
        assert (tmp_path / "m" / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
