"""The recording script: every promised sound is there, and lines can be told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lp_pack.cli import group
from lp_pack.errors import ConfigError
from lp_pack.speech.corpus import FINALS, INITIALS, LANGUAGES, Language, coverage
from lp_pack.speech.emotions import EMOTIONS
from lp_pack.speech.script import make_script, script_sections
from lp_pack.speech.script_texts import ACTING, SECTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sound_of_the_language_occurs(language: Language) -> None:
    found = make_script([language]).coverage[language]
    assert found.missing == ()
    assert len(found.counts) > 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_holds_the_sounds_that_it_promises(language: Language) -> None:
    for section in SECTIONS[language]:
        counts = coverage(section.sentences, language).counts
        assert set(section.sounds) <= counts.keys(), section.name
        absent = [sound for sound in section.sounds if counts[sound] == 0]
        assert absent == [], section.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_emotion_is_acted_with_a_note_and_lines(language: Language) -> None:
    assert tuple(ACTING) == EMOTIONS
    by_emotion = {
        section.lines[0].emotion: section
        for section in script_sections(language)
        if section.name.startswith("emotion-")
    }
    assert tuple(by_emotion) == EMOTIONS
    assert all(section.note and len(section.lines) >= 3 for section in by_emotion.values())


def test_identifiers_are_unique_and_fit_for_file_names() -> None:
    identifiers = [line.identifier for line in make_script(LANGUAGES).lines]
    assert len(set(identifiers)) == len(identifiers) > 100
    assert all(name.isascii() and "/" not in name and name == name.lower() for name in identifiers)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="xx"):
        script_sections("xx")  # type: ignore[arg-type]


def test_the_command_prints_sections_notes_and_the_table() -> None:
    result = CliRunner().invoke(group, ["script", "--language", "zh"])
    assert result.exit_code == 0
    assert "Emotion: angry" in result.stdout
    assert "`zh-labials-01`" in result.stdout
    assert f"All {len(INITIALS + FINALS)} sounds occur." in result.stdout


def test_the_command_writes_json_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    arguments = ["script", "--language", "zh", "--json", "-o", str(path)]
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 0
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["coverage"]["zh"]["missing"] == []
    assert content["sections"][0]["lines"][0]["text"] == "啊，啊，啊。"


def test_a_language_that_is_none_is_a_usage_error() -> None:
    result = CliRunner().invoke(group, ["script", "--language", "zh,tlh"])
    assert result.exit_code == 2
    assert "tlh" in result.stderr
