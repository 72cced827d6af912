"""From recordings and motion files to a dataset folder.

    dataset/clips/<id>.safetensors, <id>.json    one record a clip
    dataset/strips/<id>.png                      frames with keypoints drawn, to look at
    dataset/partial/                             labels of clips that are not finished

A clip is made anew only when something that it depends on has changed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lp_pack.dataset.clip_jobs import ClipJob, MotionJob, PhonemeJob, VideoJob, emotion_index
from lp_pack.dataset.motion_files import ENDINGS
from lp_pack.dataset.options import ExtractOptions, Labeller
from lp_pack.dataset.record import ClipRecord, read_record, write_clip
from lp_pack.dataset.sound import open_media
from lp_pack.errors import DatasetError, LpPackError
from lp_pack.speech.clip_index import INDEX_NAME, Clip, read_index
from lp_runtime.errors import LpRuntimeError
from lp_runtime.files import path_inside

CLIPS = "clips"
SOUND_ENDINGS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".mp4", ".mov", ".mkv", ".webm")
Status = Literal["made", "kept", "refused"]
# Clip, frames done, frames in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ClipOutcome:
    """What became of one clip; `record` is None when it was refused, `error` says why."""

    identifier: str
    status: Status
    record: ClipRecord | None = None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        record = self.record
        return {
            "id": self.identifier,
            "status": self.status,
            "frames": record.frames if record else 0,
            "valid_frames": record.valid_frames if record else 0,
            "drift": record.drift if record else None,
            "notices": list(record.notices) if record else [],
            "error": self.error,
        }


@dataclass(frozen=True)
class ExtractReport:
    """All clips of a run, in order."""

    folder: Path
    outcomes: tuple[ClipOutcome, ...]
    seconds_taken: float
    uses_seeded_weights: bool

    @property
    def refused(self) -> tuple[ClipOutcome, ...]:
        """Clips that did not get in."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "refused")

    @property
    def seconds(self) -> float:
        """Duration of all clips."""
        return sum(outcome.record.seconds for outcome in self.outcomes if outcome.record)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "folder": str(self.folder),
            "seconds": self.seconds,
            "seconds_taken": round(self.seconds_taken, 2),
            "seeded_weights": self.uses_seeded_weights,
            "clips": [outcome.as_dict() for outcome in self.outcomes],
        }


def extract(
    sources: Sequence[Path],
    folder: Path,
    labeller: Labeller,
    options: ExtractOptions | None = None,
    progress: Progress = lambda clip, done, total: None,
) -> ExtractReport:
    """Extract every source into the dataset at `folder`; clips that are there already are kept.

    A source is a video, a motion file beside a sound file of the same name, or a folder with an
    index.json. A clip that cannot be used is refused, and the others go on.

    Raises:
        DatasetError: a source is none of these.
    """
    began = time.monotonic()
    jobs = plan(sources, labeller, options or ExtractOptions())
    outcomes = tuple(_run(job, folder, progress) for job in jobs)
    seeded = labeller.weights is None and any(
        outcome.record is not None and outcome.record.kind == "video" for outcome in outcomes
    )
    return ExtractReport(folder, outcomes, time.monotonic() - began, seeded)


def plan(
    sources: Sequence[Path], labeller: Labeller, options: ExtractOptions
) -> tuple[ClipJob, ...]:
    """The clips of these sources; names are made unique.

    Raises:
        DatasetError: a source is absent or of no known kind, or a motion file has no sound.
    """
    emotion_index(options.emotion, "--emotion")
    jobs: list[ClipJob] = []
    taken: set[str] = set()

    def unique(name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-") or "clip"
        candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
        chosen = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(chosen)
        return chosen

    for source in sources:
        if source.is_dir():
            for clip in read_index(source).clips:
                emotion_index(clip.emotion, clip.id)
                name = unique(f"{source.resolve().name}-{clip.id}")
                jobs.append(_folder_job(source, clip, name, labeller, options))
        elif not source.is_file():
            raise DatasetError("there is no such file", where=source)
        elif source.suffix.lower() in ENDINGS:
            jobs.append(MotionJob(unique(source.stem), _sound_beside(source), source))
        else:
            jobs.append(VideoJob(unique(source.stem), source, options, labeller))
    return tuple(jobs)


def _folder_job(
    folder: Path, clip: Clip, identifier: str, labeller: Labeller, options: ExtractOptions
) -> ClipJob:
    sound = _inside(folder, clip.file, clip.id)
    if clip.motion is not None:
        return MotionJob(identifier, sound, _inside(folder, clip.motion, clip.id), clip)
    with open_media(sound) as container:
        has_picture = bool(container.streams.video)
    if has_picture:
        return VideoJob(identifier, sound, options, labeller, clip)
    if clip.phonemes:
        return PhonemeJob(identifier, sound, clip)
    raise DatasetError(
        "a clip has sound but no labels",
        where=f"{folder / INDEX_NAME}, clip {clip.id}",
        expected="a picture in the file, a motion file, or phonemes with times",
        remedy="name the clip's motion file in the index, or speak it with the espeak engine",
    )


def _inside(folder: Path, relative: str, clip: str) -> Path:
    try:
        path = path_inside(folder, relative)
    except LpRuntimeError as error:
        raise DatasetError(
            "a clip's file is not inside its folder",
            where=f"{folder / INDEX_NAME}, clip {clip}",
            got=relative,
        ) from error
    if not path.is_file():
        raise DatasetError("a clip's file is missing", where=f"clip {clip}", expected=path)
    return path


def _sound_beside(motion: Path) -> Path:
    for ending in SOUND_ENDINGS:
        if (sound := motion.with_suffix(ending)).is_file():
            return sound
    raise DatasetError(
        "a motion file has no sound beside it",
        where=motion,
        expected=f"{motion.stem} with one of {' '.join(SOUND_ENDINGS)}",
        got="none",
        remedy="put the sound there under the same name, or name both in an index.json",
    )


def _run(job: ClipJob, folder: Path, progress: Progress) -> ClipOutcome:
    clips = folder / CLIPS
    try:
        record = _kept(clips, job)
        if record is not None:
            return ClipOutcome(job.identifier, "kept", record)
        record, data = job.make(folder, lambda done, total: progress(job.identifier, done, total))
        write_clip(clips, record, data)
    except (LpPackError, LpRuntimeError) as error:
        return ClipOutcome(job.identifier, "refused", error=str(error))
    for partial in (folder / "partial").glob(f"{job.identifier}-*.f32"):
        partial.unlink()
    return ClipOutcome(job.identifier, "made", record)


def _kept(clips: Path, job: ClipJob) -> ClipRecord | None:
    """The record of an earlier run, if it is of the same key and its numbers are there."""
    path = clips / f"{job.identifier}.json"
    if not path.is_file() or not path.with_suffix(".safetensors").is_file():
        return None
    record = read_record(path)
    return record if record.key == job.key else None
