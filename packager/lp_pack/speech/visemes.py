"""From IPA phonemes to mouth shapes.

The classes are the 15 visemes of MPEG-4 face animation (ISO/IEC 14496-2, annex C, table of visemes:
none; p b m; f v; th; t d; k g; tS dZ S; s z; n l; r; A; e; I; Q; U), with vowels split by openness
where the lips differ visibly, and Mandarin's palatals and retroflexes put where their lips belong.
Which part of the face each class rules follows the rules of JALI (Edwards, Landreth, Fiume, Singh,
SIGGRAPH 2016, section 4): bilabials always close, labiodentals always touch, sibilants narrow the
jaw, lip-heavy phonemes spread to their neighbours, tongue-only phonemes leave the lips alone. The
numbers are ours, in units of `lp_pack.demo.expression_basis` controls (0 neutral, 1 full).
"""

from __future__ import annotations

from dataclasses import dataclass

from lp_pack.errors import SpeechError
from lp_pack.speech.espeak import Phoneme


@dataclass(frozen=True)
class Viseme:
    """A mouth shape, and how strongly it insists on its jaw and on its lips."""

    jaw_open: float = 0.0
    lip_pucker: float = 0.0
    lip_wide: float = 0.0
    # Dominance magnitudes (Cohen and Massaro 1993): 1 rules its neighbours, 0.1 yields to them.
    jaw_dominance: float = 0.6
    lip_dominance: float = 0.6
    # How far the lips close whatever the neighbours want: 1 bilabial, about half for lip on teeth.
    closure: float = 0.0


VISEMES: dict[str, Viseme] = {
    "silence": Viseme(jaw_dominance=0.5, lip_dominance=0.4),
    "bilabial": Viseme(jaw_dominance=0.6, lip_dominance=0.1, closure=1.0),
    "labiodental": Viseme(0.08, jaw_dominance=0.8, lip_dominance=0.3, closure=0.55),
    "dental": Viseme(0.18, jaw_dominance=0.6, lip_dominance=0.15),
    "alveolar stop": Viseme(0.15, jaw_dominance=0.5, lip_dominance=0.1),
    "velar": Viseme(0.25, jaw_dominance=0.3, lip_dominance=0.05),
    "glottal": Viseme(0.30, jaw_dominance=0.15, lip_dominance=0.05),
    "postalveolar": Viseme(0.12, 0.50, jaw_dominance=0.9, lip_dominance=0.7),
    "retroflex": Viseme(0.12, 0.30, jaw_dominance=0.9, lip_dominance=0.5),
    "palatal": Viseme(0.10, 0.0, 0.45, jaw_dominance=0.9, lip_dominance=0.5),
    "sibilant": Viseme(0.06, 0.0, 0.30, jaw_dominance=0.9, lip_dominance=0.4),
    "alveolar sonorant": Viseme(0.20, jaw_dominance=0.5, lip_dominance=0.1),
    "rhotic": Viseme(0.22, 0.40, jaw_dominance=0.5, lip_dominance=0.6),
    "open": Viseme(1.00, jaw_dominance=1.0, lip_dominance=0.6),
    "open front": Viseme(0.80, 0.0, 0.35, jaw_dominance=1.0, lip_dominance=0.6),
    "mid front": Viseme(0.50, 0.0, 0.45, jaw_dominance=0.8, lip_dominance=0.7),
    "near-close front": Viseme(0.28, 0.0, 0.40, jaw_dominance=0.7, lip_dominance=0.6),
    "close front": Viseme(0.18, 0.0, 0.75, jaw_dominance=0.8, lip_dominance=0.9),
    "central": Viseme(0.40, jaw_dominance=0.6, lip_dominance=0.3),
    "open central": Viseme(0.65, jaw_dominance=0.8, lip_dominance=0.4),
    "open rounded": Viseme(0.65, 0.45, jaw_dominance=0.9, lip_dominance=0.9),
    "mid rounded": Viseme(0.45, 0.70, jaw_dominance=0.8, lip_dominance=1.0),
    "close rounded": Viseme(0.15, 0.95, jaw_dominance=0.8, lip_dominance=1.0),
    "rounded glide": Viseme(0.10, 0.95, jaw_dominance=0.7, lip_dominance=1.0),
}

_MEMBERS: dict[str, str] = {
    "bilabial": "p b m ph pʰ",
    "labiodental": "f v ʋ",
    "dental": "θ ð",
    "alveolar stop": "t d th tʰ ɾ ɖ ʈ",
    "velar": "k ɡ g ŋ kh kʰ x χ ɣ ʔ nɡ ng",
    "glottal": "h ɦ",
    "postalveolar": "tʃ dʒ ʃ ʒ",
    "retroflex": "ts. ts.h s. z. ʂ ʐ ʈʂ i. r. ʐ. ɻ",
    "palatal": "tɕ tɕh tɕʰ ɕ ʑ ç",
    "sibilant": "s z ts tsh tsʰ dz i̪",
    "alveolar sonorant": "n l ɫ ɲ ʎ",
    "rhotic": "ɹ r ɝ ɚ ɜ ʁ",
    "open": "a ɑ ɐɐ",
    "open front": "æ",
    "mid front": "e ɛ",
    "near-close front": "ɪ ᵻ ɨ ɪ̈",
    "close front": "i j",
    "central": "ə ɘ ɵ ɤ",
    "open central": "ʌ ɐ",
    "open rounded": "ɔ ɒ",
    "mid rounded": "o",
    "close rounded": "u ʊ y ʉ ø",
    "rounded glide": "w ɥ ʍ",
}
SYMBOLS: dict[str, str] = {
    symbol: viseme for viseme, symbols in _MEMBERS.items() for symbol in symbols.split()
}
# Length, stress, aspiration, syllabicity and tone marks say nothing about the lips.
IGNORED = frozenset("ː:ˑˈˌʰʲ̩̯̃͡'-|˥˦˧˨˩0123456789ʼ̪.")


def _symbol_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


VOWELS = _symbol_set("a ɑ æ e ɛ ɪ ᵻ ɨ i ə ɘ ɵ ɤ ʌ ɐ ɔ ɒ o u ʊ y ʉ ø ɜ ɝ ɚ i. i̪")
# espeak starts a voiceless stop at its burst; the closure is the silence before.
VOICELESS_STOPS = _symbol_set("p t k ts ts. tʃ tɕ ph th kh tsh ts.h tɕh pʰ tʰ kʰ tsʰ tɕʰ")
CLOSURE_SECONDS = 0.05
# A nameless span shorter than this is a syllable mark, not a pause.
SHORTEST_PAUSE = 0.06
# The share of a diphthong that its first vowel takes: long as the nucleus, short as a glide.
NUCLEUS_SHARE, GLIDE_SHARE = 0.6, 0.35
GLIDES = frozenset("iuy")


@dataclass(frozen=True)
class Gesture:
    """One mouth shape and when it is held, in seconds; `symbol` is its IPA sign, "" for a pause."""

    symbol: str
    viseme: Viseme
    start: float
    end: float


def split_symbols(name: str) -> tuple[str, ...]:
    """Cut an espeak IPA name ("aɪ", "ts.h", "onɡ") into the symbols of `SYMBOLS`.

    Raises:
        SpeechError: a character is no known phoneme.
    """
    symbols = []
    at = 0
    while at < len(name):
        for length in (4, 3, 2, 1):
            piece = name[at : at + length]
            if piece in SYMBOLS:
                symbols.append(piece)
                break
        else:
            length, piece = 1, name[at]
            if piece not in IGNORED:
                raise SpeechError(
                    "a phoneme has no mouth shape",
                    where=f"espeak's phoneme {name!r}",
                    expected=f"symbols of {' '.join(SYMBOLS)}",
                    got=f"{piece!r} (U+{ord(piece):04X})",
                    remedy="speak Mandarin as pinyin or English, or extend lp_pack.speech.visemes",
                )
        at += length
    return tuple(symbols)


def gestures(phonemes: tuple[Phoneme, ...]) -> tuple[Gesture, ...]:
    """Mouth shapes of spoken phonemes, gap-free: diphthongs in two, closures before their burst.

    Raises:
        SpeechError: a phoneme has no mouth shape.
    """
    result: list[Gesture] = []
    for phoneme in phonemes:
        symbols = split_symbols(phoneme.name)
        if not symbols:
            _append_pause(result, phoneme)
            continue
        start = _burst_to_closure(result, symbols[0], phoneme.start)
        times = _split_times(symbols, start, phoneme.end)
        for symbol, begin, end in zip(symbols, times[:-1], times[1:], strict=True):
            result.append(Gesture(symbol, VISEMES[SYMBOLS[symbol]], begin, end))
    return tuple(result)


def _append_pause(result: list[Gesture], phoneme: Phoneme) -> None:
    short = phoneme.end - phoneme.start < SHORTEST_PAUSE
    last = result[-1] if result else None
    if last is not None and (short or last.symbol == ""):
        result[-1] = Gesture(last.symbol, last.viseme, last.start, phoneme.end)
    else:
        result.append(Gesture("", VISEMES["silence"], phoneme.start, phoneme.end))


def _burst_to_closure(result: list[Gesture], symbol: str, start: float) -> float:
    """Where a stop's closure starts; shortens what came before it by that time."""
    if symbol not in VOICELESS_STOPS or not result:
        return start
    last = result[-1]
    closure = min(CLOSURE_SECONDS, 0.6 * (last.end - last.start))
    result[-1] = Gesture(last.symbol, last.viseme, last.start, start - closure)
    return start - closure


def _split_times(symbols: tuple[str, ...], start: float, end: float) -> list[float]:
    if len(symbols) == 2 and all(symbol in VOWELS for symbol in symbols):
        share = GLIDE_SHARE if symbols[0] in GLIDES else NUCLEUS_SHARE
        return [start, start + share * (end - start), end]
    step = (end - start) / len(symbols)
    return [start + step * index for index in range(len(symbols))] + [end]
