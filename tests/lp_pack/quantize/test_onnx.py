"""ONNX graphs in eight bits: the arithmetic, where the roundings stand, and what they cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from export_networks import tiny_graphs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx_programs import operators, program, run

from lp_pack.errors import ConfigError, ExportError
from lp_pack.export.onnx import export_onnx, infer_shapes, save
from lp_pack.export.onnx_graph import load
from lp_pack.quantize.calibration import CalibrationSet, write_calibration
from lp_pack.quantize.onnx import compress, packing, qdq
from lp_pack.quantize.onnx.arithmetic import (
    affine,
    best_affine,
    dequantize_channels,
    quantize_channels,
)
from lp_pack.quantize.onnx.narrow_constants import quantize_along_best_axis
from lp_pack.quantize.onnx.observed_ranges import observe
from lp_pack.quantize.recipes import recipe_for
from lp_pack.simplify import simplify
from lp_runtime.metrics import psnr_db

NUMBERS = st.floats(-1e4, 1e4, width=32)


@given(arrays.arrays(np.float32, st.integers(1, 40), elements=NUMBERS))
def test_rounding_in_a_range_that_holds_all_is_off_by_half_a_step_at_most(
    values: np.ndarray,
) -> None:
    chosen = affine(float(values.min()), float(values.max()))
    error = np.abs(chosen.dequantize(chosen.quantize(values)) - values)
    # The zero point is rounded as well, which may cut half a step off an end.
    assert (error <= 1.001 * chosen.scale + 1e-30).all()


@given(st.floats(-1e4, 1e4, width=32), st.floats(-1e4, 1e4, width=32))
def test_zero_is_always_exact(low: float, high: float) -> None:
    chosen = affine(min(low, high), max(low, high))
    zero = np.zeros(1, np.float32)
    assert chosen.dequantize(chosen.quantize(zero)) == zero


def test_a_map_without_negative_numbers_keeps_its_zero_point_at_zero() -> None:
    values = np.abs(np.random.default_rng(0).standard_normal(1000)).astype(np.float32)
    assert best_affine(values, 0.0, 50.0).zero_point == 0


def test_an_outlier_is_clipped_where_that_pays() -> None:
    values = np.random.default_rng(0).standard_normal(10000).astype(np.float32)
    assert best_affine(values, -4.0, 9.0).scale < affine(-4.0, 9.0).scale


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=NUMBERS),
    st.sampled_from((4, 6, 8)),
)
def test_channels_are_symmetric_and_rounded_to_half_a_step(weight: np.ndarray, bits: int) -> None:
    integers, scales = quantize_channels(weight, bits)
    highest = 2 ** (bits - 1) - 1
    assert integers.dtype == np.int8
    assert np.abs(integers.astype(int)).max() <= highest
    inside = np.abs(weight) <= scales[:, None] * highest
    error = np.abs(dequantize_channels(integers, scales) - weight)
    assert (error[inside] <= (0.501 * scales[:, None] + 1e-30 + 0 * weight)[inside]).all()


def test_the_axis_whose_scales_differ_is_chosen() -> None:
    random = np.random.default_rng(0)
    columns = np.logspace(-3, 3, 8, dtype=np.float32)
    integers, scales = quantize_along_best_axis(
        random.standard_normal((400, 8)).astype(np.float32) * columns, 8
    )
    assert integers.shape == (400, 8)
    assert scales.shape == (1, 8)


@given(st.lists(st.integers(-31, 31), min_size=1, max_size=12).map(lambda group: group * 4))
def test_packed_numbers_come_back(numbers: list[int]) -> None:
    integers = np.array(numbers, np.int8).reshape(4, -1)
    packed = packing.pack(integers)
    assert packed.nbytes * 4 == integers.nbytes * 3
    np.testing.assert_array_equal(packing.unpack(packed, integers.shape), integers)


def test_a_graph_unpacks_what_was_packed() -> None:
    model = program("agraph (int8[31,4] x) => (int8[31,4] y) { y = Identity(x) }", opset=13)
    integers = np.arange(-62, 62).reshape(31, 4).astype(np.int8) // 2
    (reader,) = model.graph
    reader.replace_input_with(0, packing.packed_constant(model, integers, "kernel"))
    (result,) = run(model, {"x": integers}).values()
    np.testing.assert_array_equal(result, integers)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the simplified float32 graph of the tiny generator."""
    path = tmp_path_factory.mktemp("source") / "generator.onnx"
    export_onnx(tiny_graphs()["generator"], path, "generator")  # type: ignore[arg-type]
    model = load(path)
    simplify(model)
    infer_shapes(model, "generator")
    save(model, path, "generator")
    return path


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> CalibrationSet:
    rest = tiny_graphs()["generator"].example_inputs()[0].numpy()  # type: ignore[operator]
    moved = 0.02 * np.random.default_rng(0).standard_normal((4, *rest.shape))
    keypoints = (rest + moved).astype(np.float32)
    folder = tmp_path_factory.mktemp("calibration")
    return write_calibration(folder, {"generator": {"keypoints": keypoints}}, "test", 0)


def frames(path: Path, calibration: CalibrationSet) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, dict(one))[0] for one in calibration.of("generator")])


def test_int8_draws_the_same_frame_from_a_smaller_file(
    source: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    small = tmp_path / "small.onnx"
    done = compress(source, small, recipe_for("onnx", "int8"), calibration, "generator")
    assert small.stat().st_size < 0.6 * source.stat().st_size
    assert psnr_db(frames(source, calibration), frames(small, calibration)).min() > 35
    assert done.recipe == "onnx-int8"
    assert done.calibration == calibration.record()


def test_the_engine_really_runs_integer_convolutions(
    source: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    small = tmp_path / "small.onnx"
    compress(source, small, recipe_for("onnx", "int8"), calibration, "generator")
    options = onnxruntime.SessionOptions()
    optimized = tmp_path / "optimized.onnx"
    options.optimized_model_filepath = str(optimized)
    onnxruntime.InferenceSession(small, options, providers=["CPUExecutionProvider"])
    wanted = sum(name.endswith("weight.integers") for name in load(small).graph.initializers)
    assert operators(ir.load(optimized)).count("QLinearConv") == wanted > 10


def test_packed_kernels_run_in_integers_too(
    source: Path, calibration: CalibrationSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qdq, "PACKED_ABOVE", 2000)
    small = tmp_path / "small.onnx"
    compress(source, small, recipe_for("onnx", "int8"), calibration, "generator")
    names = list(load(small).graph.initializers)
    packed = sum(name.endswith("weight.packed") for name in names)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(small, options, providers=["CPUExecutionProvider"])
    ran = operators(ir.load(tmp_path / "optimized.onnx")).count("QLinearConv")
    assert ran == packed + sum(name.endswith("weight.integers") for name in names)
    assert packed > 5
    assert psnr_db(frames(source, calibration), frames(small, calibration)).min() > 25


def test_w8_needs_no_calibration_and_keeps_the_operators(source: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.onnx"
    done = compress(source, small, recipe_for("onnx", "w8"), None, "generator")
    assert small.stat().st_size < 0.6 * source.stat().st_size
    assert done.calibration is None
    assert not {"QuantizeLinear", "DequantizeLinear"} & set(operators(load(small)))


def test_names_types_and_shapes_stay_and_so_do_the_bytes(
    source: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    written = []
    for name in ("a.onnx", "b.onnx"):
        compress(source, tmp_path / name, recipe_for("onnx", "int8"), calibration, "generator")
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    before, after = load(source).graph, load(tmp_path / "a.onnx").graph
    for one, other in zip(
        [*before.inputs, *before.outputs], [*after.inputs, *after.outputs], strict=True
    ):
        assert (one.name, one.dtype, one.shape) == (other.name, other.dtype, other.shape)


def test_an_override_keeps_a_layer_wide(
    source: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    def kernels(path: Path) -> list[str]:
        return [name for name in load(path).graph.initializers if name.endswith("weight.integers")]

    whole = tmp_path / "whole.onnx"
    compress(source, whole, recipe_for("onnx", "int8"), calibration, "generator")
    layer = kernels(whole)[0].removesuffix(".weight.integers")
    mixed = recipe_for("onnx", "int8").with_overrides("mixed", {"generator": {layer: "fp32"}})
    done = compress(source, tmp_path / "mixed.onnx", mixed, calibration, "generator")
    assert kernels(tmp_path / "mixed.onnx") == kernels(whole)[1:]
    assert done.recipe == "mixed"


def test_an_override_of_an_unknown_layer_is_refused(
    source: Path, calibration: CalibrationSet, tmp_path: Path
) -> None:
    mixed = recipe_for("onnx", "int8").with_overrides("mixed", {"generator": {"conv9": "fp32"}})
    with pytest.raises(ConfigError, match="conv9"):
        compress(source, tmp_path / "mixed.onnx", mixed, calibration, "generator")
    assert not (tmp_path / "mixed.onnx").exists()


def test_a_graph_that_gives_nan_on_a_sample_is_refused(tmp_path: Path) -> None:
    model = program("agraph (float[2] x) => (float[2] y) { y = Log(x) }")
    save(model, tmp_path / "log.onnx", "log")
    samples = [{"x": np.array([1, sign], np.float32)} for sign in (1, -1)]
    with pytest.raises(ExportError, match="tensor 'y', sample 1"):
        observe(tmp_path / "log.onnx", {"y": (2,)}, samples)
