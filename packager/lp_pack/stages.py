"""A build as a list of stages: each reads files of earlier stages and writes files of its own."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lp_pack.cache import Cache, Finished
from lp_pack.hashing import code_sha256

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folders:
    """Where a running stage reads and writes."""

    # Empty at the start; everything the stage leaves here is its result.
    output: Path
    # Results of the stages named in `needs`, by stage name; not to be changed.
    needs: Mapping[str, Path]


@dataclass(frozen=True)
class Stage:
    """One step of a build and everything that its result depends on."""

    name: str
    reason: str
    run: Callable[[Folders], None]
    # Earlier stages whose files this one reads.
    needs: tuple[str, ...] = ()
    # Everything else that shapes the result: role -> content hash, or an option as text.
    inputs: Mapping[str, str] = field(default_factory=dict)
    # Modules or packages whose source shapes the result, dotted.
    code: tuple[str, ...] = ()
    # Stages of one name and class take about equally long; no part of the key.
    cost_class: str = ""


class Observer(Protocol):
    """Hears of each stage as it starts and ends; a progress display."""

    def started(self, stage: Stage, position: int, total: int) -> None:
        """Called before the cache is asked."""

    def ended(self, stage: Stage, seconds: float, from_cache: bool) -> None:
        """Called when the stage's files are there."""


def stage_key(stage: Stage, needs: Mapping[str, Finished], versions: Mapping[str, str]) -> str:
    """Hash of everything that shapes the stage's result, 32 hexadecimal digits.

    Earlier stages enter with the hash of their files, not with their keys: if an earlier stage runs
    again and writes the same bytes, this one is still valid.
    """
    facts = {
        "name": stage.name,
        "inputs": dict(stage.inputs),
        "needs": {name: needs[name].digest for name in stage.needs},
        "code": {module: code_sha256(module) for module in stage.code},
        "versions": dict(versions),
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def run_stages(
    stages: Sequence[Stage],
    cache: Cache,
    versions: Mapping[str, str],
    observer: Observer,
) -> dict[str, Finished]:
    """Run the stages in order, each only if the cache does not hold its result.

    Args:
        stages: in an order in which every need comes first.
        cache: where finished stages lie and are put.
        versions: {package: version} of what computes; a new version makes every key new.
        observer: is told of every stage.

    Returns:
        Where each stage's files lie.
    """
    finished: dict[str, Finished] = {}
    for position, stage in enumerate(stages, start=1):
        observer.started(stage, position, len(stages))
        began = time.monotonic()
        key = stage_key(stage, finished, versions)
        found = cache.find(stage.name, key)
        from_cache = found is not None
        if found is None:
            found = _run(stage, key, cache, finished)
        finished[stage.name] = found
        seconds = time.monotonic() - began
        log.debug("%s: %s in %.1f s", stage.name, "found" if from_cache else "made", seconds)
        observer.ended(stage, seconds, from_cache)
    return finished


def _run(stage: Stage, key: str, cache: Cache, finished: Mapping[str, Finished]) -> Finished:
    needs = {name: finished[name].folder for name in stage.needs}
    with cache.fill(stage.name, key, stage.cost_class) as folder:
        stage.run(Folders(output=folder, needs=needs))
    result = cache.find(stage.name, key)
    if result is None:
        raise RuntimeError(f"the files of stage '{stage.name}' vanished from {cache.folder}")
    return result
