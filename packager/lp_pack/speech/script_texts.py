"""What the recording script says: its sections, and the acting of eight emotions.

The sentences for single sounds are the corpus's (`lp_pack.speech.corpus`), which is ordered by
sound; a test holds every section to the sounds that it promises.
"""

from __future__ import annotations

from dataclasses import dataclass

from lp_pack.speech.corpus import ENGLISH_SENTENCES, MANDARIN_SENTENCES, Language


@dataclass(frozen=True)
class SoundSection:
    """Sentences that go through a group of sounds.

    `sounds` are of the corpus's inventory (pinyin initials and finals, or IPA); each of them occurs
    in `sentences`.
    """

    name: str
    title: str
    note: str
    sounds: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class EmotionActing:
    """How to play an emotion, and what to say with it in each language."""

    note: str
    sentences: dict[Language, tuple[str, ...]]


def _section(
    name: str, title: str, note: str, sounds: str, sentences: tuple[str, ...]
) -> SoundSection:
    return SoundSection(name, title, note, tuple(sounds.split()), sentences)


def _chinese(first: int, last: int) -> tuple[str, ...]:
    return MANDARIN_SENTENCES[first:last]


def _english(first: int, last: int) -> tuple[str, ...]:
    return ENGLISH_SENTENCES[first:last]


_HOLD = "Hold each vowel for half a second; close the mouth and rest after each line."

MANDARIN_VOWELS = tuple(f"{vowel}，{vowel}，{vowel}。" for vowel in "啊喔鹅衣乌鱼爱欧安儿")
ENGLISH_VOWELS = ("Ah. Eh. Ee. Oh. Oo.", "Father, cat, bed, bird, bid, bead.", "Hood, food, law.")

MANDARIN_SECTIONS = (
    _section("vowels", "Vowel shapes", _HOLD, "a o e i u v ai ou an er", MANDARIN_VOWELS),
    _section("labials", "Initials: both lips", "Close the lips fully.", "b p m", _chinese(0, 3)),
    _section("labiodentals", "Initials: lip on teeth", "Show the teeth.", "f", _chinese(3, 4)),
    _section("tongue-tip", "Initials: tongue tip", "Steady pace.", "d t n l", _chinese(4, 8)),
    _section("velars", "Initials: back of the tongue", "Relaxed lips.", "g k h", _chinese(8, 11)),
    _section("palatals", "Initials: palatals", "Spread lips.", "j q x", _chinese(11, 14)),
    _section(
        "retroflex", "Initials: retroflex sibilants", "Slightly rounded.", "zh ch sh r",
        _chinese(14, 18),
    ),
    _section(
        "dental-sibilants", "Initials: dental sibilants", "Teeth together.", "z c s",
        _chinese(18, 21),
    ),
    _section(
        "finals", "Finals", "Let each vowel reach its shape.",
        "er e en ang v ve van vn iong iang uai ua uang uan ing ian ao", _chinese(21, 30),
    ),
    _section("everyday", "Everyday speech", "As in a conversation.", "", _chinese(30, 44)),
)  # fmt: skip

ENGLISH_SECTIONS = (
    _section("vowels", "Vowel shapes", _HOLD, "ɑ ɛ i oʊ u æ ɜ ɪ ʊ ɔ", ENGLISH_VOWELS),
    _section("labials", "Both lips", "Close the lips fully.", "p b m w", (
        *_english(0, 3), *_english(14, 15),
    )),
    _section("labiodentals", "Lip on teeth", "Show the teeth.", "f v", _english(3, 4)),
    _section("dentals", "Tongue on teeth", "Let the tongue be seen.", "θ ð", _english(4, 5)),
    _section("tongue-tip", "Tongue tip", "Steady pace.", "t d n l ɹ", (
        *_english(5, 6), *_english(12, 14),
    )),
    _section("velars", "Back of the tongue", "Relaxed lips.", "k ɡ ŋ h", (
        *_english(6, 8), *_english(16, 18),
    )),
    _section("sibilants", "Sibilants", "Teeth together.", "ʃ ʒ tʃ dʒ z s", (
        *_english(8, 12), *_english(18, 19),
    )),
    _section("palatals", "Palatal glide", "Spread lips.", "j", _english(15, 16)),
    _section(
        "finals", "Vowels in words", "Let each vowel reach its shape.",
        "i ɪ ɛ æ ɑ ɔ ʌ ʊ u ɜ eɪ aɪ ɔɪ aʊ oʊ ə", _english(19, 35),
    ),
    _section("everyday", "Everyday speech", "As in a conversation.", "", _english(35, 44)),
)  # fmt: skip

SECTIONS: dict[Language, tuple[SoundSection, ...]] = {
    "zh": MANDARIN_SECTIONS,
    "en": ENGLISH_SECTIONS,
}

# In the order of `lp_pack.speech.emotions.EMOTIONS`.
ACTING: dict[str, EmotionActing] = {
    "angry": EmotionActing(
        "Brows down and together, lips tight between phrases, hard stresses. Do not shout.",
        {
            "zh": ("你怎么又迟到了！", "我说过不要碰我的东西。", "这件事我绝对不同意。"),
            "en": (
                "How could you be late again!",
                "I told you not to touch my papers.",
                "Absolutely not, I will never agree.",
            ),
        },
    ),
    "contented": EmotionActing(
        "A small closed smile, soft eyes, slow and warm.",
        {
            "zh": ("今天过得真舒服。", "喝一杯热茶，晒晒太阳。", "这样慢慢走也很好。"),
            "en": (
                "What a comfortable day this was.",
                "A warm cup of tea in the sun.",
                "There is no hurry, this is fine.",
            ),
        },
    ),
    "disgusted": EmotionActing(
        "Wrinkle the nose, raise the upper lip, narrow the eyes, lean back a little.",
        {
            "zh": ("这是什么味道？", "快把它拿走，太恶心了。", "我一口也吃不下。"),
            "en": (
                "What is that awful smell?",
                "Take it away, it is rotten.",
                "I could not eat one bite of it.",
            ),
        },
    ),
    "fear": EmotionActing(
        "Eyes wide, inner brows up, lips stretched sideways, breath held before phrases.",
        {
            "zh": ("别出声，外面有人。", "我不敢一个人进去。", "你听见那个声音了吗？"),
            "en": (
                "Be quiet, someone is outside.",
                "I do not dare to go in alone.",
                "Did you hear that noise?",
            ),
        },
    ),
    "happy": EmotionActing(
        "A real smile that lifts the cheeks, teeth showing, quick and bright.",
        {
            "zh": ("太好了，我们赢了！", "见到你我真高兴。", "快来看，下雪了！"),
            "en": (
                "Wonderful, we won the match!",
                "I am so happy to see you.",
                "Come and look, it is snowing!",
            ),
        },
    ),
    "neutral": EmotionActing(
        "As when reading news to one person. Rest with closed lips for two seconds before each.",
        {
            "zh": ("会议从上午九点开始。", "请把文件放在桌上。", "这趟车开往火车站。"),
            "en": (
                "The meeting begins at nine.",
                "Please put the papers on the table.",
                "This bus goes to the main station.",
            ),
        },
    ),
    "sad": EmotionActing(
        "Inner brows up, corners of the mouth down, head a little lowered, slow.",
        {
            "zh": ("他昨天走了，没有说再见。", "我很想念奶奶。", "再也回不到从前了。"),
            "en": (
                "He left without saying goodbye.",
                "I miss my grandmother very much.",
                "It will never be the same again.",
            ),
        },
    ),
    "surprised": EmotionActing(
        "Brows high, eyes wide, jaw dropped before the first word.",
        {
            "zh": ("什么？你已经到了？", "哇，这是给我的吗？", "真没想到是你！"),
            "en": (
                "What? You are here already?",
                "Wow, is that for me?",
                "I never thought it would be you!",
            ),
        },
    ),
}
