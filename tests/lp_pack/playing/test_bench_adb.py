"""`lp-pack bench --adb`: an `adb` that stands for the device runs the real player here."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from native_bridge import engine_library, library_path, runner_path

# The device's temporary folder is a folder of the test; a command runs in this machine's shell.
ADB = """#!/bin/sh
[ "$1" = devices ] && {{ echo 'List of devices attached'; cat {root}/attached; exit; }}
shift 2
there() {{ printf %s "$1" | sed 's#/data/local/tmp#{root}/tmp#g'; }}
case "$1" in
  push) cp -r "$2" "$(there "$3")" ;;
  shell) {before_command}
    sh -c "$(there "$2")" ;;
esac
"""


class FakePhone:
    """A folder that stands for the device, and the `adb` that leads there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "tmp").mkdir(parents=True)
        (root / "attached").write_text("phone\tdevice\n")
        self.answer()

    def answer(self, before_command: str = "") -> None:
        """Write adb; `before_command` are shell words run before each command there."""
        path = self.root / "adb"
        path.write_text(ADB.format(root=self.root, before_command=before_command))
        path.chmod(0o755)

    @property
    def left_behind(self) -> list[Path]:
        return list((self.root / "tmp").iterdir())


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePhone:
    phone = FakePhone(tmp_path / "phone")
    monkeypatch.setenv("PATH", str(phone.root), prepend=os.pathsep)
    return phone


@pytest.fixture(scope="module")
def device_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The player, the library and the engine in one folder, as they would go to a device."""
    folder = tmp_path_factory.mktemp("device")
    shutil.copy(runner_path(), folder / "lp_play")
    shutil.copy(library_path(), folder / "liblp_bridge.so")
    shutil.copy(engine_library(), folder / "libonnxruntime.so")
    return folder


def test_every_variant_is_played_on_the_device(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    arguments = ("--frames", 8, "--device-build", device_build, "--json")
    result = run("bench", pristine_tiny, "--adb", "phone", *arguments)
    assert result.exit_code == 0, result.stderr
    reports = json.loads(result.stdout)
    measured = {(report["precision"], report["threads"]) for report in reports}
    assert ("fp32", 1) in measured
    assert ("fp32", 2) in measured
    for report in reports:
        assert report["latency"]["engine"]["count"] == 8
        assert report["machine"].startswith("Android device")
        assert report["peak_memory_mb"] > 1
    assert phone.left_behind == []


def test_the_table_names_the_device(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    arguments = ("--frames", 4, "--precision", "fp32", "--threads", 1)
    result = run(
        "bench", pristine_tiny, "--adb", "phone", *arguments, "--device-build", device_build
    )
    assert result.exit_code == 0, result.stderr
    assert "phone" in result.stdout
    assert "onnx fp32" in result.stdout


def test_a_device_that_vanishes_takes_no_finished_run_with_it(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    # The second run finds no device any more.
    phone.answer(
        f"""case "$2" in *lp_play\\ bundle*)
      echo run >> {phone.root}/runs
      [ $(wc -l < {phone.root}/runs) -ge 2 ] && {{ : > {phone.root}/attached
        echo "error: device 'phone' not found" >&2; exit 1; }};; esac"""
    )
    arguments = ("--frames", 4, "--precision", "fp32", "--device-build", device_build, "--json")
    result = run("bench", pristine_tiny, "--adb", "phone", *arguments)
    assert result.exit_code == 1
    assert "went away" in result.stderr
    assert "phone" in result.stderr
    assert [report["threads"] for report in json.loads(result.stdout)] == [1]


def test_what_the_player_says_is_passed_on(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    arguments = ("--precision", "int8", "--device-build", device_build)
    result = run("bench", pristine_tiny, "--adb", "phone", *arguments)
    assert result.exit_code == 1
    assert "no variant that fits" in result.stderr
    assert phone.left_behind == []


def test_a_device_that_answers_nonsense_is_named(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    phone.answer('case "$2" in *lp_play\\ bundle*) echo hello; exit;; esac')
    result = run("bench", pristine_tiny, "--adb", "phone", "--device-build", device_build)
    assert result.exit_code == 1
    assert "not a report" in result.stderr


def test_a_device_that_is_not_attached_is_named(
    run: Callable, pristine_tiny: Path, phone: FakePhone, device_build: Path
) -> None:
    (phone.root / "attached").write_text("phone\tunauthorized\n")
    result = run("bench", pristine_tiny, "--adb", "phone", "--device-build", device_build)
    assert result.exit_code == 1
    assert "not attached" in result.stderr


def test_an_incomplete_build_is_named(
    run: Callable, pristine_tiny: Path, phone: FakePhone, tmp_path: Path
) -> None:
    result = run("bench", pristine_tiny, "--adb", "phone", "--device-build", tmp_path)
    assert result.exit_code == 1
    assert "no lp_play, liblp_bridge.so, libonnxruntime.so" in result.stderr


def test_without_a_build_the_way_to_one_is_said(
    run: Callable, pristine_tiny: Path, phone: FakePhone
) -> None:
    result = run("bench", pristine_tiny, "--adb", "phone")
    assert result.exit_code == 1
    assert "--device-build" in result.stderr


def test_without_adb_the_program_is_named(
    run: Callable,
    pristine_tiny: Path,
    device_build: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("bench", pristine_tiny, "--adb", "123", "--device-build", device_build)
    assert result.exit_code == 1
    assert "adb was not found" in result.stderr
