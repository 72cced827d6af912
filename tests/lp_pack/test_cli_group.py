"""The command line as a whole: help, documentation of every option, errors without tracebacks."""

from __future__ import annotations

import importlib

import click
import pytest

from lp_pack.cli import COMMANDS, group, is_for_users, main
from lp_pack.errors import ConfigError

REPORTING = (
    "build", "verify", "inspect", "bench", "render", "script", "voices", "extract",
    "train-audio2motion", "keypoints",
)  # fmt: skip


def load(name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([flag])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert name in printed
        assert summary.split()[0] in printed


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    command = load(name)
    assert command.help
    assert len(command.help.strip()) > 20
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name}: option {parameter.opts} has no help"


@pytest.mark.parametrize("name", REPORTING)
def test_every_reporting_command_offers_json(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in load(name).params)


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["bild"])
    assert stop.value.code == 2
    assert "bild" in capsys.readouterr().err


def test_an_error_for_users_is_printed_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def command() -> None:
        raise ConfigError(
            "unknown key 'portrat'", where="build.toml", expected="portrait", remedy="rename it"
        )

    monkeypatch.setattr(group, "get_command", lambda ctx, name: command)
    with pytest.raises(SystemExit) as stop:
        main(["build"])
    printed = capsys.readouterr().err
    assert stop.value.code == 1
    assert "Traceback" not in printed
    for part in ("unknown key 'portrat'", "where:", "build.toml", "expected:", "next:"):
        assert part in printed


def test_an_unforeseen_error_names_itself_and_exits_with_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def command() -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(group, "get_command", lambda ctx, name: command)
    with pytest.raises(SystemExit) as stop:
        main(["build"])
    printed = capsys.readouterr().err
    assert stop.value.code == 70
    assert "ZeroDivisionError" in printed
    assert "Traceback" not in printed


def test_a_missing_optional_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(SystemExit) as stop:
        main(["build"])
    printed = capsys.readouterr().err
    assert stop.value.code == 1
    assert "torch" in printed
    assert "lp-pack[build]" in printed


def test_errors_of_all_three_packages_count_as_meant_for_users() -> None:
    from lp_models.errors import CheckpointError
    from lp_runtime.errors import BundleError

    assert is_for_users(CheckpointError("x"))
    assert is_for_users(BundleError("x"))
    assert is_for_users(ConfigError("x"))
    assert not is_for_users(ValueError("x"))
