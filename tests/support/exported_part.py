"""A part of a network as an ONNX graph of its own, ready to be timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from torch import Tensor, nn

from lp_pack.export.onnx import export_onnx


class Part(nn.Module):
    """A module with the inputs to trace it with; tensors are named by their place."""

    def __init__(self, module: nn.Module, inputs: tuple[Tensor, ...], outputs: int = 1) -> None:
        super().__init__()
        self.module = module
        self.inputs = inputs
        self.input_names = tuple(f"input_{index}" for index in range(len(inputs)))
        self.output_names = tuple(f"output_{index}" for index in range(outputs))

    def example_inputs(self) -> tuple[Tensor, ...]:
        """What the export traces with."""
        return self.inputs

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The module itself."""
        return self.module(*inputs)


class RunningPart:
    """An exported part on ONNX Runtime with its inputs at hand."""

    def __init__(self, part: nn.Module, folder: Path, threads: int = 1) -> None:
        path = folder / "part.onnx"
        export_onnx(part, path, "part")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        names = [item.name for item in self._session.get_inputs()]
        tensors = dict(zip(part.input_names, part.example_inputs(), strict=True))
        self._feeds = {name: tensors[name].numpy() for name in names}

    def __call__(self) -> list[np.ndarray]:
        """One run."""
        return self._session.run(None, self._feeds)
