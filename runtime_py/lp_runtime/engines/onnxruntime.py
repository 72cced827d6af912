"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from lp_runtime.engines import EngineOptions
from lp_runtime.engines.tensor_check import check_tensors, first_line
from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile, TensorSpec
from lp_runtime.processors import default_threads

ELEMENT_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
}
FATAL_ONLY = 4


class OnnxRuntimeGraph:
    """One ONNX graph in one ONNX Runtime session."""

    def __init__(self, session: ort.InferenceSession, name: str) -> None:
        self._session = session
        self._name = name
        self._output_names = [output.name for output in session.get_outputs()]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name; ONNX Runtime allocates them anew for every run."""
        try:
            outputs = self._session.run(self._output_names, dict(inputs))
        except Exception as error:  # ONNX Runtime's exceptions share no base class of its own
            raise EngineError(
                "ONNX Runtime failed while running a graph.",
                where=self._name,
                got=first_line(error),
            ) from error
        return dict(zip(self._output_names, outputs, strict=True))


class OnnxRuntimeEngine:
    """Opens `.onnx` files."""

    def version(self) -> str:
        """E.g. "onnxruntime 1.31.1"."""
        return f"onnxruntime {ort.__version__}"

    def load(self, path: Path, graph: GraphFile, options: EngineOptions) -> OnnxRuntimeGraph:
        """See `Engine.load`."""
        try:
            session = ort.InferenceSession(
                str(path), _session_options(options), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class of its own
            raise EngineError(
                "ONNX Runtime cannot load a graph.",
                where=graph.path,
                expected=f"a graph that onnxruntime {ort.__version__} runs (opset {graph.opset})",
                got=first_line(error),
                remedy="run `lp-pack verify`; if the file is intact, update onnxruntime",
            ) from error
        _check_tensors(session.get_inputs(), graph.inputs, f"{graph.path}: inputs")
        _check_tensors(session.get_outputs(), graph.outputs, f"{graph.path}: outputs")
        return OnnxRuntimeGraph(session, graph.path)


def _session_options(options: EngineOptions) -> ort.SessionOptions:
    session_options = ort.SessionOptions()
    session_options.log_severity_level = FATAL_ONLY
    session_options.intra_op_num_threads = options.threads or default_threads()
    session_options.inter_op_num_threads = 1
    session_options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    session_options.enable_cpu_mem_arena = not options.low_memory
    session_options.enable_mem_pattern = not options.low_memory
    # The pipeline runs several sessions in turn: idle workers of one must not spin while the next
    # one works.
    session_options.add_session_config_entry("session.force_spinning_stop", "1")
    return session_options


def _check_tensors(found: list[Any], wanted: tuple[TensorSpec, ...], where: str) -> None:
    """Compare what ONNX Runtime sees with the manifest; the order does not matter."""
    seen = {node.name: (ELEMENT_TYPES.get(node.type, node.type), node.shape) for node in found}
    check_tensors(seen, wanted, where)


ENGINE = OnnxRuntimeEngine()
