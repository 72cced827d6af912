"""Recorded inputs of the graphs, from which the ranges of activations are taken.

On disk a set is a folder: `calibration.json` and one safetensors file for each graph, whose tensors
have a leading axis of samples. Samples are read one at a time, so a set may be larger than memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lp_pack.errors import ConfigError
from lp_runtime.manifest import Calibration

FACTS_NAME = "calibration.json"
MINIMUM_SAMPLES = 2
Sample = Mapping[str, np.ndarray]


class _Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What calibration.json holds."""

    source: str
    samples: int
    seed: int
    graphs: tuple[str, ...]


@dataclass(frozen=True)
class CalibrationSet:
    """A checked set of samples on disk.

    folder: where it lies.
    source: in words, where the motion and the sound came from.
    samples: of each graph.
    seed: of everything that was drawn at random.
    sha256: of all tensors, in the order of graph, tensor name and sample.
    """

    folder: Path
    source: str
    samples: int
    seed: int
    sha256: str

    @classmethod
    def open(cls, folder: Path) -> CalibrationSet:
        """Read, check and hash a set; one sample is in memory at a time.

        Raises:
            ConfigError: the set is empty, constant, holds NaN or infinity, or cannot be read.
        """
        try:
            facts = msgspec.json.decode((folder / FACTS_NAME).read_bytes(), type=_Facts)
        except (OSError, msgspec.MsgspecError) as error:
            raise bad_set(f"{folder / FACTS_NAME}", "a recorded set", error) from error
        check_count(facts.samples, str(folder))
        digest = hashlib.sha256()
        for graph in facts.graphs:
            _check(folder, graph, facts.samples, digest)
        return cls(folder, facts.source, facts.samples, facts.seed, digest.hexdigest())

    def of(self, graph: str) -> Iterator[Sample]:
        """The inputs of one graph, {tensor name: array in the graph's shape}, sample by sample."""
        yield from _samples(self.folder, graph)

    def record(self) -> Calibration:
        """What the manifest says about it."""
        return Calibration(
            source=self.source, sha256=self.sha256, samples=self.samples, seed=self.seed
        )


def write_calibration(
    folder: Path, graphs: Mapping[str, Sample], source: str, seed: int
) -> CalibrationSet:
    """Store a set and check it.

    Args:
        folder: to write into.
        graphs: graph -> tensor name -> (samples, *shape of the input).
        source: in words.
        seed: of what was drawn at random.

    Raises:
        ConfigError: as `CalibrationSet.open`, or the graphs differ in their number of samples.
    """
    counts = {len(array) for tensors in graphs.values() for array in tensors.values()}
    if len(counts) != 1:
        raise bad_set(source, "as many samples of every tensor", sorted(counts) or "none")
    for graph, tensors in graphs.items():
        arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        save_file(arrays, _file(folder, graph))
    facts = _Facts(source=source, samples=counts.pop(), seed=seed, graphs=tuple(sorted(graphs)))
    (folder / FACTS_NAME).write_bytes(msgspec.json.encode(facts))
    return CalibrationSet.open(folder)


def check_count(samples: int, where: str) -> None:
    """Raise ConfigError for fewer samples than a range can be taken from."""
    if samples < MINIMUM_SAMPLES:
        raise bad_set(where, f"at least {MINIMUM_SAMPLES} samples", samples)


def check_motion(motion: np.ndarray, where: str) -> None:
    """Raise ConfigError unless motions (frames, 70) can calibrate: some, finite, and moving."""
    if not len(motion):
        raise bad_set(where, "at least one frame of motion", "an empty set")
    if not np.isfinite(motion).all():
        raise bad_set(where, "finite numbers", "NaN or infinity")
    if len(motion) < MINIMUM_SAMPLES or (motion == motion[0]).all():
        raise bad_set(where, "motion that changes", f"{len(motion)} equal frames")


def bad_set(where: str, expected: object, got: object) -> ConfigError:
    """The error of a set from which no range can be taken."""
    return ConfigError(
        "The calibration set cannot be used",
        where=where,
        expected=expected,
        got=got,
        remedy="give recorded motion with --calibration-motion, or leave it away: the default is "
        "the persona's own motion on speech and a seeded walk",
    )


def _check(folder: Path, graph: str, samples: int, digest: hashlib._Hash) -> None:
    """Hash the tensors of one graph; ConfigError unless they are finite and change."""
    where = f"{_file(folder, graph)}"
    first: Sample | None = None
    moving, count = False, 0
    for sample in _samples(folder, graph):
        first = sample if first is None else first
        for name in sorted(sample):
            array = sample[name]
            if not np.isfinite(array).all():
                raise bad_set(f"{where}, tensor '{name}', sample {count}", "finite numbers", "NaN")
            digest.update(f"{graph}.{name} {array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
            moving = moving or not np.array_equal(array, first[name])
        count += 1
    if count != samples:
        raise bad_set(where, f"{samples} samples", count)
    if not moving:
        raise bad_set(where, "inputs that change", f"{count} equal samples")


def _samples(folder: Path, graph: str) -> Iterator[Sample]:
    path = _file(folder, graph)
    try:
        with safe_open(path, framework="numpy") as stored:
            slices = {name: stored.get_slice(name) for name in sorted(stored.keys())}
            counts = {int(one.get_shape()[0]) for one in slices.values()}
            if len(counts) > 1:
                raise bad_set(str(path), "as many samples of every tensor", sorted(counts))
            for index in range(counts.pop() if counts else 0):
                yield {name: one[index] for name, one in slices.items()}
    except (OSError, SafetensorError, IndexError) as error:
        raise bad_set(str(path), "a safetensors file of recorded inputs", error) from error


def _file(folder: Path, graph: str) -> Path:
    return folder / f"calibration_{graph}.safetensors"
