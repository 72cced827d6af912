"""Text or sound as a file of keypoints and head pose, frame by frame, for other renderers.

The file is what tools around PersonaLive read and write for LivePortrait's 21 keypoints (their
`landmarks`, `pitch`, `yaw`, `roll`, `t`, `scale`), with the same names, shapes and units:

    .npz   landmarks (frames, 21, 3), pitch, yaw, roll, scale (frames,), t (frames, 3): float32
    .json  a list with one {"landmarks", "pitch", "yaw", "roll", "t", "scale"} for each frame

landmarks are the keypoints that the generator draws, x, y, z in the [-1, 1] volume; pitch, yaw and
roll are the driving motion's, in degrees. The npz also holds `fps` and `exp` (frames, 21, 3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lp_models.atomic_file import atomic_write
from lp_pack.errors import ConfigError
from lp_pack.target_engines import packager_engine
from lp_runtime.audio import read_audio
from lp_runtime.bundle import Bundle
from lp_runtime.controls import labelled_control, seeded_style
from lp_runtime.pipeline import Session

Array = NDArray[np.float32]
MOTION, KEYPOINTS = "motion", "keypoints"
ENDINGS = (".npz", ".json")
# What the file says of each frame: its name, the motion's part, the shape of one frame.
PARTS: dict[str, tuple[int, ...]] = {"pitch": (), "yaw": (), "roll": (), "t": (3,), "scale": ()}


@dataclass(frozen=True)
class KeypointsOptions:
    """How to perform the sound."""

    emotion: str | None = None
    intensity: float = 1.0
    style_seed: int | None = None
    target: str = "onnx"
    precision: str | Mapping[str, str] | None = None
    threads: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class KeypointsReport:
    """What was written."""

    output: Path
    frames: int
    frame_rate: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "output": str(self.output)}


def export_keypoints(
    bundle: Path, audio: Path, output: Path, options: KeypointsOptions | None = None
) -> KeypointsReport:
    """Play the sound through the bundle without drawing, and write keypoints and pose.

    Raises:
        ConfigError: the output's name has another ending, or it exists.
        InputError: the sound cannot be read, or the bundle has no keypoints or no such control.
        BundleError, EngineError: the bundle cannot be played.
    """
    options = options or KeypointsOptions()
    if output.suffix.lower() not in ENDINGS:
        raise ConfigError(
            "The output is neither NumPy nor JSON.", expected=" or ".join(ENDINGS), got=output
        )
    if output.exists() and not options.overwrite:
        raise ConfigError(
            "The output exists already.", where=output, remedy="choose another name, or add --force"
        )
    engine = packager_engine(options.target)
    opened = Bundle.open(bundle)
    session = opened.session(options.target, options.precision, options.threads, engine=engine)
    if options.emotion is not None:
        session.set(*labelled_control(session.pipeline, options.emotion, options.intensity))
    if options.style_seed is not None:
        session.set(*seeded_style(session.pipeline, options.style_seed))
    arrays = keypoints_of(session, read_audio(audio, session.pipeline.sample_rate))
    with atomic_write(output) as stream:
        if output.suffix.lower() == ".npz":
            fps = np.float32(session.pipeline.frame_rate)
            np.savez_compressed(stream, fps=fps, **arrays)  # type: ignore[arg-type]
        else:
            stream.write(json.dumps(as_frames(arrays)).encode("utf-8") + b"\n")
    return KeypointsReport(output, len(arrays["landmarks"]), session.pipeline.frame_rate)


def keypoints_of(session: Session, pcm: Array) -> dict[str, Array]:
    """Every frame's numbers by the file's names, for mono samples at the pipeline's rate."""
    wanted = (MOTION, KEYPOINTS)
    second = session.pipeline.sample_rate
    frames: list[dict[str, np.ndarray]] = []
    for start in range(0, len(pcm), second):
        frames += session.push_pcm(pcm[start : start + second], wanted)
    frames += session.flush(wanted)
    motion = np.concatenate([values[MOTION] for values in frames]).astype(np.float32)
    spans = {part.name: slice(part.start, part.stop) for part in session.pipeline.motion}
    landmarks = np.concatenate([values[KEYPOINTS] for values in frames]).astype(np.float32)
    result = {"landmarks": landmarks}
    for name, shape in PARTS.items():
        result[name] = motion[:, spans[name]].reshape(len(motion), *shape)
    result["exp"] = motion[:, spans["exp"]].reshape(len(motion), -1, 3)
    return result


def as_frames(arrays: Mapping[str, Array]) -> list[dict[str, Any]]:
    """One dict for each frame, with the names that other tools know."""
    names = ("landmarks", *PARTS)
    return [
        {name: arrays[name][index].tolist() for name in names}
        for index in range(len(arrays["landmarks"]))
    ]
