"""A dataset folder opened for training: its clips, split into three parts, read from disk."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lp_pack.dataset.extract import CLIPS
from lp_pack.dataset.face_track import runs
from lp_pack.dataset.record import ClipReader, ClipRecord, check_motion, records
from lp_pack.errors import DatasetError

# Shorter spans of usable frames teach nothing.
SHORTEST_SEGMENT = 10
# Parts of long clips, in frames; and how many parts there should be at least.
SHORTEST_PART, LONGEST_PART, WANTED_GROUPS = 25, 750, 10
# Frames that a check reads at a time.
CHECK_FRAMES = 4096


@dataclass(frozen=True)
class Segment:
    """Usable frames [start, stop) of a clip."""

    clip: ClipReader
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def record(self) -> ClipRecord:
        """Of its clip."""
        return self.clip.record


@dataclass(frozen=True)
class Part:
    """Frames [start, stop) of a clip, the unit that a split deals out; `name` is unique."""

    clip: ClipReader
    start: int
    stop: int
    name: str


@dataclass(frozen=True)
class Split:
    """Parts for learning, for stopping in time, and for the report; none is in two."""

    training: tuple[Part, ...]
    validation: tuple[Part, ...]
    held_out: tuple[Part, ...]

    def identifiers(self) -> dict[str, list[str]]:
        """Names of the parts of each kind."""
        return {name: [part.name for part in parts] for name, parts in vars(self).items()}


class Dataset:
    """The clips of a dataset folder; their numbers stay on disk until they are asked for."""

    def __init__(self, clips: Sequence[ClipReader], where: Path) -> None:
        self.clips = tuple(clips)
        self.where = where

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """Open the folder that `lp-pack extract` wrote, and look at every label once.

        Raises:
            DatasetError: there is none, a clip is damaged, or a label is not finite.
        """
        clips = folder / CLIPS
        found = [ClipReader(clips, record) for record in records(clips)] if clips.is_dir() else []
        if not found:
            raise DatasetError(
                "there is no dataset here",
                where=folder,
                expected=f"a folder with {CLIPS}/",
                got="no clips" if folder.is_dir() else "no folder",
                remedy="make one with `lp-pack extract VIDEO... -o FOLDER`",
            )
        for reader in found:
            for start in range(0, reader.record.frames, CHECK_FRAMES):
                stop = min(start + CHECK_FRAMES, reader.record.frames)
                check_motion(reader.record.id, reader.motion(start, stop))
        return cls(found, folder)

    @property
    def seconds(self) -> float:
        """Duration of all clips."""
        return sum(reader.record.seconds for reader in self.clips)

    def split(self, share: float, seed: int, held_out: str | None = None) -> Split:
        """Split by clip; clips of the same text stay together.

        A long clip is cut into parts of LONGEST_PART frames, shorter where there are few clips, so
        that a single take can be split too.

        Args:
            share: part of the clips for validation, and as much again for the report.
            seed: of the draw.
            held_out: pattern (`*-x120`, `anna-*`) of names that are for the report, and only those.
                Of texts that other clips say too, `share` is reported on, and nothing learns them:
                neither the voice nor the words of a reported clip are in training.

        Raises:
            DatasetError: one of the three would be empty.
        """
        kept = {r.record.id for r in self.clips if held_out and _fits(r, held_out)}
        if held_out and not kept:
            raise self._too_few(f"no clip whose name fits {held_out!r}")
        groups = _groups(self.clips)
        reported = {n: [p for p in g if p.clip.record.id in kept] for n, g in groups.items()}
        # With a pattern, what nobody else says is for the report in any case.
        order = sorted(
            (name for name in groups if len(reported[name]) < len(groups[name])),
            key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest(),
        )
        count = max(1, round(share * len(order)))
        shared = [name for name in order if reported[name] or not held_out][:count]
        rest = [name for name in order if name not in shared]
        if len(rest) <= count:
            raise self._too_few(f"{len(order)} texts or parts")

        def taken(names: Iterable[str], report: bool) -> tuple[Part, ...]:
            return tuple(
                part
                for name in names
                for part in groups[name]
                if not held_out or (part.clip.record.id in kept) == report
            )

        alone = [name for name in groups if name not in order]
        return Split(
            taken(rest[count:], False), taken(rest[:count], False), taken([*alone, *shared], True)
        )

    def _too_few(self, got: str) -> DatasetError:
        return DatasetError(
            "the dataset cannot be split by clip",
            where=self.where,
            expected="clips for learning, for validation and for the report",
            got=got,
            remedy="extract more or longer clips",
        )


def _fits(reader: ClipReader, pattern: str) -> bool:
    return fnmatch.fnmatch(reader.record.id, pattern)


def _groups(readers: Sequence[ClipReader]) -> dict[str, list[Part]]:
    """Parts that must stay together, by text or by place in their clip."""
    texts = {reader.record.text or reader.record.id for reader in readers}
    length = LONGEST_PART
    if len(texts) < WANTED_GROUPS:
        total = sum(reader.record.frames for reader in readers)
        length = min(max(total // WANTED_GROUPS, SHORTEST_PART), LONGEST_PART)
    groups: dict[str, list[Part]] = {}
    for reader in readers:
        record = reader.record
        pieces = max(1, round(record.frames / length))
        edges = [record.frames * piece // pieces for piece in range(pieces + 1)]
        for number, (start, stop) in enumerate(pairwise(edges), start=1):
            place = "" if pieces == 1 else f"#{number}"
            part = Part(reader, start, stop, record.id + place)
            groups.setdefault((record.text or record.id) + place, []).append(part)
    return groups


def segments(parts: Sequence[Part]) -> Iterator[Segment]:
    """Spans of usable frames of these parts, in order."""
    for part in parts:
        valid = part.clip.valid(part.start, part.stop)
        for start, stop in runs(np.asarray(valid)):
            if stop - start >= SHORTEST_SEGMENT:
                yield Segment(part.clip, part.start + start, part.start + stop)
