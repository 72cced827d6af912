"""Core ML itself, through coremltools' predict; macOS only."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lp_pack.export.coreml_package import coremltools
from lp_runtime.engines import EngineOptions
from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile


class CoreMlGraph:
    """One program loaded by Core ML."""

    def __init__(self, model: Any, name: str, outputs: tuple[str, ...]) -> None:
        self._model = model
        self._name = name
        self._outputs = outputs

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name."""
        try:
            outputs = self._model.predict(dict(inputs))
        except Exception as error:  # Core ML's errors arrive as RuntimeError and plain Exception
            raise EngineError(
                "Core ML failed while running a graph.", where=self._name, got=error
            ) from error
        return {name: _array(outputs[name]) for name in self._outputs}


def _array(output: Any) -> np.ndarray:
    """A tensor as it is; a PIL picture as (1, height, width, 3) uint8 pixels."""
    if hasattr(output, "convert"):
        return np.asarray(output.convert("RGB"))[None]
    return np.array(output)


class CoreMlPredictEngine:
    """Opens `.mlpackage` folders with Core ML on whatever unit it chooses."""

    def version(self) -> str:
        """E.g. "Core ML of macOS 15.1"."""
        return f"Core ML of macOS {platform.mac_ver()[0]}"

    def load(self, path: Path, graph: GraphFile, options: EngineOptions) -> CoreMlGraph:
        """See `Engine.load`."""
        try:
            model = coremltools().models.MLModel(str(path))
        except Exception as error:  # Core ML's errors arrive as RuntimeError and plain Exception
            raise EngineError(
                "Core ML cannot load a graph.",
                where=graph.path,
                expected=f"a program for {graph.minimum_os}",
                got=error,
                remedy="run `lp-pack verify`; if the files are intact, update macOS",
            ) from error
        return CoreMlGraph(model, graph.path, tuple(spec.name for spec in graph.outputs))


ENGINE = CoreMlPredictEngine()
