"""Speech engines: what they ask, what they return, and what they say when they cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from speech_server import RATE, SpeechServer, speech_server, tone

from lp_pack.errors import ConfigError, SpeechError
from lp_pack.speech.engines import ENGINES, EngineOptions, make_engine, openai_endpoint
from lp_pack.speech.engines.spoken import Spoken, decoded


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeechServer]:
    monkeypatch.setattr(openai_endpoint, "FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with speech_server() as running:
        yield running


class TestEspeak:
    def test_it_speaks_both_languages_with_phoneme_times(self) -> None:
        engine = make_engine("espeak")
        for text, language in (("Hello there.", "en"), ("你好。", "zh")):
            spoken = engine.speak(text, language, 1.0)  # type: ignore[arg-type]
            assert spoken.sample_rate == 16_000
            assert np.abs(spoken.samples).max() > 0.05
            assert spoken.phonemes[-1].end == pytest.approx(spoken.seconds)

    def test_faster_is_shorter(self) -> None:
        engine = make_engine("espeak")
        slow, fast = (engine.speak("One two three four.", "en", s) for s in (0.7, 1.5))
        assert fast.seconds < 0.7 * slow.seconds

    def test_its_identity_names_the_voice(self) -> None:
        identity = make_engine("espeak", EngineOptions(voice="f4")).identity("en")
        assert identity == "espeak-ng en-us+f4"


class TestEndpoint:
    def test_it_asks_as_the_interface_says_and_keeps_the_rate(self, server: SpeechServer) -> None:
        options = EngineOptions(voice="nova", model="m", endpoint=server.url)
        spoken = make_engine("openai", options).speak("Hi.", "en", 1.25, "cheerful")
        assert (spoken.sample_rate, len(spoken.samples)) == (RATE, RATE)
        assert server.requests == [
            {
                "path": "/v1/audio/speech",
                "model": "m",
                "input": "Hi.",
                "voice": "nova",
                "speed": 1.25,
                "response_format": "wav",
            }
        ]
        assert server.keys == [None]

    def test_key_and_instructions_are_sent_when_wanted(
        self, server: SpeechServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MY_KEY", "sesame")
        options = EngineOptions(endpoint=server.url, key_variable="MY_KEY", send_instructions=True)
        make_engine("openai", options).speak("Hi.", "en", 1.0, "cheerful")
        assert server.keys == ["Bearer sesame"]
        assert server.requests[0]["instructions"] == "cheerful"

    def test_passing_trouble_is_tried_again(self, server: SpeechServer) -> None:
        server.statuses = [429, 503]
        make_engine("openai", EngineOptions(endpoint=server.url)).speak("Hi.", "en", 1.0)
        assert len(server.requests) == 3

    def test_a_refusal_is_told_at_once_and_without_the_key(
        self, server: SpeechServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sesame")
        server.statuses = [400]
        with pytest.raises(SpeechError, match="no such voice") as caught:
            make_engine("openai", EngineOptions(endpoint=server.url)).speak("Hi.", "en", 1.0)
        assert "sesame" not in str(caught.value)
        assert len(server.requests) == 1

    def test_an_answer_that_is_no_sound_is_refused(self, server: SpeechServer) -> None:
        server.answer = b"<html>login</html>"
        with pytest.raises(SpeechError, match="<html>"):
            make_engine("openai", EngineOptions(endpoint=server.url)).speak("Hi.", "en", 1.0)

    def test_nobody_listening_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openai_endpoint, "FIRST_WAIT_SECONDS", 0.0)
        engine = make_engine("openai", EngineOptions(endpoint="http://127.0.0.1:9/v1"))
        with pytest.raises(SpeechError, match=r"127\.0\.0\.1:9"):
            engine.speak("Hi.", "en", 1.0)

    def test_other_schemes_are_refused(self) -> None:
        with pytest.raises(ConfigError, match="file:"):
            make_engine("openai", EngineOptions(endpoint="file:///etc/passwd"))


class TestOptionalEngines:
    @pytest.mark.parametrize(
        ("name", "package", "remedy"),
        [
            ("kokoro", "kokoro", "pip install 'kokoro"),
            ("cosyvoice", "cosyvoice", "github.com/FunAudioLLM/CosyVoice"),
            ("chattts", "ChatTTS", "pip install ChatTTS"),
        ],
    )
    def test_what_is_not_installed_says_how_to_get_it(
        self, name: str, package: str, remedy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(SpeechError) as caught:
            make_engine(name)
        assert remedy in str(caught.value)

    def test_kokoro_joins_its_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class KPipeline:
            def __init__(self, lang_code: str, repo_id: str) -> None:
                self.lang_code = lang_code

            def __call__(self, text: str, voice: str, speed: float) -> Iterator[tuple]:
                assert (self.lang_code, voice, speed) == ("z", "zf_xiaobei", 0.9)
                yield "a", "b", np.full(100, 0.1, np.float32)
                yield "c", "d", None
                yield "e", "f", np.full(50, 0.2, np.float32)

        module = ModuleType("kokoro")
        module.KPipeline = KPipeline  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "kokoro", module)
        spoken = make_engine("kokoro").speak("你好", "zh", 0.9)
        assert (spoken.sample_rate, len(spoken.samples)) == (24_000, 150)

    def test_cosyvoice_speaks_with_a_built_in_speaker(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class CosyVoice:
            sample_rate = 22_050

            def __init__(self, model_dir: str) -> None:
                assert model_dir == "here"

            def inference_sft(
                self, text: str, spk_id: str, stream: bool, speed: float
            ) -> Iterator[dict]:
                assert spk_id == "英文女"
                yield {"tts_speech": np.full((1, 30), 0.1)}

        module = ModuleType("cosyvoice.cli.cosyvoice")
        module.CosyVoice = CosyVoice  # type: ignore[attr-defined]
        for name in ("cosyvoice", "cosyvoice.cli"):
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setitem(sys.modules, "cosyvoice.cli.cosyvoice", module)
        spoken = make_engine("cosyvoice", EngineOptions(model="here")).speak("Hi", "en", 1.0)
        assert (spoken.sample_rate, len(spoken.samples)) == (22_050, 30)

    def test_chattts_maps_speed_to_its_prompt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        prompts = []

        class Chat:
            InferCodeParams = dict

            def load(self, compile: bool) -> bool:
                return True

            def sample_random_speaker(self) -> str:
                return "speaker"

            def infer(self, texts: list, skip_refine_text: bool, params_infer_code: dict) -> list:
                prompts.append(params_infer_code["prompt"])
                return [np.full(10, 0.1)]

        module = ModuleType("ChatTTS")
        module.Chat = Chat  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "ChatTTS", module)
        engine = make_engine("chattts", EngineOptions(voice="7"))
        for speed in (1.0, 2.0, 0.5):
            engine.speak("Hi", "en", speed)
        assert prompts == ["[speed_5]", "[speed_9]", "[speed_2]"]
        with pytest.raises(ConfigError, match="number"):
            make_engine("chattts", EngineOptions(voice="anna"))


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        make_engine("hal9000")
    assert all(name in str(caught.value) for name in ENGINES)


def test_resampling_keeps_duration_and_tone() -> None:
    spoken = decoded(tone(1.0), "tone").at_rate(16_000)
    assert abs(len(spoken.samples) - 16_000) <= 1
    middle = spoken.samples[4000:12_000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * 16_000 / len(middle) == pytest.approx(220, abs=2)


def test_the_same_rate_is_the_same_object() -> None:
    spoken = Spoken(np.zeros(4, np.float32), 16_000)
    assert spoken.at_rate(16_000) is spoken
