"""The languages that scripts and speech know; free of imports that playing a bundle lacks."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
# CJK ideographs and their extensions in the basic plane.
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH = "\u3400", "\u9fff"


def language_of(text: str) -> Language:
    """The language of a text by its script: Mandarin when there is any Chinese character."""
    return "zh" if any(_FIRST_IDEOGRAPH <= letter <= _LAST_IDEOGRAPH for letter in text) else "en"
