"""Speech with phoneme times from espeak-ng, called through its shared library.

espeak-ng (Debian: libespeak-ng1) reports every phoneme with its time in milliseconds when it is
initialised with phoneme events. Its C interface is `espeak-ng/speak_lib.h`; one process has one
synthesiser with global state, so all calls go through one lock, and only the same sequence of calls
in a fresh process gives the same samples.

Its `cmn` voice spells characters as English: give Mandarin as pinyin with tone numbers to the voice
`cmn-latn-pinyin` (`lp_pack.speech.corpus.to_pinyin`).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lp_pack.errors import SpeechError

SAMPLE_RATE = 16000

# Values of speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_EVENT_LIST_END, _EVENT_PHONEME = 0, 7
_POSITION_CHARACTER, _CHARS_UTF8 = 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4


@dataclass(frozen=True)
class Voice:
    """How espeak speaks: `name` is a language and a variant ("en-us+f3")."""

    name: str = "en-us"
    words_per_minute: int = 175
    pitch: int = 50  # 0..99
    pitch_range: int = 50  # 0..99


@dataclass(frozen=True)
class Phoneme:
    """One spoken phoneme: its IPA name (empty: pause) and its span in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class TimedSpeech:
    """Mono samples in [-1, 1] at `SAMPLE_RATE`, and the phonemes in them, gap-free and in order."""

    samples: NDArray[np.float32]
    phonemes: tuple[Phoneme, ...]

    @property
    def seconds(self) -> float:
        """Duration of the samples."""
        return len(self.samples) / SAMPLE_RATE


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        # A union; for phoneme events the name, without a final zero when it takes all 8 bytes.
        ("name", ctypes.c_ubyte * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def _event_name(event: _Event) -> str:
    # A name cut at 8 bytes may end inside a character: the rest of that character is dropped.
    return bytes(event.name).split(b"\0")[0].decode("utf-8", errors="ignore")


class Espeak:
    """The process's espeak-ng synthesiser; get it with `espeak()`."""

    def __init__(self) -> None:
        found = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        try:
            self._library: Any = ctypes.CDLL(found)
        except OSError as error:
            raise SpeechError(
                "espeak-ng is not installed",
                where=found,
                expected="the shared library libespeak-ng",
                got=error,
                remedy="install it: apt-get install espeak-ng (macOS: brew install espeak-ng)",
            ) from error
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DO_NOT_EXIT
        self.native_rate = int(
            self._library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, options)
        )
        if self.native_rate <= 0:
            raise SpeechError(
                "espeak-ng does not start",
                where=found,
                expected="a sample rate",
                got=self.native_rate,
                remedy="install its data: apt-get install espeak-ng-data",
            )
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()
        self._chunks: list[NDArray[np.int16]] = []
        self._marks: list[tuple[float, str]] = []

    def _collect(self, wave: Any, count: int, events: Any) -> int:
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, shape=(count,)).astype(np.int16))
        index = 0
        while events[index].type != _EVENT_LIST_END:
            if events[index].type == _EVENT_PHONEME:
                seconds = events[index].audio_position / 1000
                self._marks.append((seconds, _event_name(events[index])))
            index += 1
        return 0

    def speak(self, text: str, voice: Voice) -> TimedSpeech:
        """Speak `text`.

        Raises:
            SpeechError: the voice does not exist, or nothing was spoken.
        """
        with self._lock:
            self._chunks, self._marks = [], []
            self._select(voice)
            data = text.encode("utf-8")
            self._library.espeak_Synth(
                data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
            )
            chunks, marks = self._chunks, self._marks
        if not chunks or not any(name for _, name in marks):
            raise SpeechError(
                "nothing was spoken",
                where=repr(text[:60]),
                expected="words that the voice's language has",
                got=f"voice {voice.name}",
                remedy="check the text; Mandarin goes in as pinyin with tone numbers",
            )
        native = np.concatenate(chunks).astype(np.float32) / 32768
        divisor = gcd(SAMPLE_RATE, self.native_rate)
        samples = resample_poly(native, SAMPLE_RATE // divisor, self.native_rate // divisor)
        samples = samples.astype(np.float32)
        return TimedSpeech(samples, _spans(marks, len(samples) / SAMPLE_RATE))

    def _select(self, voice: Voice) -> None:
        if self._library.espeak_SetVoiceByName(voice.name.encode("utf-8")) != 0:
            raise SpeechError(
                "espeak-ng has no such voice",
                where=voice.name,
                expected="a language of `espeak-ng --voices`, and a variant after +",
                remedy="use for example en-us, en-us+f3 or cmn-latn-pinyin+m2",
            )
        settings = ((_RATE, voice.words_per_minute), (_PITCH, voice.pitch))
        for parameter, value in (*settings, (_RANGE, voice.pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)


def _spans(marks: list[tuple[float, str]], seconds: float) -> tuple[Phoneme, ...]:
    """Gap-free phonemes from their start times; pauses have empty names."""
    starts = [min(start, seconds) for start, _ in marks]
    ends = [*starts[1:], seconds]
    phonemes = [Phoneme("", 0.0, starts[0])] if starts and starts[0] > 0 else []
    for (_, name), start, end in zip(marks, starts, ends, strict=True):
        if end > start:
            phonemes.append(Phoneme(name, start, end))
    return tuple(phonemes)


_instances: list[Espeak] = []
_instances_lock = threading.Lock()


def espeak() -> Espeak:
    """The synthesiser of this process, started on first use.

    Raises:
        SpeechError: espeak-ng is not installed.
    """
    with _instances_lock:
        if not _instances:
            _instances.append(Espeak())
        return _instances[0]
