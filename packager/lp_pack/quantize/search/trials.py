"""A choice made real: the graph compressed by a recipe, run, and held against float frames."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lp_pack.frame_regions import keypoint_region
from lp_pack.graph_files import file_name, graph_file
from lp_pack.hashing import file_sha256, folder_records
from lp_pack.manifest import GENERATOR, KEYPOINT_GROUPS
from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.compressors import compressor
from lp_pack.quantize.recipes import Recipe
from lp_pack.target_engines import packager_engine
from lp_runtime.engines import EngineOptions
from lp_runtime.manifest import Precision

KEYPOINTS, FRAME, LIPS = "keypoints", "frame", "lips"
# Below this a mean squared error is called identical: 120 dB.
SMALLEST_ERROR = 1e-12
THREADS = 2


@dataclass(frozen=True)
class Noise:
    """Mean squared errors of frames in [0, 1], frame by frame.

    frame, lips: (frames,) of the whole picture and of the lips' box; zeros where there is none.
    """

    frame: np.ndarray
    lips: np.ndarray

    def __add__(self, other: Noise) -> Noise:
        """Noise of independent sources together."""
        return Noise(self.frame + other.frame, self.lips + other.lips)

    @property
    def decibels(self) -> float:
        """Of the worst frame."""
        return decibels(float(self.frame.max()))

    @property
    def lips_decibels(self) -> float:
        """Of the worst frame's lips."""
        return decibels(float(self.lips.max()))


@dataclass(frozen=True)
class Frames:
    """What pictures are held against.

    keypoints: (frames, 1, 21, 3).
    expected: (frames, 1, 3, height, width) float frames.
    """

    keypoints: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True)
class Trial:
    """One compressed graph.

    bytes: of its file or folder.
    sha256: of the same.
    seconds: what it took to make and to measure.
    milliseconds: median of its frames.
    """

    noise: Noise
    bytes: int
    sha256: str
    seconds: float
    milliseconds: float


def decibels(mean_square: float) -> float:
    """Peak signal to noise for values in [0, 1]."""
    return float(-10 * np.log10(max(mean_square, SMALLEST_ERROR)))


class Workbench:
    """Makes and measures graphs of one source; files live only as long as a trial."""

    def __init__(self, source: Path, base: Recipe, folder: Path | None = None) -> None:
        """`source`: the float graph; `base`: the recipe whose layers are chosen."""
        self.source = source
        self.base = base
        self.folder = folder

    def float_frames(self, keypoints: np.ndarray) -> Frames:
        """What the float graph draws."""
        drawn, _ = self._draw(self.source, keypoints)
        return Frames(keypoints, drawn)

    def try_out(
        self,
        overrides: Mapping[str, Precision],
        calibration: CalibrationSet | None,
        frames: Frames,
    ) -> Trial:
        """Compress with these layers chosen one by one, run, compare."""
        began = time.monotonic()
        recipe = self.base.with_overrides(self.base.name, {GENERATOR: overrides})
        with self._place() as path:
            compressor(recipe.target)(self.source, path, recipe, calibration, GENERATOR)
            drawn, milliseconds = self._draw(path, frames.keypoints)
            size, digest = _size_and_digest(path)
        gc.collect()
        noise = measure(frames, drawn)
        return Trial(noise, size, digest, time.monotonic() - began, milliseconds)

    @contextmanager
    def _place(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="lp-pack-trial-", dir=self.folder))
        try:
            yield folder / file_name(GENERATOR, self.base.target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _draw(self, path: Path, keypoints: np.ndarray) -> tuple[np.ndarray, float]:
        target = self.base.target
        record = graph_file(target, path, f"trial/{path.name}")
        loaded = packager_engine(target).load(path, record, EngineOptions(threads=THREADS))
        frames, taken = [], []
        for one in keypoints:
            began = time.perf_counter()
            frames.append(loaded.run({KEYPOINTS: one})[FRAME])
            taken.append((time.perf_counter() - began) * 1e3)
        return np.stack(frames), float(np.median(taken))


def measure(frames: Frames, drawn: np.ndarray) -> Noise:
    """The noise of drawn frames."""
    squares = np.square(drawn.astype(np.float64) - frames.expected)
    height, width = squares.shape[-2:]
    lips = np.zeros(len(squares))
    for index, (points, square) in enumerate(zip(frames.keypoints, squares, strict=True)):
        box = keypoint_region(points, KEYPOINT_GROUPS[LIPS], height, width)
        if box is not None:
            lips[index] = square[..., box[0], box[1]].mean()
    return Noise(squares.reshape(len(squares), -1).mean(axis=1), lips)


def _size_and_digest(path: Path) -> tuple[int, str]:
    if path.is_file():
        return path.stat().st_size, file_sha256(path)
    records = folder_records(path)
    return sum(record.bytes for record in records), "+".join(r.sha256[:16] for r in records)
