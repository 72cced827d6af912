"""Where in a graph a lower precision goes wrong: the error of each layer, and its spectrum.

Both graphs are run with the outputs of their convolutions and matrix products laid open, on a
recorded input. A layer is compared where both graphs call its output by the same name and give it
the same shape. That holds for variants that were made from one another, and for the decoder of
int8, which starts from an export without transforms along depth (docs/decisions/0070).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from lp_runtime.bundle import Bundle
from lp_runtime.golden import read_golden
from lp_runtime.manifest import GraphFile

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "QLinearConv"})
# Shares of the error's energy below an eighth, up to a quarter, and beyond, in cycles a pixel.
BAND_EDGES = (0.125, 0.25)
# So many layers at a time are laid open: all at once would hold every picture in memory.
AT_ONCE = 8
IDENTICAL_DB = 120.0


@dataclass(frozen=True)
class LayerError:
    """One layer of one graph."""

    layer: str
    operator: str
    # Signal to noise, decibels.
    decibels: float
    # Low, middle and high frequencies of the error over the picture; None for other shapes.
    spectrum: tuple[float, float, float] | None


@dataclass(frozen=True)
class GraphErrors:
    """All layers that two variants of a graph share, in order."""

    graph: str
    variant: str
    layers: tuple[LayerError, ...]


def layer_errors(bundle: Bundle, graph: str) -> tuple[GraphErrors, ...]:
    """Every ONNX variant of `graph` against fp32, on the first recorded input.

    Empty where the bundle has no fp32 variant or no recorded input of the graph. Raises BundleError
    when golden data or a graph is damaged.
    """
    variants = {
        variant.precision: variant.graphs[graph]
        for variant in bundle.manifest.variants
        if variant.target == "onnx" and graph in variant.graphs
    }
    feeds = _recorded_inputs(bundle, graph)
    if "fp32" not in variants or feeds is None:
        return ()
    reference = variants.pop("fp32")
    return tuple(
        GraphErrors(graph, f"onnx {precision}", _compare(bundle, reference, other, feeds))
        for precision, other in variants.items()
    )


def spectrum(error: np.ndarray) -> tuple[float, float, float] | None:
    """Shares of the energy in low, middle and high frequencies of (..., height, width)."""
    if error.ndim < 2 or min(error.shape[-2:]) < 8:
        return None
    energy = np.abs(np.fft.fft2(error.astype(np.float64))) ** 2
    energy = energy.reshape(-1, *energy.shape[-2:]).sum(axis=0)
    rows, columns = (np.fft.fftfreq(size)[:, None] for size in energy.shape)
    radius = np.hypot(rows, columns.T)
    total = energy.sum()
    if total == 0:
        return None
    low = energy[radius < BAND_EDGES[0]].sum() / total
    high = energy[radius >= BAND_EDGES[1]].sum() / total
    return float(low), float(1 - low - high), float(high)


def _recorded_inputs(bundle: Bundle, graph: str) -> dict[str, np.ndarray] | None:
    case = next((one for one in bundle.manifest.golden if one.graph == graph), None)
    step = next(one for one in bundle.manifest.pipeline.steps if one.graph == graph)
    if case is None:
        return None
    recorded = read_golden(bundle, case).inputs
    if not set(step.inputs.values()) <= set(recorded):
        return None
    return {tensor: recorded[value][0] for tensor, value in step.inputs.items()}


def _compare(
    bundle: Bundle, reference: GraphFile, other: GraphFile, feeds: Mapping[str, np.ndarray]
) -> tuple[LayerError, ...]:
    paths = [bundle.graph_path(one) for one in (reference, other)]
    models = [onnx.load(path) for path in paths]
    made = [{node.output[0]: node.op_type for node in model.graph.node} for model in models]
    shared = [
        name
        for name, operator in made[0].items()
        if operator in LAYERS and made[1].get(name) in LAYERS
    ]
    errors = []
    for start in range(0, len(shared), AT_ONCE):
        names = shared[start : start + AT_ONCE]
        expected, got = (
            _run(model, path, names, feeds) for model, path in zip(models, paths, strict=True)
        )
        errors += [
            _error(name, made[0][name], before, after)
            for name, before, after in zip(names, expected, got, strict=True)
            if before.shape == after.shape
        ]
    return tuple(errors)


def _run(
    model: onnx.ModelProto, path: Path, names: Sequence[str], feeds: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    present = {output.name for output in opened.graph.output}
    opened.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in names if name not in present
    )
    types = {
        one.name: helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)
        for one in opened.graph.input
    }
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Fusions would take the outputs of single layers away.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        opened.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    typed = {name: array.astype(types[name]) for name, array in feeds.items()}
    return [np.asarray(array, np.float32) for array in session.run(list(names), typed)]


def _error(name: str, operator: str, expected: np.ndarray, got: np.ndarray) -> LayerError:
    error = got - expected
    signal, noise = float(np.square(expected).mean()), float(np.square(error).mean())
    floor = signal * 10 ** (-IDENTICAL_DB / 10)
    decibels = 10 * np.log10(signal / max(noise, floor)) if signal > 0 else IDENTICAL_DB
    return LayerError(name, operator, float(decibels), spectrum(error))
