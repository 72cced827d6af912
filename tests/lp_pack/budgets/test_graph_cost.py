"""Arithmetic and traffic of single operators, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lp_pack.budgets.graph_cost import GraphCost, graph_cost
from lp_pack.errors import LpPackError

FLOAT_BYTES = 4


def cost_of(
    folder: Path,
    node: onnx.NodeProto,
    inputs: dict[str, tuple[int | str, ...]],
    constants: dict[str, np.ndarray] | None = None,
) -> GraphCost:
    """The cost of a graph with one operator that makes "y"."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in (constants or {}).items()],
    )
    path = folder / "one.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    return graph_cost(path)


def test_a_convolution_multiplies_every_weight_at_every_place(tmp_path: Path) -> None:
    weights = np.zeros((8, 2, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=2, pads=[1, 1, 1, 1])
    cost = cost_of(tmp_path, node, {"x": (1, 4, 10, 10)}, {"w": weights})
    assert cost.gflop == pytest.approx(2 * 8 * 100 * 2 * 9 / 1e9)
    assert cost.megabytes == pytest.approx(FLOAT_BYTES * (400 + 144 + 800) / 1e6)


def test_a_matrix_product_counts_a_multiply_add_as_two(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    cost = cost_of(tmp_path, node, {"a": (5, 7), "b": (7, 11)})
    assert cost.gflop == pytest.approx(2 * 5 * 7 * 11 / 1e9)


def test_a_transposed_gemm_sums_over_the_other_axis(tmp_path: Path) -> None:
    node = helper.make_node("Gemm", ["a", "b"], ["y"], transA=1)
    cost = cost_of(tmp_path, node, {"a": (7, 5), "b": (7, 11)})
    assert cost.gflop == pytest.approx(2 * 5 * 7 * 11 / 1e9)


def test_a_new_shape_costs_nothing(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    cost = cost_of(tmp_path, node, {"x": (4, 6)}, {"shape": np.array([24])})
    assert (cost.gflop, cost.megabytes) == (0, 0)


def test_moving_numbers_is_traffic_without_arithmetic(tmp_path: Path) -> None:
    node = helper.make_node("Transpose", ["x"], ["y"])
    cost = cost_of(tmp_path, node, {"x": (4, 6)})
    assert cost.gflop == 0
    assert cost.megabytes == pytest.approx(2 * FLOAT_BYTES * 24 / 1e6)


def test_a_look_up_reads_its_rows_and_not_the_whole_table(tmp_path: Path) -> None:
    node = helper.make_node("Gather", ["table", "rows"], ["y"])
    constants = {
        "table": np.zeros((1000, 3), np.float32),
        "rows": np.array([1, 2], np.int64),
        "unused": np.zeros(1, np.float32),
    }
    cost = cost_of(tmp_path, node, {"x": (1,)}, constants)
    assert cost.megabytes == pytest.approx((2 * FLOAT_BYTES * 6 + 16) / 1e6)


def test_operators_are_summed_by_type_with_the_heaviest_first(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    assert list(cost_of(tmp_path, node, {"x": (2, 3)}).by_type()) == ["Relu"]


def test_a_free_axis_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    with pytest.raises(LpPackError, match="not fixed"):
        cost_of(tmp_path, node, {"x": ("batch", 3)})


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(LpPackError, match=r"noise\.onnx"):
        graph_cost(path)
