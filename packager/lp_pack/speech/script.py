"""The recording script: what a person reads on camera, or an engine speaks, and its coverage.

Mandarin's sounds are counted by pypinyin, English ones by espeak-ng
(docs/decisions/0030-phonemes-of-the-script.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lp_pack.speech.corpus import Coverage, Language, coverage, sentences
from lp_pack.speech.script_texts import ACTING, SECTIONS

LANGUAGE_NAMES: dict[Language, str] = {"zh": "Mandarin", "en": "English"}
HOW_TO_RECORD = (
    "Sit so that head and shoulders fill the picture, look into the camera, light from the front.",
    "Rest with closed lips for half a second before and after each line.",
    "Keep head movements small and natural. A line that went wrong is simply said again.",
    "25 or more frames a second, sound at 16 kHz or more, one take or many files.",
)


@dataclass(frozen=True)
class ScriptLine:
    """One sentence to say. `identifier` is unique in the script and fit for a file's name."""

    identifier: str
    language: Language
    section: str
    emotion: str
    text: str


@dataclass(frozen=True)
class ScriptSection:
    """A block of lines with one direction for all of them."""

    name: str
    language: Language
    title: str
    note: str
    lines: tuple[ScriptLine, ...]


@dataclass(frozen=True)
class Script:
    """Sections in the order of recording, and for each language how often each sound occurs."""

    sections: tuple[ScriptSection, ...]
    coverage: dict[Language, Coverage]

    @property
    def lines(self) -> tuple[ScriptLine, ...]:
        """All lines in order."""
        return tuple(line for section in self.sections for line in section.lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "sections": [asdict(section) for section in self.sections],
            "coverage": {
                language: {"counts": found.counts, "missing": list(found.missing)}
                for language, found in self.coverage.items()
            },
        }

    def as_text(self) -> str:
        """The script as Markdown, to print and to read from."""
        parts = ["# Recording script", "", *(f"- {line}" for line in HOW_TO_RECORD)]
        for section in self.sections:
            parts += ["", f"## {LANGUAGE_NAMES[section.language]}: {section.title}", ""]
            parts += [f"*{section.note}*", ""]
            parts += [f"- `{line.identifier}` {line.text}" for line in section.lines]
        for language, found in self.coverage.items():
            parts += ["", f"## Coverage: {LANGUAGE_NAMES[language]}", ""]
            parts += _coverage_table(found)
        return "\n".join(parts) + "\n"


def make_script(languages: Sequence[Language]) -> Script:
    """The script in these languages, with its coverage counted.

    Raises:
        ConfigError: a language has no script.
        SpeechError: English, and espeak-ng is not installed.
    """
    sections = tuple(section for language in languages for section in script_sections(language))
    counted = {
        language: coverage(
            (
                line.text
                for section in sections
                if section.language == language
                for line in section.lines
            ),
            language,
        )
        for language in languages
    }
    return Script(sections, counted)


def script_sections(language: Language) -> tuple[ScriptSection, ...]:
    """Sections of one language: its sounds, neutrally; then each emotion.

    Raises:
        ConfigError: the language has no script.
    """
    sentences(language)
    sounds = tuple(
        ScriptSection(
            part.name,
            language,
            part.title,
            part.note,
            _lines(language, part.name, "neutral", part.sentences),
        )
        for part in SECTIONS[language]
    )
    emotions = tuple(
        ScriptSection(
            f"emotion-{emotion}",
            language,
            f"Emotion: {emotion}",
            acting.note,
            _lines(language, f"emotion-{emotion}", emotion, acting.sentences[language]),
        )
        for emotion, acting in ACTING.items()
    )
    return sounds + emotions


def _lines(
    language: Language, section: str, emotion: str, texts: Sequence[str]
) -> tuple[ScriptLine, ...]:
    return tuple(
        ScriptLine(f"{language}-{section}-{number:02d}", language, section, emotion, text)
        for number, text in enumerate(texts, start=1)
    )


def _coverage_table(found: Coverage) -> list[str]:
    rows = [f"| {sound} | {count} |" for sound, count in found.counts.items()]
    total = len(found.counts)
    verdict = (
        f"All {total} sounds occur."
        if not found.missing
        else (f"{len(found.missing)} of {total} sounds do not occur: {' '.join(found.missing)}")
    )
    return [verdict, "", "| sound | times |", "|---|---|", *rows]
