"""The motion that parity is measured on: a recorded template, or a seeded smooth walk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lp_runtime.motion_template import read_motion_template

WALK = "seeded walk"
WALK_SEED = 0
# Largest offsets of the walk: expression, scale (a factor), translation, degrees.
WALK_REACH = {"exp": 0.02, "scale": 0.05, "t": 0.05, "degrees": 15.0}
WAVES = 3


@dataclass(frozen=True)
class DrivingMotion:
    """A sequence of motions and where it came from.

    motion: (frames, 70) float32.
    reference: (70,) float32, the motion that counts as rest in relative mode.
    """

    motion: np.ndarray
    reference: np.ndarray
    source: str


def template_motion(path: Path, frames: int) -> DrivingMotion:
    """At most `frames` motions spread evenly over a template; its first frame is the reference.

    Raises:
        InputError: the file is not a motion template.
    """
    recorded = read_motion_template(path).motion
    chosen = spread_indices(len(recorded), frames)
    return DrivingMotion(recorded[chosen], recorded[0], path.name)


def seeded_walk(rest: np.ndarray, frames: int, seed: int = WALK_SEED) -> DrivingMotion:
    """A smooth motion around `rest` (70,) that covers what a lively head does.

    Each number is a sum of a few sine waves of whole periods, so that the walk has no jump.
    """
    random = np.random.default_rng(seed)
    time = np.arange(frames)[:, None, None] / max(frames, 1)
    periods = random.integers(1, 5, (WAVES, 70))
    phases = random.uniform(0, 1, (WAVES, 70))
    waves = np.sin(2 * np.pi * (time * periods + phases)).mean(axis=1)
    reach = np.full(70, WALK_REACH["exp"])
    reach[63] = WALK_REACH["scale"] * rest[63]
    reach[64:67] = WALK_REACH["t"]
    reach[67:] = WALK_REACH["degrees"]
    motion = (rest + reach * waves).astype(np.float32)
    return DrivingMotion(motion, rest.astype(np.float32), WALK)


def spread_indices(total: int, wanted: int) -> np.ndarray:
    """`wanted` indices spread evenly over `total`, first and last included, without repeats."""
    return np.unique(np.linspace(0, total - 1, min(wanted, total)).round().astype(int))
