"""Which stages run again when something changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lp_pack.cache import ENTRY_NAME, Cache
from lp_pack.stages import Folders, Stage, run_stages

VERSIONS = {"tool": "1"}


class Recorder:
    """An observer that remembers which stages ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def started(self, stage: Stage, position: int, total: int) -> None:
        pass

    def ended(self, stage: Stage, seconds: float, from_cache: bool) -> None:
        if not from_cache:
            self.ran.append(stage.name)


def writer(text: str) -> Callable[[Folders], None]:
    return lambda folders: (folders.output / "text").write_text(text) and None  # type: ignore[func-returns-value]


def joiner(folders: Folders) -> None:
    texts = [(folder / "text").read_text() for folder in folders.needs.values()]
    (folders.output / "text").write_text("+".join(texts))


def stages(left: str = "a", right: str = "b", left_text: str | None = None) -> list[Stage]:
    """left and right are read by both; last reads both's result."""
    return [
        Stage("left", "", writer(left_text or left), inputs={"file": left}),
        Stage("right", "", writer(right), inputs={"file": right}),
        Stage("both", "", joiner, needs=("left", "right")),
        Stage("last", "", joiner, needs=("both",)),
    ]


def run(cache: Cache, listed: list[Stage], versions: dict[str, str] = VERSIONS) -> list[str]:
    recorder = Recorder()
    run_stages(listed, cache, versions, recorder)
    return recorder.ran


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_a_second_build_runs_nothing(cache: Cache) -> None:
    assert run(cache, stages()) == ["left", "right", "both", "last"]
    assert run(cache, stages()) == []


def test_a_changed_input_runs_only_what_depends_on_it(cache: Cache) -> None:
    run(cache, stages())
    assert run(cache, stages(right="c")) == ["right", "both", "last"]
    assert run(cache, stages(right="b")) == []


def test_equal_results_stop_the_change_from_spreading(cache: Cache) -> None:
    run(cache, stages())
    assert run(cache, stages(left="changed", left_text="a")) == ["left"]


def test_a_new_version_of_a_tool_or_of_the_code_runs_everything(cache: Cache) -> None:
    run(cache, stages())
    assert len(run(cache, stages(), {"tool": "2"})) == 4
    with_code = [Stage("left", "", writer("a"), inputs={"file": "a"}, code=("lp_pack.stages",))]
    assert run(cache, with_code) == ["left"]


def test_results_reach_the_stages_that_need_them(cache: Cache) -> None:
    finished = run_stages(stages(), cache, VERSIONS, Recorder())
    assert (finished["last"].folder / "text").read_text() == "a+b"


@pytest.mark.parametrize("damage", ["change", "remove", "add", "entry"])
def test_a_damaged_entry_is_made_again(cache: Cache, damage: str) -> None:
    folder = run_stages(stages(), cache, VERSIONS, Recorder())["both"].folder
    if damage == "change":
        (folder / "text").write_text("a-b")
    elif damage == "remove":
        (folder / "text").unlink()
    elif damage == "add":
        (folder / "more").touch()
    else:
        (folder / ENTRY_NAME).write_text("{")
    assert run(cache, stages()) == ["both"]


def test_a_failing_stage_leaves_no_entry_and_the_earlier_ones_stay(cache: Cache) -> None:
    def fail(folders: Folders) -> None:
        (folders.output / "text").write_text("half")
        raise ValueError("on purpose")

    listed = [*stages()[:2], Stage("both", "", fail, needs=("left", "right"))]
    with pytest.raises(ValueError, match="on purpose"):
        run(cache, listed)
    assert sorted(path.name.split("-")[0] for path in cache.folder.iterdir()) == ["left", "right"]
    assert run(cache, stages()) == ["both", "last"]


def test_trimming_removes_what_was_unused_for_longest(cache: Cache) -> None:
    import os

    finished = run_stages(stages(), cache, VERSIONS, Recorder())
    for age, name in enumerate(["last", "both", "right", "left"]):
        os.utime(finished[name].folder, (1e9 - age, 1e9 - age))
    size = sum(f.stat().st_size for f in finished["last"].folder.iterdir())
    assert cache.trim(2 * size + size // 2) == 2
    assert run(cache, stages()) == ["left", "right"]
    assert cache.trim() == 0
