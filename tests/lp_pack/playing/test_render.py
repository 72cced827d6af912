"""`lp-pack render`: videos from sound and from templates, and everything that is refused."""

from __future__ import annotations

import json
import pickle
import wave
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared_path
from tiny_bundle import FRAME_SIZE, PORTRAIT_SIZE, TinyBundle

from lp_pack.errors import ConfigError
from lp_pack.render import RenderOptions, render_bundle, resample_motion
from lp_runtime import InputError
from lp_runtime.motion_template import MotionTemplate


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second and a bit of noise at another rate than the bundle's."""
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    samples = np.random.default_rng(0).uniform(-9000, 9000, 11_500).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motion") / "template.pkl"
    random = np.random.default_rng(1)
    motion = [
        {
            "exp": random.standard_normal((1, 21, 3)).astype(np.float32),
            "scale": np.ones((1, 1), np.float32),
            "t": np.zeros((1, 3), np.float32),
            "R": np.eye(3, dtype=np.float32)[None],
        }
        for _ in range(10)
    ]
    path.write_bytes(pickle.dumps({"n_frames": 10, "output_fps": 20, "motion": motion}))
    return path


def probe(path: Path) -> tuple[int, float, tuple[int, int], bool]:
    """Frames, rate, size and whether there is sound."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        rate = float(video.average_rate or 0)
        frames = sum(1 for _ in container.decode(video=0))
        return frames, rate, (video.width, video.height), bool(container.streams.audio)


def first_frame(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


class TestVideos:
    def test_sound_drives_a_video_that_carries_it(
        self, run: Callable, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        result = run("render", pristine_tiny, "--audio", speech, "-o", tmp_path / "v.mp4")
        assert result.exit_code == 0
        height, width = PORTRAIT_SIZE
        # 0.5215 s of sound are 13.04 frames.
        assert probe(tmp_path / "v.mp4") == (14, 25.0, (width, height), True)
        assert "14 frames" in result.stdout
        assert "UNTRAINED" in result.stderr

    def test_a_template_drives_a_silent_video_at_its_own_rate(
        self, run: Callable, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        arguments = ("--motion", template, "--no-paste-back", "-o", tmp_path / "v.mp4", "--json")
        result = run("render", pristine_tiny, *arguments)
        assert json.loads(result.stdout)["frames"] == 10
        assert probe(tmp_path / "v.mp4") == (10, 20.0, (FRAME_SIZE, FRAME_SIZE), False)

    def test_the_templates_first_frame_is_the_reference(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        options = RenderOptions(motion=template, paste_back=False, threads=1)
        render_bundle(pristine_tiny, tmp_path / "v.mp4", options)
        # At rest all keypoints of the tiny bundle are zero, and its picture is an even grey.
        assert np.abs(first_frame(tmp_path / "v.mp4").astype(int) - 128).max() <= 4

    def test_another_rate_keeps_the_duration(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        options = RenderOptions(motion=template, fps=40, threads=1)
        report = render_bundle(pristine_tiny, tmp_path / "v.mp4", options)
        assert (report.frames, report.frame_rate) == (19, 40)

    def test_the_background_is_replaced(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        options = RenderOptions(motion=template, background="#204060", threads=1)
        render_bundle(pristine_tiny, tmp_path / "v.mp4", options)
        corner = first_frame(tmp_path / "v.mp4")[:4, :4].reshape(-1, 3).mean(axis=0)
        assert np.abs(corner - (0x20, 0x40, 0x60)).max() <= 6

    def test_a_picture_may_be_the_background(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        cv2.imwrite(str(tmp_path / "b.png"), np.full((9, 9, 3), (90, 60, 30), np.uint8))
        options = RenderOptions(motion=template, background=str(tmp_path / "b.png"), threads=1)
        render_bundle(pristine_tiny, tmp_path / "v.mp4", options)
        corner = first_frame(tmp_path / "v.mp4")[:4, :4].reshape(-1, 3).mean(axis=0)
        assert np.abs(corner - (30, 60, 90)).max() <= 6

    def test_an_emotion_changes_the_video(
        self, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        frames = {}
        for name, intensity in (("happy", 1.0), ("happy", 0.0), ("sad", 1.0)):
            options = RenderOptions(
                audio=speech, emotion=name, intensity=intensity, paste_back=False, threads=1
            )
            output = tmp_path / f"{name}{intensity}.mp4"
            render_bundle(pristine_tiny, output, options)
            frames[name, intensity] = first_frame(output).astype(int)
        assert np.abs(frames["happy", 1.0] - frames["happy", 0.0]).max() > 10
        assert np.abs(frames["happy", 1.0] - frames["sad", 1.0]).max() > 10

    def test_without_a_default_the_first_motion_is_the_reference(
        self, tiny: TinyBundle, speech: Path, tmp_path: Path
    ) -> None:
        tiny.rewrite(lambda data: data["pipeline"]["inputs"][2].pop("default"))
        options = RenderOptions(audio=speech, paste_back=False, threads=1)
        report = render_bundle(tiny.path, tmp_path / "v.mp4", options)
        assert report.frames == 14
        assert np.abs(first_frame(tmp_path / "v.mp4").astype(int) - 128).max() <= 4

    def test_progress_counts_to_the_end(
        self, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        seen: list[tuple[int, int]] = []
        options = RenderOptions(audio=speech, threads=1)
        render_bundle(
            pristine_tiny, tmp_path / "v.mp4", options, lambda *counts: seen.append(counts)
        )
        assert seen == [(done, 14) for done in range(1, 15)]

    def test_a_real_template_and_real_speech(self, pristine_tiny: Path, tmp_path: Path) -> None:
        motion = shared_path("real/laugh.pkl")
        options = RenderOptions(motion=motion, threads=1)
        assert render_bundle(pristine_tiny, tmp_path / "m.mp4", options).frames == 54
        options = RenderOptions(audio=shared_path("real/joyvasa_001.wav"), threads=1)
        assert render_bundle(pristine_tiny, tmp_path / "a.mp4", options).frames == 500


class TestResampling:
    @given(fps=st.floats(5, 120))
    def test_a_straight_motion_stays_straight(self, fps: float) -> None:
        motion = np.arange(21, dtype=np.float32)[:, None] * np.ones(70, np.float32)
        resampled = resample_motion(MotionTemplate(20.0, motion), fps)
        np.testing.assert_allclose(resampled[:, 0], np.arange(len(resampled)) / fps * 20, atol=1e-4)
        assert len(resampled) == int(fps + 1e-9) + 1  # one second, both ends included

    def test_the_same_rate_changes_nothing(self) -> None:
        motion = np.random.default_rng(0).standard_normal((9, 70)).astype(np.float32)
        np.testing.assert_allclose(
            resample_motion(MotionTemplate(24.0, motion), 24.0), motion, atol=1e-6
        )


class TestRefused:
    def test_an_existing_output_is_kept_unless_forced(
        self, run: Callable, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "v.mp4"
        output.write_bytes(b"precious")
        arguments = ("render", pristine_tiny, "--motion", template, "-o", output)
        result = run(*arguments)
        assert result.exit_code == 1
        assert "--force" in result.stderr
        assert output.read_bytes() == b"precious"
        assert run(*arguments, "--force").exit_code == 0
        assert probe(output)[0] == 10

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({}, "got: +both"),
            ({"audio": None, "motion": None}, "got: +neither"),
            ({"audio": None, "emotion": "happy"}, "--emotion together with --motion"),
            ({"motion": None, "fps": 30.0}, "--fps together with --audio"),
            ({"audio": None, "fps": 0.0}, "frame rate is out of range"),
        ],
    )
    def test_options_that_contradict_each_other(
        self, pristine_tiny: Path, speech: Path, template: Path, tmp_path: Path, changes, text
    ) -> None:
        options = RenderOptions(**({"audio": speech, "motion": template} | changes))
        with pytest.raises(ConfigError, match=text):
            render_bundle(pristine_tiny, tmp_path / "v.mp4", options)

    def test_another_format_than_mp4(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match="not an MP4"):
            render_bundle(pristine_tiny, tmp_path / "v.avi", RenderOptions(motion=template))

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (("--audio", "none.wav"), "none.wav"),
            (("--motion", "none.pkl"), "none.pkl"),
            (("--audio", "SPEECH", "--emotion", "hungry"), "surprised"),
            (("--audio", "SPEECH", "--precision", "int8"), "fp32 or fp16"),
            (("--audio", "SPEECH", "--target", "tflite"), "tflite"),
            (("--audio", "SPEECH", "--background", "bluish"), "neither a colour nor a file"),
        ],
    )
    def test_bad_input_leaves_no_file_and_no_traceback(
        self,
        run: Callable,
        pristine_tiny: Path,
        speech: Path,
        tmp_path: Path,
        arguments: tuple[str, ...],
        text: str,
    ) -> None:
        words = [speech if word == "SPEECH" else word for word in arguments]
        result = run("render", pristine_tiny, *words, "-o", tmp_path / "v.mp4")
        assert result.exit_code == 1
        assert text in result.stderr
        assert list(tmp_path.iterdir()) == []

    def test_an_interruption_leaves_no_file(
        self, pristine_tiny: Path, template: Path, tmp_path: Path
    ) -> None:
        def interrupt(done: int, total: int) -> None:
            if done == 3:
                raise KeyboardInterrupt

        options = RenderOptions(motion=template, threads=1)
        with pytest.raises(KeyboardInterrupt):
            render_bundle(pristine_tiny, tmp_path / "v.mp4", options, interrupt)
        assert list(tmp_path.iterdir()) == []

    def test_a_hostile_template(self, pristine_tiny: Path, tmp_path: Path) -> None:
        class Attack:
            def __reduce__(self) -> tuple:
                return (Path.touch, (tmp_path / "ran",))

        (tmp_path / "t.pkl").write_bytes(pickle.dumps({"motion": [Attack()]}))
        options = RenderOptions(motion=tmp_path / "t.pkl")
        with pytest.raises(InputError, match="not admitted"):
            render_bundle(pristine_tiny, tmp_path / "v.mp4", options)
        assert not (tmp_path / "ran").exists()
