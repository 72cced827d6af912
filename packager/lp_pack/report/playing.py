"""Play every variant of a bundle with the same sound and keep the frames, for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lp_pack.target_engines import evaluates_programs, packager_engine
from lp_runtime.audio import read_audio
from lp_runtime.bundle import Bundle
from lp_runtime.errors import EngineError, InputError
from lp_runtime.frames import rgb_pixels
from lp_runtime.golden import PRECISIONS
from lp_runtime.latency import LatencySummary, Timings
from lp_runtime.manifest import Variant
from lp_runtime.pipeline import Session

KEYPOINTS, MOTION = "keypoints", "motion"
WHOLE = "frame"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Played:
    """What one variant showed, and how long each graph took."""

    target: str
    precision: str
    # (frames, height, width, 3) uint8 RGB: the generator's picture, not pasted back.
    frames: np.ndarray
    # (frames, 21, 3), or None where the pipeline has no value of that name.
    keypoints: np.ndarray | None
    latency: dict[str, LatencySummary]
    # By lp-pack, in place of the target's own runtime.
    evaluated: bool = False

    @property
    def name(self) -> str:
        """Target and precision, and whether it was only evaluated."""
        note = " (evaluated, not Apple's runtime)" if self.evaluated else ""
        return f"{self.target} {self.precision}{note}"


@dataclass(frozen=True)
class Performance:
    """All variants that run here; the first is the most exact and serves as the reference."""

    variants: tuple[Played, ...]
    # Why the others are missing.
    skipped: tuple[str, ...]
    frame_rate: float
    sound: Path


def play_variants(
    bundle: Bundle,
    sound: Path,
    seconds: float,
    threads: int | None = None,
    progress: Progress = lambda name, done, total: None,
) -> Performance:
    """Play the first `seconds` of `sound` through every variant that this machine can run.

    Raises InputError when no variant can run or the sound cannot be read.
    """
    pipeline = bundle.manifest.pipeline
    pcm = read_audio(sound, pipeline.sample_rate)[: round(seconds * pipeline.sample_rate)]
    ordered = sorted(
        bundle.manifest.variants, key=lambda variant: PRECISIONS.index(variant.precision)
    )
    played, skipped = [], []
    for variant in ordered:
        name = f"{variant.target} {variant.precision}"
        try:
            played.append(_play(bundle, variant, pcm, threads, progress))
        except EngineError as error:
            skipped.append(f"{name}: {str(error).splitlines()[0]}")
    if not played:
        raise InputError(
            "No variant of the bundle can run on this machine.",
            where=bundle.path,
            expected="an engine for one of its targets",
            got="; ".join(skipped),
        )
    return Performance(tuple(played), tuple(skipped), pipeline.frame_rate, sound)


def _play(
    bundle: Bundle, variant: Variant, pcm: np.ndarray, threads: int | None, progress: Progress
) -> Played:
    engine = packager_engine(variant.target)
    session = bundle.session(variant.target, variant.precision, threads, engine=engine)
    _set_reference(session, pcm)
    session.timings = Timings()
    frame = session.pipeline.frame
    layout = session.values[frame.value].layout
    wanted = [frame.value, *((KEYPOINTS,) if KEYPOINTS in session.values else ())]
    total = -(-len(pcm) // session.pipeline.samples_per_frame)
    frames, keypoints = [], []
    for values in _performed(session, pcm, tuple(wanted)):
        frames.append(rgb_pixels(values[frame.value], layout, frame.value_range))
        if KEYPOINTS in values:
            keypoints.append(values[KEYPOINTS][0].astype(np.float32))
        progress(f"{variant.target} {variant.precision}", len(frames), total)
    if not frames:
        raise InputError("The sound holds nothing to play.", expected="one sample or more", got=0)
    return Played(
        target=variant.target,
        precision=variant.precision,
        frames=np.stack(frames),
        keypoints=np.stack(keypoints) if keypoints else None,
        latency=session.timings.summaries(1000.0 / session.pipeline.frame_rate),
        evaluated=evaluates_programs(variant.target),
    )


def _performed(
    session: Session, pcm: np.ndarray, wanted: tuple[str, ...]
) -> Iterator[dict[str, np.ndarray]]:
    yield from session.push_pcm(pcm, wanted)
    yield from session.flush(wanted)


def _set_reference(session: Session, pcm: np.ndarray) -> None:
    """Where the bundle names no resting motion, the first frame is at rest."""
    for item in session.pipeline.inputs:
        if item.kind == "reference" and session.control(item.name) is None:
            motions = [*session.push_pcm(pcm, (MOTION,)), *session.flush((MOTION,))]
            session.set(item.name, motions[0][MOTION])
            session.reset()
