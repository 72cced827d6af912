"""`lp-pack voices`: clips with an index, reruns that make only what is missing, quality checks."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from speech_server import speech_server, tone

from lp_pack.cli import group
from lp_pack.errors import ConfigError, DatasetError, SpeechError
from lp_pack.speech.clip_index import read_index
from lp_pack.speech.clip_quality import check_clip, clipped_share, spoken_frames
from lp_pack.speech.corpus import Language
from lp_pack.speech.engines.spoken import Spoken
from lp_pack.speech.script import ScriptLine, script_sections
from lp_pack.speech.voices import speak_script
from lp_pack.speech.wave_file import write_wave

RATE = 16_000


class ToneEngine:
    """Speaks tones, and remembers what it was asked; `broken` texts fail."""

    def __init__(self, name: str = "tone", broken: str = "") -> None:
        self.name = name
        self.broken = broken
        self.spoken: list[tuple[str, float]] = []

    def identity(self, language: Language) -> str:
        return f"{self.name} {language}"

    def speak(self, text: str, language: Language, speed: float, instructions: str = "") -> Spoken:
        if text == self.broken:
            raise SpeechError("the engine stumbled", where=text)
        self.spoken.append((text, speed))
        samples = 0.3 * np.sin(np.arange(int(RATE / speed)) * 0.1)
        samples[: RATE // 4] = 0
        return Spoken(samples.astype(np.float32), RATE)


LINES = tuple(ScriptLine(f"en-test-{n}", "en", "test", "happy", f"Line {n}.") for n in range(5))


def test_every_line_becomes_a_clip_with_an_index_entry(tmp_path: Path) -> None:
    report = speak_script(LINES, ToneEngine(), tmp_path, speeds=(1.0, 0.8))  # type: ignore[arg-type]
    index = read_index(tmp_path)
    assert (report.clips, report.made, len(index.clips)) == (10, 10, 10)
    assert report.problems == ()
    first = index.clips[0]
    assert (first.text, first.section, first.emotion) == ("Line 0.", "test", "happy")
    assert (first.duration, first.alignment_offset) == (1.0, 0.0)
    # The tone begins after a quarter of a second: frame 6 of 25 a second.
    assert (first.start_frame, first.end_frame) == (6, 25)
    assert all((tmp_path / clip.file).is_file() for clip in index.clips)


def test_a_rerun_makes_only_what_is_missing(tmp_path: Path) -> None:
    speak_script(LINES, ToneEngine(), tmp_path)  # type: ignore[arg-type]
    (tmp_path / read_index(tmp_path).clips[3].file).unlink()
    again = ToneEngine()
    report = speak_script(LINES, again, tmp_path)  # type: ignore[arg-type]
    assert again.spoken == [("Line 3.", 1.0)]
    assert (report.clips, report.made) == (5, 1)


def test_another_engine_or_text_makes_the_clip_anew(tmp_path: Path) -> None:
    speak_script(LINES, ToneEngine(), tmp_path)  # type: ignore[arg-type]
    other = ToneEngine("another")
    assert speak_script(LINES, other, tmp_path).made == 5  # type: ignore[arg-type]


def test_what_was_made_before_a_failure_is_kept(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="stumbled"):
        speak_script(LINES, ToneEngine(broken="Line 4."), tmp_path, workers=1)  # type: ignore[arg-type]
    assert len(read_index(tmp_path).clips) == 4
    assert not list(tmp_path.rglob("*.partial"))
    report = speak_script(LINES, ToneEngine(), tmp_path)  # type: ignore[arg-type]
    assert report.made == 1


def test_a_speed_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="speed"):
        speak_script(LINES, ToneEngine(), tmp_path, speeds=(9.0,))  # type: ignore[arg-type]


def noise(seconds: float, level: float, rate: int = RATE) -> np.ndarray:
    samples = np.random.default_rng(0).standard_normal(int(seconds * rate)) * level
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "rate", "what"),
    [
        (noise(0.1, 0.1), RATE, "duration out of range"),
        (noise(31.0, 0.1), RATE, "duration out of range"),
        (noise(1.0, 0.003), RATE, "too quiet"),
        (np.zeros(RATE, np.float32), RATE, "silent"),
        (np.clip(noise(1.0, 2.0), -1, 1), RATE, "clipped"),
        (noise(1.0, 0.1, 22_050), 22_050, "wrong rate"),
    ],
)
def test_each_fault_is_reported_with_the_files_name(
    samples: np.ndarray, rate: int, what: str
) -> None:
    problems = check_clip("a/b.wav", samples, rate, RATE)
    assert [problem.what for problem in problems] == [what]
    assert str(problems[0]).startswith(f"a/b.wav: {what}")


def test_good_speech_has_no_faults_and_one_peak_is_no_clipping() -> None:
    samples = noise(1.0, 0.1)
    samples[100] = 1.0
    assert check_clip("x", samples, RATE, RATE) == ()
    assert clipped_share(samples) == 0


def test_silence_has_no_spoken_frames() -> None:
    assert spoken_frames(np.zeros(RATE, np.float32), RATE, 25.0) == (0, 0)


def test_a_file_that_somebody_replaced_is_reported(tmp_path: Path) -> None:
    speak_script(LINES, ToneEngine(), tmp_path)  # type: ignore[arg-type]
    file = read_index(tmp_path).clips[2].file
    write_wave(tmp_path / file, noise(1.0, 0.1), 22_050)
    report = speak_script(LINES, ToneEngine(), tmp_path)  # type: ignore[arg-type]
    assert [(p.file, p.what) for p in report.problems] == [(file, "wrong rate")]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"clips": [{"id": 1, "file": "x"}]}', b'{"format": 99}', b'{"what": 1}',
     b'{"clips": [{"id": "a", "file": "x"}, {"id": "a", "file": "y"}]}'],
)  # fmt: skip
def test_an_index_of_another_form_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(DatasetError, match=r"index\.json"):
        read_index(tmp_path)


class TestCommand:
    def test_it_speaks_through_a_service_and_prints_json(self, tmp_path: Path) -> None:
        with speech_server() as server:
            server.answer = tone(0.5)
            arguments = ["voices", "--language", "en", "--engine", "openai", "--jobs", "2"]
            arguments += ["--endpoint", server.url, "-o", str(tmp_path / "v"), "--json"]
            result = CliRunner().invoke(group, arguments)
        assert result.exit_code == 0, result.stderr
        lines = sum(len(section.lines) for section in script_sections("en"))
        report = json.loads(result.stdout)
        assert (report["clips"], report["problems"]) == (lines, [])
        index = msgspec.json.decode((tmp_path / "v" / "index.json").read_bytes())
        assert index["clips"][0]["engine"] == "127.0.0.1 gpt-4o-mini-tts alloy"

    def test_bad_clips_are_named_and_end_with_exit_code_one(self, tmp_path: Path) -> None:
        with speech_server() as server:
            server.answer = tone(0.2)
            arguments = ["voices", "--language", "en", "--engine", "openai"]
            arguments += ["--endpoint", server.url, "-o", str(tmp_path / "v")]
            result = CliRunner().invoke(group, arguments)
        assert result.exit_code == 1
        assert "clips/en-vowels-01-x100.wav: duration out of range" in result.stderr
