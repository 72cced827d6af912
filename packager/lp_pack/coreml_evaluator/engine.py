"""The evaluator as an engine, so that sessions, parity and verify run Core ML programs anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lp_pack.coreml_evaluator.program import EvaluatedProgram
from lp_pack.errors import ExportError
from lp_runtime.engines import EngineOptions
from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile


class EvaluatedGraph:
    """One program; tensors by name."""

    def __init__(self, program: EvaluatedProgram, graph: GraphFile) -> None:
        self.program = program
        self.name = graph.path
        self._pictures = {spec.name for spec in graph.outputs if spec.dtype == "uint8"}

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name; EngineError where an operator cannot take its inputs."""
        try:
            outputs = self.program.run(inputs)
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            raise EngineError(
                "The Core ML program could not be evaluated.", where=self.name, got=error
            ) from error
        pictures = {name: eight_bits(outputs[name]) for name in self._pictures}
        return {**outputs, **pictures}


class CoreMlEvaluatorEngine:
    """Evaluates `.mlpackage` folders with torch; not Apple's runtime."""

    def version(self) -> str:
        """What ran, for reports."""
        return "evaluation of the Core ML program with torch, not Apple's runtime"

    def load(self, path: Path, graph: GraphFile, options: EngineOptions) -> EvaluatedGraph:
        """See `Engine.load`."""
        try:
            program = EvaluatedProgram.load(path)
        except ExportError as error:
            raise EngineError(
                error.what, where=graph.path, expected=error.expected, got=error.got
            ) from error
        declared = [spec.name for spec in graph.inputs], [spec.name for spec in graph.outputs]
        for wanted, found in zip(declared, (program.inputs, program.outputs), strict=True):
            if sorted(wanted) != sorted(found):
                raise EngineError(
                    "A graph's tensors are not those that the manifest lists.",
                    where=graph.path,
                    expected=sorted(wanted),
                    got=sorted(found),
                    remedy="build the bundle again",
                )
        return EvaluatedGraph(program, graph)


def eight_bits(planes: np.ndarray) -> np.ndarray:
    """(1, 3, height, width) numbers from 0 to 255 -> (1, height, width, 3) uint8 pixels."""
    pixels = np.clip(np.rint(planes), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


ENGINE = CoreMlEvaluatorEngine()
