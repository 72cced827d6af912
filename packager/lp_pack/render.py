"""Play a bundle into a video file, driven by sound or by a motion template."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lp_pack.errors import ConfigError
from lp_pack.target_engines import packager_engine
from lp_runtime.audio import read_audio
from lp_runtime.bundle import Bundle
from lp_runtime.composer import Composer
from lp_runtime.controls import labelled_control, seeded_style
from lp_runtime.manifest import PipelineInput
from lp_runtime.motion_template import MotionTemplate, read_motion_template
from lp_runtime.pipeline import Session
from lp_runtime.video import Sound, VideoWriter

MOTION = "motion"
# The video's sound is taken from the file anew, at a better rate than the graphs listen at.
SOUND_RATE = 48_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RenderOptions:
    """What to play and how. Exactly one of `audio` and `motion` is given."""

    audio: Path | None = None
    motion: Path | None = None
    emotion: str | None = None
    intensity: float = 1.0
    # Picks one of many performances of the same sound; None is the bundle's own.
    style_seed: int | None = None
    target: str = "onnx"
    precision: str | Mapping[str, str] | None = None
    threads: int | None = None
    paste_back: bool = True
    # A colour or a picture's path.
    background: str | None = None
    # Frames a second of the video; None keeps the template's.
    fps: float | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class RenderReport:
    """What was written."""

    output: Path
    frames: int
    frame_rate: float
    width: int
    height: int
    has_sound: bool
    seconds_taken: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "output": str(self.output)}


@dataclass(frozen=True)
class _Performance:
    """Frame values in order, and what is known about them beforehand."""

    frames: Iterator[np.ndarray]
    count: int
    frame_rate: float
    sound: Sound | None


def render_bundle(
    path: Path, output: Path, options: RenderOptions, progress: Progress = lambda done, total: None
) -> RenderReport:
    """Render the bundle at `path` into the MP4 file `output`.

    `progress` is called after each frame with the number done and the total.

    Raises ConfigError for options that contradict each other or an existing output, InputError for
    sound, templates, controls or backgrounds that cannot be used, BundleError and EngineError for
    a bundle that cannot be played. On an error, or when interrupted, no file is left behind.
    """
    _check_options(output, options)
    bundle = Bundle.open(path)
    engine = packager_engine(options.target)
    session = bundle.session(options.target, options.precision, options.threads, engine=engine)
    if options.emotion is not None:
        session.set(*labelled_control(session.pipeline, options.emotion, options.intensity))
    if options.style_seed is not None:
        session.set(*seeded_style(session.pipeline, options.style_seed))
    if options.audio is not None:
        performance = _from_audio(session, options.audio)
    else:
        assert options.motion is not None
        performance = _from_template(session, options.motion, options.fps)
    composer = Composer(bundle, session, options.paste_back, options.background)
    width, height = composer.size
    start, done = time.monotonic(), 0
    with VideoWriter(output, width, height, performance.frame_rate, performance.sound) as writer:
        for frame in performance.frames:
            writer.write(composer(frame))
            done += 1
            progress(done, performance.count)
    return RenderReport(
        output=output,
        frames=done,
        frame_rate=performance.frame_rate,
        width=width,
        height=height,
        has_sound=performance.sound is not None,
        seconds_taken=time.monotonic() - start,
    )


def resample_motion(template: MotionTemplate, fps: float) -> np.ndarray:
    """The template's motion (frames, 70) at another frame rate, linear between its frames.

    Angles are interpolated as numbers; a template that turns through 180 degrees would jump.
    """
    duration = (len(template.motion) - 1) / template.fps
    times = np.arange(int(duration * fps + 1e-9) + 1) / fps * template.fps
    below = np.minimum(times.astype(int), len(template.motion) - 1)
    above = np.minimum(below + 1, len(template.motion) - 1)
    weight = (times - below)[:, None]
    mixed = (1 - weight) * template.motion[below] + weight * template.motion[above]
    return mixed.astype(np.float32)


def _check_options(output: Path, options: RenderOptions) -> None:
    if (options.audio is None) == (options.motion is None):
        raise ConfigError(
            "Rendering needs one thing that drives it.",
            expected="either sound (--audio) or a motion template (--motion)",
            got="neither" if options.audio is None else "both",
        )
    if options.audio is None and options.emotion is not None:
        raise ConfigError(
            "An emotion shapes what sound drives; a motion template has its own.",
            expected="--emotion together with --audio",
            got="--emotion together with --motion",
        )
    if options.audio is not None and options.fps is not None:
        raise ConfigError(
            "The frame rate of a video with sound is the bundle's.",
            expected="--fps together with --motion",
            got="--fps together with --audio",
            remedy="leave --fps out",
        )
    if options.fps is not None and not 1 <= options.fps <= 240:
        raise ConfigError("The frame rate is out of range.", expected="1 to 240", got=options.fps)
    if output.suffix.lower() != ".mp4":
        raise ConfigError(
            "The output is not an MP4 file.", expected="a name ending in .mp4", got=output
        )
    if output.exists() and not options.overwrite:
        raise ConfigError(
            "The output exists already.",
            where=output,
            remedy="choose another name, or add --force to replace it",
        )


def _from_audio(session: Session, path: Path) -> _Performance:
    pipeline = session.pipeline
    pcm = read_audio(path, pipeline.sample_rate)
    reference = _reference(session)
    if reference is not None and session.control(reference.name) is None:
        _take_first_motion_as_reference(session, reference.name, pcm)

    def frames() -> Iterator[np.ndarray]:
        name = pipeline.frame.value
        # A second at a time, so that the first frame does not wait for the last sample.
        for start in range(0, len(pcm), pipeline.sample_rate):
            for values in session.push_pcm(pcm[start : start + pipeline.sample_rate]):
                yield values[name]
        for values in session.flush():
            yield values[name]

    count = -(-len(pcm) // pipeline.samples_per_frame)
    sound = Sound(read_audio(path, SOUND_RATE), SOUND_RATE)
    return _Performance(frames(), count, pipeline.frame_rate, sound)


def _from_template(session: Session, path: Path, fps: float | None) -> _Performance:
    template = read_motion_template(path)
    reference = _reference(session)
    if reference is not None:
        session.set(reference.name, template.motion[:1])
    frame_rate = template.fps if fps is None else fps
    motion = template.motion if fps is None else resample_motion(template, fps)

    def frames() -> Iterator[np.ndarray]:
        for vector in motion:
            yield session.step({MOTION: vector[None]})[session.pipeline.frame.value]

    return _Performance(frames(), len(motion), frame_rate, None)


def _reference(session: Session) -> PipelineInput | None:
    return next((item for item in session.pipeline.inputs if item.kind == "reference"), None)


def _take_first_motion_as_reference(session: Session, name: str, pcm: np.ndarray) -> None:
    """The published convention where the bundle names no resting motion: frame 0 is at rest."""
    wanted = (MOTION,)
    enough = (session.pipeline.look_ahead_frames + 1) * session.pipeline.samples_per_frame
    motions = [*session.push_pcm(pcm[:enough], wanted), *session.flush(wanted)]
    session.set(name, motions[0][MOTION])
