"""Small ONNX programs as text, and a way to run them, for the tests of passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
from onnx_ir.passes import common

Apply = Callable[[ir.Model], object]


def program(text: str, opset: int = 18) -> ir.Model:
    """Parse ONNX's text form of a graph: `agraph (float[2] x) => (float[2] y) { y = Relu(x) }`."""
    header = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    model = ir.from_proto(onnx.parser.parse_model(header + text))
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    common.ShapeInferencePass()(model)
    return model


def operators(model: ir.Model) -> list[str]:
    """Operator types in graph order."""
    return [node.op_type for node in model.graph]


def run(model: ir.Model, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name, from ONNX Runtime without its own rewrites."""
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def random_feeds(model: ir.Model, seed: int = 0) -> dict[str, np.ndarray]:
    """Normal numbers for every float input, small whole numbers for the others."""
    random = np.random.default_rng(seed)
    feeds = {}
    for value in model.graph.inputs:
        assert value.shape is not None
        assert value.dtype is not None
        numbers = random.standard_normal(tuple(value.shape.numpy()))
        whole = value.dtype in (ir.DataType.INT32, ir.DataType.INT64)
        feeds[str(value.name)] = (np.rint(3 * numbers) if whole else numbers).astype(
            value.dtype.numpy()
        )
    return feeds


def apply_and_compare(model: ir.Model, apply: Apply, tolerance: float = 1e-6) -> int:
    """Apply a pass, assert that names and results of all outputs stay; returns its changes."""
    feeds = random_feeds(model)
    before = run(model, feeds)
    changes = apply(model)
    after = run(model, feeds)
    assert list(before) == list(after)
    for name, expected in before.items():
        assert after[name].dtype == expected.dtype
        np.testing.assert_allclose(after[name], expected, rtol=tolerance, atol=tolerance)
    assert isinstance(changes, int)
    return changes
