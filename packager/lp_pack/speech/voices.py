"""Have a script spoken sentence by sentence into a folder of clips with an index.

A rerun speaks only what is missing: a clip counts as made when its file is there and its entry in
the index says the same text, engine and speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lp_pack.errors import ConfigError
from lp_pack.speech.clip_index import INDEX_NAME, Clip, ClipIndex, read_index, write_index
from lp_pack.speech.clip_quality import QualityProblem, check_clip, spoken_frames
from lp_pack.speech.engines import FASTEST, SLOWEST, SpeechEngine
from lp_pack.speech.engines.spoken import decoded
from lp_pack.speech.script import ScriptLine
from lp_pack.speech.script_texts import ACTING
from lp_pack.speech.wave_file import write_wave

SAMPLE_RATE, FRAME_RATE = 16_000, 25.0
CLIPS = "clips"
# The index is written this often while clips are made, so that a killed run keeps them.
SAVE_EVERY = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VoicesReport:
    """What a run made, what was there already, and what is wrong with which file."""

    folder: Path
    clips: int
    made: int
    seconds: float
    problems: tuple[QualityProblem, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        problems = [vars(problem) for problem in self.problems]
        return {**vars(self), "folder": str(self.folder), "problems": problems}


@dataclass(frozen=True)
class _Order:
    """One clip to have: a line at a speed."""

    line: ScriptLine
    speed: float
    engine: str

    @property
    def identifier(self) -> str:
        return f"{self.line.identifier}-x{round(100 * self.speed):03d}"

    @property
    def file(self) -> str:
        return f"{CLIPS}/{self.identifier}.wav"

    def is_made(self, clip: Clip | None, folder: Path) -> bool:
        """Whether `clip`, of an earlier run, is this one and its file is there."""
        return (
            clip is not None
            and (clip.file, clip.text, clip.engine, clip.speed)
            == (self.file, self.line.text, self.engine, self.speed)
            and (folder / clip.file).is_file()
        )


def speak_script(
    lines: Sequence[ScriptLine],
    engine: SpeechEngine,
    folder: Path,
    speeds: Sequence[float] = (1.0,),
    workers: int = 4,
    progress: Progress = lambda done, total: None,
) -> VoicesReport:
    """Speak every line at every speed into `folder`, and check every clip.

    Raises:
        ConfigError: a speed is out of range.
        SpeechError: the engine failed; clips made before stay, and the next run goes on.
        DatasetError: the folder's index cannot be read.
    """
    orders = _orders(lines, engine, speeds)
    known = {c.id: c for c in read_index(folder).clips} if (folder / INDEX_NAME).exists() else {}
    made = {
        order.identifier: known[order.identifier]
        for order in orders
        if order.is_made(known.get(order.identifier), folder)
    }
    wanted = {order.identifier for order in orders}
    # Clips of other lines or speeds in the same folder stay in its index.
    others = tuple(clip for clip in known.values() if clip.id not in wanted)
    missing = [order for order in orders if order.identifier not in made]

    def keep(order: _Order, clip: Clip) -> None:
        made[order.identifier] = clip
        if len(made) % SAVE_EVERY == 0:
            save()
        progress(len(made), len(orders))

    def save() -> None:
        ordered = tuple(made[o.identifier] for o in orders if o.identifier in made)
        write_index(folder, ClipIndex(clips=others + ordered))

    progress(len(made), len(orders))
    try:
        _make_all(missing, engine, folder, workers, keep)
    finally:
        save()
    clips = [made[order.identifier] for order in orders]
    return VoicesReport(
        folder=folder,
        clips=len(clips),
        made=len(missing),
        seconds=sum(clip.duration or 0.0 for clip in clips),
        problems=check_folder(folder, clips),
    )


def _orders(
    lines: Sequence[ScriptLine], engine: SpeechEngine, speeds: Sequence[float]
) -> list[_Order]:
    if not speeds or not all(SLOWEST <= speed <= FASTEST for speed in speeds):
        raise ConfigError(
            "a speed is out of range", expected=f"{SLOWEST:g} to {FASTEST:g}", got=list(speeds)
        )
    return [
        _Order(line, speed, engine.identity(line.language))
        for speed in dict.fromkeys(speeds)
        for line in lines
    ]


def _make_all(
    orders: Sequence[_Order],
    engine: SpeechEngine,
    folder: Path,
    workers: int,
    keep: Callable[[_Order, Clip], None],
) -> None:
    """Make clips in parallel; `keep` is called in this thread, also for those made before an
    error.
    """
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = {pool.submit(_make, order, engine, folder): order for order in orders}
        try:
            for future in as_completed(futures):
                keep(futures.pop(future), future.result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for future, order in futures.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    keep(order, future.result())


def check_folder(folder: Path, clips: Sequence[Clip]) -> tuple[QualityProblem, ...]:
    """Quality of every clip's file as it lies on disk."""
    problems: list[QualityProblem] = []
    for clip in clips:
        spoken = decoded((folder / clip.file).read_bytes(), str(folder / clip.file))
        problems += check_clip(clip.file, spoken.samples, spoken.sample_rate, SAMPLE_RATE)
    return tuple(problems)


def _make(order: _Order, engine: SpeechEngine, folder: Path) -> Clip:
    line = order.line
    note = ACTING[line.emotion].note if line.emotion in ACTING else ""
    spoken = engine.speak(line.text, line.language, order.speed, note).at_rate(SAMPLE_RATE)
    write_wave(folder / order.file, spoken.samples, SAMPLE_RATE)
    start, end = spoken_frames(np.asarray(spoken.samples), SAMPLE_RATE, FRAME_RATE)
    return Clip(
        id=order.identifier,
        file=order.file,
        text=line.text,
        language=line.language,
        section=line.section,
        emotion=line.emotion,
        duration=round(spoken.seconds, 4),
        start_frame=start,
        end_frame=end,
        speed=order.speed,
        engine=order.engine,
        phonemes=tuple((p.name, round(p.start, 4), round(p.end, 4)) for p in spoken.phonemes),
    )
