"""The range of tensors inside a graph, over a calibration set, in little memory.

The graph is run with three more outputs for each observed tensor: its smallest and largest value,
and a sparse sample of its values. Maps never leave the engine, and one sample of the set is in
memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from lp_pack.errors import ExportError
from lp_pack.quantize.onnx.arithmetic import Affine, best_affine

# Of one tensor and one frame; 100 tensors over 32 frames are 52 MB.
SAMPLED_VALUES = 4096
THREADS = 2


@dataclass
class Observed:
    """What was seen of one tensor so far."""

    low: float
    high: float
    values: list[np.ndarray]

    def affine(self) -> Affine:
        """The range to round it in."""
        return best_affine(np.concatenate(self.values), self.low, self.high)


def observe(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    samples: Iterable[Mapping[str, np.ndarray]],
) -> dict[str, Observed]:
    """Run the graph over all samples.

    Args:
        path: the float32 graph.
        shapes: tensor -> shape, of every tensor to observe.
        samples: {graph input: array}, one frame each.

    Raises:
        ExportError: a tensor is not finite on some sample, or the graph does not run.
    """
    names = list(shapes)
    session = _session(path, shapes)
    inputs = {one.name for one in session.get_inputs()}
    outputs = [f"{name}::{kind}" for name in names for kind in ("low", "high", "values")]
    seen: dict[str, Observed] = {}
    for index, sample in enumerate(samples):
        feeds = {name: array for name, array in sample.items() if name in inputs}
        results = session.run(outputs, feeds)
        for position, name in enumerate(names):
            _join(seen, name, results[3 * position : 3 * position + 3], index)
    return seen


def _join(seen: dict[str, Observed], name: str, found: Sequence[np.ndarray], index: int) -> None:
    low, high = float(found[0]), float(found[1])
    # Whether a minimum notices NaN differs between kernels, so the sample is looked at as well.
    if not np.isfinite([low, high]).all() or not np.isfinite(found[2]).all():
        raise ExportError(
            "A graph gives NaN or infinity on a calibration sample",
            where=f"tensor '{name}', sample {index}",
            expected="finite numbers",
            got=f"{low} to {high}",
            remedy="calibrate on other motion, or check the float32 graph on this sample",
        )
    known = seen.setdefault(name, Observed(low, high, []))
    known.low, known.high = min(known.low, low), max(known.high, high)
    known.values.append(found[2].copy())


def _session(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> onnxruntime.InferenceSession:
    model = onnx.load(path)
    graph = model.graph
    constants = {
        "observed::flat": np.array([-1], np.int64),
        "observed::start": np.array([0], np.int64),
        "observed::end": np.array([np.iinfo(np.int64).max], np.int64),
    }
    for name, shape in shapes.items():
        flat, step = f"{name}::flat", f"{name}::step"
        # An odd step does not fall into the rhythm of rows, whose lengths are even.
        constants[step] = np.array([int(np.prod(shape)) // SAMPLED_VALUES | 1], np.int64)
        slicing = [flat, "observed::start", "observed::end", "observed::start", step]
        graph.node.extend(
            [
                helper.make_node("ReduceMin", [name], [f"{name}::low"], keepdims=0),
                helper.make_node("ReduceMax", [name], [f"{name}::high"], keepdims=0),
                helper.make_node("Reshape", [name, "observed::flat"], [flat]),
                helper.make_node("Slice", slicing, [f"{name}::values"]),
            ]
        )
        graph.output.extend(
            helper.make_empty_tensor_value_info(f"{name}::{kind}")
            for kind in ("low", "high", "values")
        )
    graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises several types of its own
        raise ExportError(
            "The graph cannot be run for calibration",
            where=path,
            got=str(error).splitlines()[0],
            remedy="check that it runs: lp-pack verify of a bundle in fp32",
        ) from error
