"""Phonemes become mouth shapes: known symbols, diphthongs in two, closures before their burst."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_pack.errors import SpeechError
from lp_pack.speech.espeak import Phoneme
from lp_pack.speech.visemes import SYMBOLS, VISEMES, gestures, split_symbols


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("p", ("p",)),
        ("aɪ", ("a", "ɪ")),
        ("ts.h", ("ts.h",)),
        ("ɑːɹ", ("ɑ", "ɹ")),
        ("uei", ("u", "e", "i")),
        ("onɡ", ("o", "nɡ")),
        ("", ()),
    ],
)
def test_espeak_names_split_into_symbols(name: str, symbols: tuple[str, ...]) -> None:
    assert split_symbols(name) == symbols


def test_an_unknown_phoneme_is_named_with_its_code_point() -> None:
    with pytest.raises(SpeechError, match=r"U\+0294|U\+01C3"):
        split_symbols("ǃ")


def test_every_symbol_has_a_viseme_within_the_controls_range() -> None:
    for symbol, name in SYMBOLS.items():
        viseme = VISEMES[name]
        assert 0 <= viseme.jaw_open <= 1, symbol
        assert 0 <= viseme.closure <= 1, symbol
        assert viseme.jaw_dominance > 0, symbol


@pytest.mark.parametrize("symbol", ["p", "b", "m", "ph"])
def test_bilabials_close_completely(symbol: str) -> None:
    assert VISEMES[SYMBOLS[symbol]].closure == 1


def test_a_voiceless_stop_takes_its_closure_from_the_time_before() -> None:
    first, second = gestures((Phoneme("a", 0.0, 0.3), Phoneme("p", 0.3, 0.36)))
    assert first.end == second.start == pytest.approx(0.25)
    assert second.end == 0.36


def test_a_short_pause_belongs_to_the_syllable_and_a_long_one_is_silence() -> None:
    names = [
        gesture.symbol
        for gesture in gestures(
            (
                Phoneme("a", 0.0, 0.2),
                Phoneme("", 0.2, 0.23),
                Phoneme("m", 0.23, 0.3),
                Phoneme("", 0.3, 0.8),
            )
        )
    ]
    assert names == ["a", "m", ""]


SPOKEN = st.tuples(st.sampled_from([*SYMBOLS, "", "aɪ"]), st.floats(0.01, 0.4))


@given(st.lists(SPOKEN, max_size=12))
def test_gestures_are_gap_free_and_in_order(spoken: list[tuple[str, float]]) -> None:
    phonemes = []
    time = 0.0
    for name, seconds in spoken:
        phonemes.append(Phoneme(name, time, time + seconds))
        time += seconds
    result = gestures(tuple(phonemes))
    for before, after in pairwise(result):
        assert before.end == pytest.approx(after.start)
        assert before.start <= before.end
    assert not result or result[-1].end == pytest.approx(time)
