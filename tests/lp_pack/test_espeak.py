"""espeak-ng speaks, and its phonemes are where the sound is."""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from lp_pack.errors import SpeechError
from lp_pack.speech.corpus import LANGUAGES, Language, coverage, sentences, spoken_form, to_pinyin
from lp_pack.speech.espeak import SAMPLE_RATE, Espeak, Voice, espeak
from lp_pack.speech.labels import speech_controls
from lp_pack.speech.streams import make_stream, stretched


@pytest.fixture
def synthesiser() -> Espeak:
    try:
        return espeak()
    except SpeechError as error:
        pytest.skip(f"espeak-ng is not installed: {error.remedy}")


def test_phonemes_tile_the_sound_in_order(synthesiser: Espeak) -> None:
    speech = synthesiser.speak("My mother bought a map.", Voice("en-us+f1"))
    assert [p.name for p in speech.phonemes if p.name][:2] == ["m", "aɪ"]
    for before, after in pairwise(speech.phonemes):
        assert before.end == after.start
    assert speech.phonemes[-1].end == pytest.approx(speech.seconds)


def test_vowels_are_loud_and_pauses_silent_where_they_are_said_to_be(synthesiser: Espeak) -> None:
    speech = synthesiser.speak("Papa, mama, papa.", Voice("en-us"))

    def level(start: float, end: float) -> float:
        piece = speech.samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
        return float(np.sqrt(np.mean(piece**2)))

    vowels = [level(p.start, p.end) for p in speech.phonemes if p.name.startswith("ɑ")]
    pauses = [
        level(p.start + 0.03, p.end)
        for p in speech.phonemes
        if not p.name and p.end - p.start > 0.1
    ]
    assert vowels
    assert pauses
    assert min(vowels) > 10 * max(pauses)


def test_a_fresh_process_says_the_same_words_with_the_same_samples(synthesiser: Espeak) -> None:
    program = (
        "import hashlib, numpy\n"
        "from lp_pack.speech.streams import make_stream\n"
        "stream = make_stream('f1', 'zh', 5.0, numpy.random.default_rng(3))\n"
        "print(hashlib.sha256(stream.samples.tobytes()).hexdigest())"
    )
    digests = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_an_unknown_voice_and_an_empty_text_are_errors(synthesiser: Espeak) -> None:
    with pytest.raises(SpeechError, match="no such voice"):
        synthesiser.speak("hello", Voice("tlh-atlantis"))
    with pytest.raises(SpeechError, match="nothing was spoken"):
        synthesiser.speak("", Voice("en-us"))


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: "libespeak-ng-absent.so.9")
    with pytest.raises(SpeechError, match="apt-get install espeak-ng"):
        Espeak()


def test_chinese_becomes_pinyin_with_tones() -> None:
    assert to_pinyin("你好吗，绿猫。") == "ni3 hao3 ma5 , lv4 mao1 ."


def test_the_mandarin_corpus_covers_every_initial_and_final() -> None:
    assert coverage(sentences("zh"), "zh").missing == ()
    assert "zh" in coverage(["爸爸"], "zh").missing


def test_the_english_corpus_covers_every_phoneme(synthesiser: Espeak) -> None:
    assert coverage(sentences("en"), "en").missing == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_mouth_shapes(synthesiser: Espeak, language: Language) -> None:
    name = {"zh": "cmn-latn-pinyin", "en": "en-us"}[language]
    for text in sentences(language):
        speech = synthesiser.speak(spoken_form(text, language), Voice(name, 300))
        assert np.isfinite(speech_controls(speech).stack()).all()


def test_a_stream_has_one_row_of_controls_for_every_frame(synthesiser: Espeak) -> None:
    stream = make_stream("f1", "zh", 5.0, np.random.default_rng(3))
    assert len(stream.samples) == 640 * len(stream.controls)
    assert stream.samples.std() > 0.01


def test_stretching_moves_the_phonemes_along(synthesiser: Espeak) -> None:
    speech = synthesiser.speak("hello", Voice())
    slow = stretched(speech, 17)
    assert slow.seconds == pytest.approx(speech.seconds * 20 / 17, abs=1e-3)
    assert slow.phonemes[-1].end == pytest.approx(slow.seconds, abs=2e-3)
