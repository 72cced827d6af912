"""Engines: which runs what, and what ONNX Runtime's refusals become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tiny_bundle import TinyBundle, record

from lp_runtime import Bundle, EngineError
from lp_runtime.engines import EngineOptions, engine_for, runnable_targets
from lp_runtime.manifest import GraphFile, TensorSpec

GRAPH = "graphs/onnx/fp32/generator.onnx"


def graph_file(path: Path, **changes: object) -> GraphFile:
    spec = {
        "path": path.name,
        "files": (record(path.parent, path),),
        "inputs": (TensorSpec(name="x", dtype="float32", shape=(1, 2)),),
        "outputs": (TensorSpec(name="y", dtype="float32", shape=(1, 2)),),
        "operators": {},
        "opset": 13,
    }
    return GraphFile(**(spec | changes))


def write_graph(path: Path, operator: str = "Neg", domain: str = "", opset: int = 13) -> Path:
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], domain=domain)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
    )
    opsets = [helper.make_opsetid("", opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize(
    "options",
    [EngineOptions(), EngineOptions(threads=1), EngineOptions(threads=2, low_memory=True)],
)
def test_a_graph_runs_with_every_option(tmp_path: Path, options: EngineOptions) -> None:
    path = write_graph(tmp_path / "g.onnx")
    graph = engine_for("onnx").load(path, graph_file(path), options)
    outputs = graph.run({"x": np.array([[1, 2]], np.float32)})
    np.testing.assert_array_equal(outputs["y"], [[-1, -2]])


def test_every_run_returns_memory_of_its_own(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "g.onnx", "Identity")
    graph = engine_for("onnx").load(path, graph_file(path), EngineOptions(threads=1))
    given = np.array([[1, 2]], np.float32)
    first = graph.run({"x": given})["y"]
    given[:] = 9
    second = graph.run({"x": given})["y"]
    np.testing.assert_array_equal(first, [[1, 2]])
    second[:] = 5
    np.testing.assert_array_equal(given, [[9, 9]])


def test_the_engine_names_its_version() -> None:
    assert engine_for("onnx").version().startswith("onnxruntime ")
    assert "onnx" in runnable_targets()


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"inputs": (TensorSpec(name="z", dtype="float32", shape=(1, 2)),)}, "x: float32"),
        ({"inputs": (TensorSpec(name="x", dtype="float16", shape=(1, 2)),)}, "x: float32"),
        (
            {"outputs": (TensorSpec(name="y", dtype="float32", shape=(1, 3)),)},
            r"y: float32 \[1, 2\]",
        ),
        ({"outputs": ()}, "y: float32"),
    ],
)
def test_tensors_other_than_the_manifests_are_refused(
    tmp_path: Path, changes: dict, got: str
) -> None:
    path = write_graph(tmp_path / "g.onnx")
    with pytest.raises(EngineError, match=rf"not those that the manifest lists(.|\n)*got: +{got}"):
        engine_for("onnx").load(path, graph_file(path, **changes), EngineOptions(threads=1))


@pytest.mark.parametrize(
    ("operator", "domain", "opset"),
    [("Mumble", "", 13), ("Neg", "com.example", 13), ("Neg", "", 99)],
)
def test_a_graph_that_onnx_runtime_refuses_is_named(
    tmp_path: Path, operator: str, domain: str, opset: int
) -> None:
    path = write_graph(tmp_path / "g.onnx", operator, domain, opset)
    with pytest.raises(EngineError, match=r"cannot load a graph(.|\n)*g\.onnx(.|\n)*onnxruntime"):
        engine_for("onnx").load(path, graph_file(path), EngineOptions(threads=1))


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a graph"])
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="cannot load a graph"):
        engine_for("onnx").load(path, graph_file(path), EngineOptions(threads=1))


def test_weights_outside_the_bundle_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(np.arange(2, dtype=np.float32).tobytes())
    folder = tmp_path / "bundle"
    folder.mkdir()
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 2])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "g.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match="cannot load a graph"):
        engine_for("onnx").load(path, graph_file(path), EngineOptions(threads=1))


def test_a_wrong_feed_becomes_an_engine_error(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "g.onnx")
    graph = engine_for("onnx").load(path, graph_file(path), EngineOptions(threads=1))
    with pytest.raises(EngineError, match="failed while running"):
        graph.run({"x": np.zeros((3, 3), np.float32)})


def test_a_bundle_whose_graph_is_another_is_refused(tiny: TinyBundle) -> None:
    write_graph(tiny.path / GRAPH)
    new = record(tiny.path, tiny.path / GRAPH)

    def change(data: dict) -> None:
        files = data["variants"][0]["graphs"]["generator"]["files"]
        files[0].update(sha256=new.sha256, bytes=new.bytes)

    tiny.rewrite(change)
    with pytest.raises(EngineError, match="not those that the manifest lists"):
        Bundle.open(tiny.path).session(precision="fp32")
