"""Motion for training and for judging: drawn at random from what faces do, and from templates.

Synthetic motion covers the range on purpose: heads that turn further than in most recordings,
mouths that open, close, round and spread at speaking pace, eyelids that blink together or alone.
Every sequence is smooth in time, so that neighbouring frames can teach stability. Half of the
sequences are ordinary, half exaggerated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.baking import SourceFace
from lp_models.motion import HeadMotion
from lp_models.motion_stitcher import MotionStitcher
from lp_pack.demo.expression_basis import ExpressionControls, expression

FRAME_RATE = 25.0
# Standard deviations of an ordinary sequence: degrees, frame halves, log scale.
PITCH, YAW, ROLL = 6.0, 8.0, 4.0
TRANSLATION, LOG_SCALE = 0.035, 0.02
# Limits of an exaggerated one.
LIMITS = {"pitch": 18.0, "yaw": 25.0, "roll": 14.0}
# Movement of single keypoints that no control explains, as real templates show it.
UNEXPLAINED = 0.0012


@dataclass(frozen=True)
class KeypointSequence:
    """Driving keypoints (n, 21, 3) of one continuous motion, and what it is called."""

    name: str
    keypoints: NDArray[np.float32]


def synthetic_sequence(face: SourceFace, frames: int, seed: int) -> KeypointSequence:
    """`frames` of random motion at 25 a second; equal seeds give equal motion."""
    random = np.random.default_rng(seed)
    strength = random.uniform(0.5, 1.0) if seed % 2 else random.uniform(1.0, 1.8)
    pose = {
        name: np.clip(strength * sigma * _wander(random, frames, 0.5), -limit, limit)
        for (name, limit), sigma in zip(LIMITS.items(), (PITCH, YAW, ROLL), strict=True)
    }
    shift = strength * TRANSLATION * np.stack([_wander(random, frames, 0.4) for _ in range(2)])
    scale = np.exp(LOG_SCALE * strength * _wander(random, frames, 0.2))
    offsets = expression(_controls(random, frames)) + _unexplained(random, frames)
    source = face.motion
    columns = [
        source.exp.numpy().reshape(1, -1) + offsets.reshape(frames, -1),
        source.scale.numpy() * scale[:, None],
        source.t.numpy() + np.stack([*np.clip(shift, -0.12, 0.12), np.zeros(frames)], axis=1),
        *(getattr(source, name).numpy() + pose[name][:, None] for name in ("pitch", "yaw", "roll")),
    ]
    motion = torch.from_numpy(np.concatenate(columns, axis=1).astype(np.float32))
    keypoints = MotionStitcher(face, mode="absolute")(motion)
    return KeypointSequence(f"synthetic {seed}", keypoints.numpy())


def training_clips(face: SourceFace, clips: int, seed: int) -> NDArray[np.float32]:
    """(2 * clips, 21, 3): pairs of consecutive frames, far apart from one another."""
    pairs: list[NDArray[np.float32]] = []
    length, step = 100, 10
    while len(pairs) < clips:
        number = 10_000 * (seed + 1) + len(pairs) // (length // step)
        points = synthetic_sequence(face, length, number).keypoints
        pairs += [points[start : start + 2] for start in range(0, length, step)]
    return np.concatenate(pairs[:clips])


def held_out_sequences(
    face: SourceFace, count: int, frames: int, seed: int
) -> list[KeypointSequence]:
    """Continuous motion whose seeds no training clip uses."""
    first = 10_000 * (seed + 1) - 5_000
    return [synthetic_sequence(face, frames, first + index) for index in range(count)]


def template_sequence(face: SourceFace, name: str, motion: NDArray[np.float32]) -> KeypointSequence:
    """A recorded motion (n, 70), relative to its first frame."""
    vectors = torch.from_numpy(np.asarray(motion, dtype=np.float32))
    HeadMotion.from_vector(vectors)
    keypoints = MotionStitcher(face, mode="relative")(vectors, vectors[:1])
    return KeypointSequence(name, keypoints.numpy())


def augmented_sequence(face: SourceFace, template: KeypointSequence, seed: int) -> KeypointSequence:
    """A template with the face shifted, scaled and mirrored in time, for more training data."""
    random = np.random.default_rng(seed)
    points = template.keypoints[:: random.choice([-1, 1])]
    centre = face.motion.t.numpy().reshape(1, 1, 3)
    moved = (points - centre) * np.exp(random.normal(0, LOG_SCALE)) + centre
    moved = moved + np.array([*random.normal(0, TRANSLATION, 2), 0.0])
    return KeypointSequence(f"{template.name} augmented {seed}", moved.astype(np.float32))


def _controls(random: np.random.Generator, frames: int) -> ExpressionControls:
    talk = _wander(random, frames, 0.25) > -0.6
    jaw = np.clip(0.38 + 0.42 * _wander(random, frames, 3.0), 0, 1.15) * random.uniform(0.4, 1.1)
    shape = _wander(random, frames, 2.0)
    blink = _blinks(random, frames)
    wink = _blinks(random, frames) * (random.random() < 0.3)
    return ExpressionControls(
        jaw_open=jaw * talk,
        lip_press=np.clip(_wander(random, frames, 2.0) - 0.7, 0, 1.2) * (jaw * talk < 0.15),
        lip_pucker=np.clip(shape - 0.2, 0, 1.2) * random.uniform(0.3, 1),
        lip_wide=np.clip(-shape - 0.3, 0, 1.2) * random.uniform(0.3, 1),
        smile=np.clip(0.7 * _wander(random, frames, 0.3) + random.uniform(-0.3, 0.5), -0.5, 1.2),
        blink_left=np.clip(blink + wink, -0.2, 1.1),
        blink_right=np.clip(blink, -0.2, 1.1),
        brow_raise=np.clip(0.6 * _wander(random, frames, 0.5), -0.5, 1.2),
        brow_frown=np.clip(0.6 * _wander(random, frames, 0.4) - 0.2, -0.2, 1.2),
        gaze_x=np.clip(0.5 * _wander(random, frames, 0.7), -1, 1),
        gaze_y=np.clip(0.3 * _wander(random, frames, 0.7), -0.7, 0.7),
    )


def _wander(random: np.random.Generator, frames: int, hertz: float) -> NDArray[np.float64]:
    """Smooth noise (frames,) of variance about 1 whose pace is about `hertz`."""
    time = np.arange(frames) / FRAME_RATE
    waves = 6
    pace = hertz * random.uniform(0.2, 1.6, waves)
    phase = random.uniform(0, 2 * np.pi, waves)
    noise = np.cos(2 * np.pi * pace * time[:, None] + phase).sum(axis=1)
    return noise * np.sqrt(2.0 / waves)


def _blinks(random: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Lids that close and open within a quarter of a second, now and then, and rest half-way."""
    time = np.arange(frames) / FRAME_RATE
    closed = 0.12 * _wander(random, frames, 0.4)
    for _ in range(max(1, round(frames / FRAME_RATE / 1.6))):
        moment, length = random.uniform(0, time[-1] + 0.04), random.uniform(0.06, 0.2)
        closed = np.maximum(closed, np.exp(-(((time - moment) / length) ** 4)))
    return closed


def _unexplained(random: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """(frames, 21, 3) small independent movement; depth and the rigid keypoints stay."""
    offsets = np.zeros((frames, 21, 3))
    for keypoint in (0, 1, 2, 3, 4, 5, 7, 10, 13, 14, 16, 17):
        for axis in (0, 1):
            offsets[:, keypoint, axis] = UNEXPLAINED * _wander(random, frames, 0.8)
    return offsets
