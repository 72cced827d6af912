"""Text wherever sound is accepted, and keypoints as other tools read them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import TinyBundle

from lp_pack.errors import SpeechError
from lp_pack.keypoints import KeypointsOptions, export_keypoints
from lp_pack.speech.languages import language_of
from lp_pack.speech.spoken_file import spoken_file
from lp_runtime import Bundle, InputError
from lp_runtime.audio import read_audio
from lp_runtime.controls import seeded_style

TEXT = "Hello, this is a test."


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    from lp_pack.speech.wave_file import write_wave

    samples = np.random.default_rng(0).uniform(-0.3, 0.3, 16_100).astype(np.float32)
    write_wave(tmp_path / "speech.wav", samples, 16_000)
    return tmp_path / "speech.wav"


class TestText:
    def test_a_text_is_spoken_into_a_video(
        self, run: Callable, pristine_tiny: Path, tmp_path: Path
    ) -> None:
        result = run("render", pristine_tiny, "--text", TEXT, "-o", tmp_path / "v.mp4", "--json")
        assert result.exit_code == 0, result.stderr
        report = json.loads(result.stdout)
        assert report["has_sound"]
        assert report["frames"] > 20

    def test_it_may_be_chinese_and_fast(self, run: Callable, pristine_tiny: Path,
                                        tmp_path: Path) -> None:  # fmt: skip
        frames = []
        for speed in ("0.7", "1.5"):
            arguments = ["--text", "你好，世界。", "--speech-speed", speed, "--json"]
            result = run("keypoints", pristine_tiny, *arguments, "-o", tmp_path / f"{speed}.npz")
            assert result.exit_code == 0, result.stderr
            frames.append(json.loads(result.stdout)["frames"])
        assert frames[0] > 1.5 * frames[1]

    def test_bench_takes_it_too(self, run: Callable, pristine_tiny: Path) -> None:
        result = run("bench", pristine_tiny, "--text", TEXT, "--frames", 3, "--precision", "fp32")
        assert result.exit_code == 0, result.stderr

    def test_sound_and_text_together_are_refused(
        self, run: Callable, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        arguments = ["--audio", speech, "--text", TEXT, "-o", tmp_path / "v.mp4"]
        result = run("render", pristine_tiny, *arguments)
        assert result.exit_code == 1
        assert "--audio or --text" in result.stderr

    def test_an_engine_that_is_not_installed_says_how_to_get_it(
        self, run: Callable, pristine_tiny: Path, tmp_path: Path
    ) -> None:
        arguments = ["--text", TEXT, "--speech-engine", "kokoro", "-o", tmp_path / "v.mp4"]
        result = run("render", pristine_tiny, *arguments)
        assert result.exit_code == 1
        assert "pip install 'kokoro" in result.stderr

    def test_an_empty_text_is_refused(self) -> None:
        with pytest.raises(SpeechError, match="no text"), spoken_file("  "):
            pass

    def test_the_spoken_file_is_gone_afterwards(self) -> None:
        with spoken_file(TEXT) as path:
            assert len(read_audio(path, 16_000)) > 16_000
        assert not path.exists()

    @pytest.mark.parametrize(
        ("text", "language"), [("Hello", "en"), ("你好", "zh"), ("OK 吗?", "zh"), ("123", "en")]
    )
    def test_the_language_follows_from_the_script(self, text: str, language: str) -> None:
        assert language_of(text) == language

    def test_playing_sound_needs_none_of_the_speech_packages(self) -> None:
        code = (
            "import sys\n"
            "import lp_pack.cli.render, lp_pack.cli.bench\n"
            "print([name for name in ('pypinyin', 'scipy', 'torch') if name in sys.modules])"
        )
        command = [sys.executable, "-c", code]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "[]"


class TestKeypoints:
    def test_the_arrays_have_the_names_and_shapes_that_others_read(
        self, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        report = export_keypoints(pristine_tiny, speech, tmp_path / "k.npz")
        assert (report.frames, report.frame_rate) == (26, 25.0)
        with np.load(tmp_path / "k.npz") as data:
            shapes = {name: data[name].shape for name in data.files}
            assert float(data["fps"]) == 25
        assert shapes == {
            "fps": (),
            "landmarks": (26, 21, 3),
            "exp": (26, 21, 3),
            "pitch": (26,),
            "yaw": (26,),
            "roll": (26,),
            "t": (26, 3),
            "scale": (26,),
        }

    def test_the_numbers_are_those_of_the_pipeline(
        self, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        export_keypoints(pristine_tiny, speech, tmp_path / "k.npz")
        session = Bundle.open(pristine_tiny).session()
        pcm = read_audio(speech, 16_000)
        wanted = ("motion", "keypoints")
        frames = [*session.push_pcm(pcm, wanted), *session.flush(wanted)]
        with np.load(tmp_path / "k.npz") as data:
            for index, values in enumerate(frames):
                np.testing.assert_allclose(data["landmarks"][index], values["keypoints"][0])
                assert data["yaw"][index] == pytest.approx(values["motion"][0, 68])
                np.testing.assert_allclose(data["t"][index], values["motion"][0, 64:67])

    def test_json_is_a_list_of_frames_with_the_same_numbers(
        self, run: Callable, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        export_keypoints(pristine_tiny, speech, tmp_path / "k.npz")
        result = run("keypoints", pristine_tiny, "--audio", speech, "-o", tmp_path / "k.json")
        assert result.exit_code == 0, result.stderr
        frames = json.loads((tmp_path / "k.json").read_text())
        assert set(frames[0]) == {"landmarks", "pitch", "yaw", "roll", "t", "scale"}
        with np.load(tmp_path / "k.npz") as data:
            np.testing.assert_allclose(
                [frame["landmarks"] for frame in frames], data["landmarks"], rtol=1e-6
            )
            assert [frame["pitch"] for frame in frames] == pytest.approx(data["pitch"].tolist())

    def test_an_emotion_changes_them(
        self, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        for emotion in ("happy", "sad"):
            options = KeypointsOptions(emotion=emotion)
            export_keypoints(pristine_tiny, speech, tmp_path / f"{emotion}.npz", options)
        with np.load(tmp_path / "happy.npz") as happy, np.load(tmp_path / "sad.npz") as sad:
            assert np.abs(happy["landmarks"] - sad["landmarks"]).max() > 0.01

    def test_what_exists_is_kept_and_other_endings_are_refused(
        self, run: Callable, pristine_tiny: Path, speech: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "k.npz").write_bytes(b"mine")
        kept = run("keypoints", pristine_tiny, "--audio", speech, "-o", tmp_path / "k.npz")
        other = run("keypoints", pristine_tiny, "--audio", speech, "-o", tmp_path / "k.pkl")
        assert (kept.exit_code, other.exit_code) == (1, 1)
        assert (tmp_path / "k.npz").read_bytes() == b"mine"
        assert ".npz or .json" in other.stderr

    def test_nothing_to_perform_is_refused(
        self, run: Callable, pristine_tiny: Path, tmp_path: Path
    ) -> None:
        result = run("keypoints", pristine_tiny, "-o", tmp_path / "k.npz")
        assert result.exit_code == 1
        assert "--audio or --text" in result.stderr


class TestStyleSeeds:
    def add_style(self, manifest: dict) -> None:
        manifest["pipeline"]["inputs"].append(
            {
                "name": "style",
                "dtype": "float32",
                "shape": [1, 4],
                "kind": "control",
                "description": "one of many performances",
                "default": [0.0],
            }
        )

    def test_equal_seeds_are_equal_and_others_differ(self, tiny: TinyBundle) -> None:
        pipeline = Bundle.open(tiny.rewrite(self.add_style).path).manifest.pipeline
        name, first = seeded_style(pipeline, 1)
        assert name == "style"
        assert first.shape == (1, 4)
        assert np.abs(first).max() <= 1
        np.testing.assert_array_equal(seeded_style(pipeline, 1)[1], first)
        assert not np.array_equal(seeded_style(pipeline, 2)[1], first)

    def test_a_bundle_without_style_says_so(self, pristine_tiny: Path) -> None:
        with pytest.raises(InputError, match="only one performance"):
            seeded_style(Bundle.open(pristine_tiny).manifest.pipeline, 0)
