"""Sentences that go through every sound of Mandarin and English, and the proof that they do.

Mandarin is counted in initials and finals of pinyin (pypinyin), English in espeak's phonemes.
Chinese text becomes pinyin with tone numbers, which is what espeak's `cmn-latn-pinyin` speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from pypinyin import Style, lazy_pinyin, pinyin_dict
from pypinyin.contrib.tone_convert import to_normal

from lp_pack.errors import ConfigError
from lp_pack.speech.espeak import Voice, espeak
from lp_pack.speech.languages import LANGUAGES, Language
from lp_pack.speech.visemes import split_symbols

ESPEAK_LANGUAGE: dict[Language, str] = {"zh": "cmn-latn-pinyin", "en": "en-us"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


INITIALS = _words("b p m f d t n l g k h j q x zh ch sh r z c s")
FINALS = _words(
    "a o e i u v ai ei ao ou an en ang eng ong er ia ie iao iou ian in iang ing iong "
    "ua uo uai uei uan uen uang ve van vn"
)
ENGLISH_PHONEMES = _words(
    "p b t d k ɡ m n ŋ f v θ ð s z ʃ ʒ h tʃ dʒ l ɹ w j i ɪ ɛ æ ɑ ɔ ʌ ʊ u ə ɜ eɪ aɪ ɔɪ aʊ oʊ"
)

_PUNCTUATION = str.maketrans(
    {"，": ", ", "。": ". ", "！": "! ", "？": "? ", "、": ", ", "；": "; ", "：": ": "}
)

MANDARIN_SENTENCES = (
    "爸爸把包放在白色的桌子旁边。",
    "婆婆怕胖，跑步爬坡，拍了拍皮球。",
    "妈妈买了一米棉布，慢慢地摸了摸猫。",
    "飞机飞过风很大的方块麦田，房子和佛像都很远。",
    "弟弟大声地读单词，灯下的豆腐掉在地上。",
    "太太提着兔子，跳过田里的土堆，头很疼。",
    "你那年拿着牛奶，暖和的南方女孩弄脏了泥路。",
    "老李来了，带着两个绿梨，轮流拉着驴走路。",
    "哥哥刚刚给姑姑刮了胡子，挂上广告，跟她逛公园。",
    "客人看见开着的窗口，哭着夸筷子又快又宽。",
    "很好喝的红花茶，坏孩子和黄狐狸回海边划船。",
    "姐姐今天去街角的酒家，见了九只金鸡和军人。",
    "七个全新的球在前面，亲戚请你去墙边吃青菜和裙带菜。",
    "小雪想学新戏，穷书生兄弟二人喜欢选香蕉。",
    "这只猪住在山庄，准备摘桌上真正重要的竹子。",
    "春天吃茶，出车穿城，床上的虫子吵醒了厂长。",
    "师傅说，书上的水是山上双胞胎烧的，谁都睡得顺。",
    "日子热，人人让肉软弱，仍然润了嘴唇。",
    "早上坐在嘴边的字，总是在最早的村子里作怎样的诗。",
    "草丛里藏着葱，从此猜测存钱的错处，粗菜才脆。",
    "三岁的孙子算四十四所宿舍，嗓子嘶哑，送森林松果。",
    "一页药用鸭子，野外有烟，英勇的云月愿意拥抱阳光。",
    "五位外婆问我，晚上忘了网，挖瓦屋的温暖。",
    "儿子二十岁，耳朵听见而且懂得。",
    "恶人饿了，安静地爱着，昂头偶尔按一下恩人的嗯声。",
    "雨鱼约远，原来院子里的月亮跃过云。",
    "窘迫的兄弟用熊的胸口，窮人迥然不同。",
    "抓紧专家的爪子，追着准确的状态。",
    "他耍刷子，摔了帅气的双手，拴住水牛。",
    "略微虐待了律师，旅行中掠过绿色的侣伴。",
    "你好，请问今天的天气怎么样？",
    "我们明天下午三点在学校门口见面，好吗？",
    "谢谢你的帮助，我非常高兴认识你。",
    "对不起，我没有听清楚，请再说一遍。",
    "欢迎来到我们的直播间，今天给大家介绍一款新产品。",
    "不要着急，慢慢来，问题总会解决的。",
    "窗外下着大雨，街上一个人也没有。",
    "奶奶泡的茶比爷爷做的饭更香。",
    "北京、上海、广州和成都，你最喜欢哪一座城市？",
    "八百标兵奔北坡，炮兵并排北边跑。",
    "吃葡萄不吐葡萄皮，不吃葡萄倒吐葡萄皮。",
    "一二三四五六七八九十，百千万亿。",
    "波浪拍打着沙滩，泡沫漂浮在水面。",
    "喔，原来是这么回事，我明白了。",
)

ENGLISH_SENTENCES = (
    "Peter and Paul put a big paper bag by the pump.",
    "My mother made me a map of the museum this morning.",
    "Bob baked brown bread and bought a bucket of berries.",
    "Five very fine foxes have never left the valley.",
    "They thought that the other path went north through both towns.",
    "Ten tall men talked until the daylight died down.",
    "Keep the cold cake cool in the kitchen cupboard.",
    "Good girls and guys go to great gardens again.",
    "She wished to show us the shiny shells on the shore.",
    "The usual pleasure of a beige garage is a measure of vision.",
    "Charles chose cheese and cherries for the children's lunch.",
    "Judge Jones jumped over the large orange bridge.",
    "Lucy loves yellow lilies along the lonely lane.",
    "Red roses and rare rivers ran around the rural road.",
    "Why would one want to walk with a wet white wolf?",
    "Yes, the young year used to yield you yellow yarn.",
    "Singing and ringing, the king was bringing long strings.",
    "Who has half a house on the high hill at home?",
    "Zoe's busy bees buzz as the zebras graze.",
    "See the green trees sleeping beneath the deep sea breeze.",
    "It is a bit thick, this pink pig in the tin.",
    "Ed said that ten red hens get fed in a wet tent.",
    "A sad black cat sat back and had a bad nap.",
    "Father and Tom got hot calm water far from the park.",
    "All dogs ought to walk along the long broad lawn.",
    "Some mothers love a cup of fun under the sun.",
    "Look, the good cook took a book and shook his foot.",
    "Do you choose two new blue shoes or a cool pool?",
    "A bird heard her first word and turned to the church.",
    "They say the great day came late in rainy May.",
    "I might try to ride my bike by the bright white light.",
    "The boy's noisy toy spoiled the joyful voyage.",
    "How now, loud brown cow, get out of our house!",
    "Oh no, go slowly home alone on the old cold road.",
    "About a dozen animals appeared again in the afternoon.",
    "Hello, how are you today? It is wonderful to see you.",
    "Please tell me more about that, I would like to help.",
    "The weather is warm and sunny, so we may go for a walk.",
    "Could you open the window? Thank you very much.",
    "I am sorry, I did not understand the question.",
    "Welcome back, everybody. Today we have a special offer.",
    "Maybe people will buy more pumpkins before November.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Front, center. Rear, left. Side, right. Stop the music now.",
)


@dataclass(frozen=True)
class Coverage:
    """How often each sound occurs; `missing` are those that never do."""

    counts: dict[str, int]

    @property
    def missing(self) -> tuple[str, ...]:
        """Sounds that do not occur, in the table's order."""
        return tuple(sound for sound, count in self.counts.items() if count == 0)


def to_pinyin(text: str) -> str:
    """Chinese characters as pinyin syllables with tone numbers 1..5; other text stays."""
    syllables = lazy_pinyin(
        text.translate(_PUNCTUATION), style=Style.TONE3, neutral_tone_with_five=True
    )
    return " ".join(syllable.strip() for syllable in syllables if syllable.strip())


def spoken_form(text: str, language: Language) -> str:
    """What to hand to espeak for a sentence of `language`."""
    return to_pinyin(text) if language == "zh" else text


def sentences(language: Language) -> tuple[str, ...]:
    """The corpus of a language.

    Raises:
        ConfigError: there is none.
    """
    if language not in LANGUAGES:
        raise ConfigError(
            "no corpus for this language",
            expected=" or ".join(LANGUAGES),
            got=language,
            remedy="use zh (Mandarin) or en (English)",
        )
    return MANDARIN_SENTENCES if language == "zh" else ENGLISH_SENTENCES


def coverage(texts: Iterable[str], language: Language) -> Coverage:
    """Count every initial and final (zh) or phoneme (en; needs espeak-ng) in `texts`.

    Raises:
        SpeechError: English, and espeak-ng is not installed.
    """
    counts: Counter[str] = Counter()
    if language == "zh":
        for text in texts:
            counts.update(lazy_pinyin(text, style=Style.INITIALS, errors="ignore"))
            finals = lazy_pinyin(text, style=Style.FINALS, errors="ignore")
            counts.update(final.replace("ü", "v") for final in finals)
        sounds = INITIALS + FINALS
    else:
        sounds = ENGLISH_PHONEMES
        for text in texts:
            for phoneme in espeak().speak(text, Voice("en-us")).phonemes:
                symbols = split_symbols(phoneme.name)
                counts.update(symbols)
                counts.update(["".join(symbols)] if len(symbols) > 1 else [])
    return Coverage({sound: counts[sound] for sound in sounds})


@cache
def mandarin_syllables() -> tuple[str, ...]:
    """Every toneless syllable of pypinyin's character table, sorted."""
    readings = {
        reading
        for characters in pinyin_dict.pinyin_dict.values()
        for reading in characters.split(",")
    }
    plain = {to_normal(reading) for reading in readings}
    # Interjections without a vowel (hm, ng) are no words to espeak.
    return tuple(sorted(word for word in plain if word.isascii() and set(word) & set("aeiouv")))
