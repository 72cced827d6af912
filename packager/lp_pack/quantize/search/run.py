"""`lp-pack quantize --search`: from a build's options to a recipe file and its curve.

The search works on what the build itself would make: the same float graph, calibration set and
reference frames, from the same cache. So the graph that the search verified and the one that
`lp-pack build --recipe` writes later are the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from lp_models.atomic_file import atomic_write
from lp_pack.build import make_stages, tool_versions
from lp_pack.build_config import BuildOptions, make_plan
from lp_pack.build_plan import BuildPlan
from lp_pack.build_steps import CALIBRATION, REFERENCE, source_stage
from lp_pack.cache import Cache, Finished
from lp_pack.driving_motion import spread_indices
from lp_pack.errors import ConfigError
from lp_pack.graph_files import file_name
from lp_pack.hashing import code_sha256
from lp_pack.manifest import GENERATOR
from lp_pack.quantize.calibration import CalibrationSet, write_calibration
from lp_pack.quantize.compressors import MODULES
from lp_pack.quantize.recipe_file import format_recipe
from lp_pack.quantize.recipes import Recipe
from lp_pack.quantize.search.allocation import Floor, Goal, overrides_of
from lp_pack.quantize.search.curve import draw_curve
from lp_pack.quantize.search.layers import Group, group_layers, searchable_layers
from lp_pack.quantize.search.search import Chosen, Found, Progress, Search
from lp_pack.quantize.search.trials import Frames, Noise, Trial, Workbench
from lp_pack.reference import Reference
from lp_pack.stages import Observer, Stage, run_stages
from lp_runtime.manifest import Precision, Target

# Probes are many, so each draws few frames; those of blocks, which large networks are probed in,
# take their ranges from few samples.
PROBE_FRAMES = 4
BLOCK_SAMPLES = 8


@dataclass(frozen=True)
class SearchOptions:
    """What to search for.

    recipe: the file to write; the curve goes beside it with the ending .svg.
    goal: what shall become small: the file, or the arithmetic left in floating point.
    by: probe layers one by one, in groups of like layers, or as their number suggests.
    minutes: the time there is for probes and real runs, without the stages of the build.
    """

    recipe: Path
    target: Target
    precision: Precision
    floor: Floor
    goal: Goal
    by: str = "auto"
    minutes: float = 30.0
    overwrite: bool = False

    @property
    def curve(self) -> Path:
        """Where the drawing goes."""
        return self.recipe.with_suffix(".svg")

    def check(self) -> None:
        """Raise ConfigError for what can be known before anything long starts."""
        if self.recipe.suffix != ".toml":
            raise ConfigError(
                "A recipe is a TOML file", where=f"-o {self.recipe}", expected="a name in .toml"
            )
        if not self.recipe.resolve().parent.is_dir():
            raise ConfigError(
                "The recipe's folder does not exist",
                where=self.recipe,
                expected=f"a folder {self.recipe.resolve().parent}",
                remedy="make it first",
            )
        for path in (self.recipe, self.curve):
            if path.exists() and not self.overwrite:
                raise ConfigError(
                    "The output exists already",
                    where=path,
                    remedy="choose another name, or pass --force to replace it",
                )


@dataclass(frozen=True)
class SearchResult:
    """What was written, and everything that was measured."""

    recipe: Path
    curve: Path
    found: Found
    groups: tuple[Group, ...]
    source_bytes: int


def search_recipe(
    build: BuildOptions,
    options: SearchOptions,
    cache: Cache,
    observer: Observer,
    progress: Progress = lambda what, done, total: None,
) -> SearchResult:
    """Run the stages that the search needs, search, write recipe and curve.

    Raises:
        LpPackError, LpModelError, LpRuntimeError: an option cannot be, a stage fails, or no choice
            of layers meets the floor. Nothing is written then.
    """
    options.check()
    asked = replace(build, targets=(options.target,), precision=(options.precision,), recipe=())
    plan = make_plan(asked, check_output=False)
    base = plan.recipe(options.target, options.precision)
    finished = run_stages(_needed(plan, options), cache, tool_versions(), observer)
    exported = finished[source_stage(plan.persona, GENERATOR, options.target)]
    source = exported.folder / file_name(GENERATOR, options.target)
    layers = searchable_layers(source, base, GENERATOR)
    groups = group_layers(layers, base, options.by)
    with tempfile.TemporaryDirectory(prefix="lp-pack-search-") as temporary:
        bench = SearchBench(base, source, finished, groups, Path(temporary), cache)
        found = Search(
            groups, bench, options.floor, options.goal, options.minutes * 60, progress
        ).run()
    result = SearchResult(options.recipe, options.curve, found, groups, _bytes(source))
    _write(options, base, result)
    return result


class SearchBench:
    """Tries choices on the build's own files; probes are kept beside the cache for the next run."""

    def __init__(
        self,
        base: Recipe,
        source: Path,
        finished: Mapping[str, Finished],
        groups: tuple[Group, ...],
        folder: Path,
        cache: Cache,
    ) -> None:
        """`finished`: the stages of the build that the search asked for."""
        self._workbench = Workbench(source, base, folder)
        self._groups = groups
        self._calibration: CalibrationSet | None = None
        if CALIBRATION in finished:
            self._calibration = CalibrationSet.open(finished[CALIBRATION].folder)
        self._few = self._calibration
        if self._calibration is not None and any(len(group.layers) > 1 for group in groups):
            self._few = _few(self._calibration, folder)
        samples = 0 if self._few is None else self._few.samples
        reference = Reference.read(finished[REFERENCE].folder)
        self._held_out = Frames(reference.keypoints[reference.drawn], reference.frame)
        others = np.setdiff1d(np.arange(len(reference.keypoints)), reference.drawn)
        chosen = others[spread_indices(len(others), PROBE_FRAMES)]
        self._probed = self._workbench.float_frames(reference.keypoints[chosen])
        self._memory = ProbeMemory.open(cache.folder, base, finished, samples)

    def probe(self, group: Group, choice: Precision) -> Noise:
        """One group alone; from an earlier search where there was one."""
        key = f"{choice} {' '.join(group.layers)}"
        known = self._memory.find(key)
        if known is None:
            chosen = {one.name: one.choices[0] for one in self._groups} | {group.name: choice}
            overrides = overrides_of(self._groups, chosen)
            known = self._workbench.try_out(overrides, self._few, self._probed).noise
            self._memory.keep(key, known)
        return known

    def verify(self, chosen: Chosen) -> Trial:
        """As the build makes and checks it."""
        overrides = overrides_of(self._groups, chosen)
        return self._workbench.try_out(overrides, self._calibration, self._held_out)


class ProbeMemory:
    """Probes on disk, so that an interrupted search goes on where it was."""

    def __init__(self, path: Path) -> None:
        """`path`: of the file; it need not exist."""
        self._path = path
        self._known: dict[str, list[list[float]]] = {}
        if path.is_file():
            try:
                kind = dict[str, list[list[float]]]
                self._known = msgspec.json.decode(path.read_bytes(), type=kind)
            except (OSError, msgspec.MsgspecError):
                self._known = {}

    @classmethod
    def open(
        cls, folder: Path, base: Recipe, finished: Mapping[str, Finished], samples: int
    ) -> ProbeMemory:
        """The memory of searches on equal files, with as many samples, by equal code."""
        facts = {
            "recipe": format_recipe(base),
            "files": {name: stage.digest for name, stage in sorted(finished.items())},
            "code": [code_sha256("lp_pack.quantize"), code_sha256(MODULES[base.target])],
            "versions": dict(tool_versions()),
            "probes": [PROBE_FRAMES, samples],
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        return cls(folder / "searches" / f"{digest}.json")

    def find(self, key: str) -> Noise | None:
        """What an earlier search measured."""
        known = self._known.get(key)
        return None if known is None else Noise(np.array(known[0]), np.array(known[1]))

    def keep(self, key: str, noise: Noise) -> None:
        """Store one probe at once: a search may be interrupted at any time."""
        self._known[key] = [noise.frame.tolist(), noise.lips.tolist()]
        with atomic_write(self._path) as stream:
            stream.write(msgspec.json.encode(self._known))


def _needed(plan: BuildPlan, options: SearchOptions) -> list[Stage]:
    """The stages of the build up to float graph, calibration and reference."""
    stages = {stage.name: stage for stage in make_stages(plan)}
    wanted = [source_stage(plan.persona, GENERATOR, options.target), REFERENCE]
    wanted += [CALIBRATION] if CALIBRATION in stages else []
    names: set[str] = set()
    while wanted:
        name = wanted.pop()
        names.add(name)
        wanted += [need for need in stages[name].needs if need not in names]
    return [stage for name, stage in stages.items() if name in names]


def _few(calibration: CalibrationSet, folder: Path) -> CalibrationSet:
    """The first samples, for probes."""
    samples = []
    for sample in calibration.of(GENERATOR):
        samples.append(sample)
        if len(samples) == BLOCK_SAMPLES:
            break
    place = folder / "probes"
    place.mkdir()
    tensors = {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
    return write_calibration(place, {GENERATOR: tensors}, calibration.source, calibration.seed)


def _write(options: SearchOptions, base: Recipe, result: SearchResult) -> None:
    found, floor = result.found, options.floor
    noise = found.best.trial.noise
    lips = "" if floor.lips is None else f", lips {floor.lips:g} dB"
    note = (
        f"found by a search for the least {options.goal} at {floor.frame:g} dB{lips}: worst frame "
        f"{noise.decibels:.1f} dB, lips {noise.lips_decibels:.1f} dB"
    )
    recipe = base.with_overrides(options.recipe.stem, {GENERATOR: found.overrides})
    text = format_recipe(recipe, note)
    drawing = draw_curve(
        f"{options.target} {options.precision}, least {options.goal}",
        found,
        found.expected,
        floor,
        options.goal,
        result.groups,
        result.source_bytes,
    )
    with ExitStack() as files:
        files.enter_context(atomic_write(options.recipe)).write(text.encode())
        files.enter_context(atomic_write(options.curve)).write(drawing.encode())


def _bytes(path: Path) -> int:
    files = (path,) if path.is_file() else tuple(path.rglob("*"))
    return sum(file.stat().st_size for file in files if file.is_file())
