"""LiteRT (TFLite) on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from lp_runtime.engines import EngineOptions
from lp_runtime.engines.tensor_check import check_tensors, first_line
from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile, TensorSpec
from lp_runtime.processors import default_threads


class LiteRtGraph:
    """One LiteRT graph in one interpreter, called through its signature: tensors by name."""

    def __init__(self, interpreter: Interpreter, signature: str, name: str) -> None:
        # An interpreter owns its tensors: one call at a time.
        self._lock = threading.Lock()
        self._interpreter = interpreter
        self._runner = interpreter.get_signature_runner(signature)
        self._name = name

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name, copied out of the interpreter."""
        try:
            with self._lock:
                outputs = self._runner(**inputs)
        except (RuntimeError, ValueError, TypeError) as error:
            raise EngineError(
                "LiteRT failed while running a graph.", where=self._name, got=first_line(error)
            ) from error
        return {name: np.array(value) for name, value in outputs.items()}


class LiteRtEngine:
    """Opens `.tflite` files."""

    def version(self) -> str:
        """E.g. "LiteRT 2.3.0"."""
        return f"LiteRT {metadata.version('ai-edge-litert')}"

    def load(self, path: Path, graph: GraphFile, options: EngineOptions) -> LiteRtGraph:
        """See `Engine.load`."""
        threads = options.threads or default_threads()
        try:
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
            interpreter.allocate_tensors()
            signatures = interpreter.get_signature_list()
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(
                "LiteRT cannot load a graph.",
                where=graph.path,
                expected=f"a graph that {self.version()} runs",
                got=first_line(error),
                remedy="run `lp-pack verify`; if the file is intact, update ai-edge-litert",
            ) from error
        if len(signatures) != 1:
            raise EngineError(
                "A LiteRT graph has no signature, or several.",
                where=graph.path,
                expected="one signature, which names the tensors",
                got=sorted(signatures),
                remedy="build the bundle again",
            )
        signature = next(iter(signatures))
        runner = interpreter.get_signature_runner(signature)
        _check_tensors(runner.get_input_details(), graph.inputs, f"{graph.path}: inputs")
        _check_tensors(runner.get_output_details(), graph.outputs, f"{graph.path}: outputs")
        return LiteRtGraph(interpreter, signature, graph.path)


def _check_tensors(
    found: Mapping[str, Mapping[str, Any]], wanted: tuple[TensorSpec, ...], where: str
) -> None:
    """Compare what LiteRT sees with the manifest; the order does not matter."""
    seen = {
        name: (np.dtype(detail["dtype"]).name, [int(size) for size in detail["shape"]])
        for name, detail in found.items()
    }
    check_tensors(seen, wanted, where)


ENGINE = LiteRtEngine()
