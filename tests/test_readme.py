"""The README's commands are executed as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from shared_data import REPOSITORY

README = REPOSITORY / "README.md"


def shell_blocks(text: str) -> list[str]:
    """The fenced blocks marked `bash`, in order."""
    return re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)


def commands(starting_with: str) -> list[str]:
    lines = [
        line.strip() for block in shell_blocks(README.read_text()) for line in block.split("\n")
    ]
    return [line.split("  #")[0].strip() for line in lines if line.startswith(starting_with)]


def test_the_two_commands_of_the_first_screen_are_single_lines() -> None:
    assert commands("python3 tasks.py")[:2] == ["python3 tasks.py demo", "python3 tasks.py test"]


def test_the_picture_at_the_top_exists_and_is_small_enough_for_a_page() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text())
    assert pictures
    for picture in pictures:
        path = REPOSITORY / picture
        assert path.is_file(), picture
        assert path.stat().st_size < 2_000_000, picture


@pytest.mark.full_size
def test_every_lp_pack_command_runs_in_order(tmp_path: Path) -> None:
    """One folder, the commands one after another, as a reader would type them."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    runnable = [
        line for line in commands("lp-pack") if "WEIGHTS" not in line and "ME.jpg" not in line
    ]
    assert len(runnable) >= 4
    for line in runnable:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert list(tmp_path.glob("*.mp4"))
