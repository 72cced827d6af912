from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lp_pack.atomic_folder import PARTIAL, publish, remove_abandoned, unfinished_folder


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_published_folder_is_all_that_remains(tmp_path: Path) -> None:
    with unfinished_folder(tmp_path, "thing") as folder:
        (folder / "file").write_text("content")
        assert entries(tmp_path) == [folder.name]
        publish(folder, tmp_path / "thing")
    assert entries(tmp_path) == ["thing"]
    assert entries(tmp_path / "thing") == ["file"]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with unfinished_folder(tmp_path, "thing") as folder:
            (folder / "file").write_text("content")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert entries(tmp_path) == []


def test_a_folder_that_exists_is_not_replaced_by_accident(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "old").touch()
    with unfinished_folder(tmp_path, "thing") as folder, pytest.raises(OSError, match="not empty"):
        publish(folder, tmp_path / "thing")
    assert entries(tmp_path / "thing") == ["old"]


def test_replacing_swaps_the_whole_folder(tmp_path: Path) -> None:
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "old").touch()
    with unfinished_folder(tmp_path, "thing") as folder:
        (folder / "new").touch()
        publish(folder, tmp_path / "thing", replace=True)
    assert entries(tmp_path) == ["thing"]
    assert entries(tmp_path / "thing") == ["new"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_fills_is_not(
    tmp_path: Path,
) -> None:
    program = (
        "import sys, time; from pathlib import Path; from lp_pack.atomic_folder import *\n"
        "with unfinished_folder(Path(sys.argv[1]), 'thing') as folder:\n"
        "    print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert remove_abandoned(tmp_path, "thing") == 0
        os.kill(process.pid, signal.SIGKILL)
    assert [name.startswith(PARTIAL) for name in entries(tmp_path)] == [True]
    assert remove_abandoned(tmp_path, "thing") == 1
    assert entries(tmp_path) == []
