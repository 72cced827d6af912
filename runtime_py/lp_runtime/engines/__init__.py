"""Inference engines: what each must do, and which one runs which target.

An engine is imported only when a session for its target is opened, so that a host installs just
the one it needs.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile


@dataclass(frozen=True)
class EngineOptions:
    """How a graph is run.

    threads: worker threads of one graph; None uses the processors this process may run on.
    low_memory: give memory back after every run instead of keeping it for the next one.
    """

    threads: int | None = None
    low_memory: bool = False


class LoadedGraph(Protocol):
    """A graph that is ready to run."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by tensor name, in memory that no later run touches.

        Raises EngineError when the engine fails.
        """


class Engine(Protocol):
    """Opens the graphs of one target format."""

    def load(self, path: Path, graph: GraphFile, options: EngineOptions) -> LoadedGraph:
        """Open the file or folder `path`, whose tensors the manifest says are `graph`'s.

        Raises EngineError when the file is refused or its tensors are not those of the manifest.
        """

    def version(self) -> str:
        """The engine's name and version, for reports."""


# Target -> module of this package that defines ENGINE.
ENGINE_MODULES = {
    "onnx": "lp_runtime.engines.onnxruntime",
    "tflite": "lp_runtime.engines.litert",
}
# Target -> what to install when the module's own import fails.
ENGINE_PACKAGES = {"onnx": "onnxruntime", "tflite": "ai-edge-litert"}


def runnable_targets() -> tuple[str, ...]:
    """The targets whose engine is installed here."""
    found = []
    for target in ENGINE_MODULES:
        try:
            engine_for(target)
        except EngineError:
            continue
        found.append(target)
    return tuple(found)


def engine_for(target: str) -> Engine:
    """The engine that runs this target; raises EngineError when there is none on this machine."""
    module_name = ENGINE_MODULES.get(target)
    if module_name is None:
        raise EngineError(
            f"No engine of this package runs the target '{target}'.",
            expected=" or ".join(sorted(ENGINE_MODULES)),
            got=target,
            remedy="choose another target of the bundle",
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        package = ENGINE_PACKAGES[target]
        raise EngineError(
            f"The engine for the target '{target}' is not installed.",
            expected=f"the package {package}",
            got=error,
            remedy=f"pip install {package}",
        ) from error
    engine: Engine = module.ENGINE
    return engine


__all__ = [
    "Engine",
    "EngineOptions",
    "LoadedGraph",
    "engine_for",
    "runnable_targets",
]
