"""LiteRT graphs for the tiny bundle, written as flatbuffers: the formulas of tiny_bundle.py.

Each file has one signature. It lists the tensors backwards, so that only a runtime that goes by
their names plays the bundle right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import msgspec
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tiny_bundle import EMOTIONS, FRAME_SIZE, MEMORY_SIZE, SAMPLES, WEIGHTS, TinyBundle, record

OPERATORS = schema.BuiltinOperator
OPTIONS = schema.BuiltinOptions


class _Graph:
    """A subgraph under construction; tensors are known by name."""

    def __init__(self) -> None:
        self.model = schema.ModelT(version=3)
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.subgraph = schema.SubGraphT(tensors=[], operators=[], name="main")
        self.model.subgraphs = [self.subgraph]
        self.names: dict[str, int] = {}

    def tensor(self, name: str, shape: tuple[int, ...]) -> None:
        self._add(name, shape, schema.TensorType.FLOAT32, 0)

    def constant(self, name: str, values: np.ndarray) -> None:
        kind = schema.TensorType.INT32 if values.dtype == np.int32 else schema.TensorType.FLOAT32
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        self._add(name, values.shape, kind, len(self.model.buffers) - 1)

    def _add(self, name: str, shape: tuple[int, ...], kind: int, buffer: int) -> None:
        self.names[name] = len(self.subgraph.tensors)
        self.subgraph.tensors.append(
            schema.TensorT(
                shape=np.array(shape, np.int32), type=kind, buffer=buffer, name=name, hasRank=True
            )
        )

    def run(self, code: int, inputs: tuple[str, ...], output: str, options: Any = None) -> None:
        """Append an operator; `options` are an object like schema.AddOptionsT."""
        kind = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        self.model.operatorCodes.append(
            schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code)
        )
        self.subgraph.operators.append(
            schema.OperatorT(
                opcodeIndex=len(self.model.operatorCodes) - 1,
                inputs=np.array([self.names[name] for name in inputs], np.int32),
                outputs=np.array([self.names[output]], np.int32),
                builtinOptionsType=getattr(OPTIONS, kind),
                builtinOptions=options,
            )
        )

    def product(self, value: str, weights: str, output: str) -> None:
        """output = value @ WEIGHTS[weights]."""
        self.constant(f"weights of {output}", np.ascontiguousarray(WEIGHTS[weights].T))
        inputs = (value, f"weights of {output}")
        self.run(OPERATORS.FULLY_CONNECTED, inputs, output, schema.FullyConnectedOptionsT())

    def write(self, path: Path, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self.subgraph.inputs = np.array([self.names[name] for name in inputs], np.int32)
        self.subgraph.outputs = np.array([self.names[name] for name in outputs], np.int32)

        def entries(names: tuple[str, ...]) -> list[Any]:
            return [schema.TensorMapT(name, self.names[name]) for name in reversed(names)]

        self.model.signatureDefs = [
            schema.SignatureDefT(
                inputs=entries(inputs), outputs=entries(outputs), signatureKey="serving_default"
            )
        ]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))


def _audio2motion(path: Path) -> None:
    graph = _Graph()
    graph.tensor("pcm", (1, SAMPLES))
    graph.tensor("emotion", (1, len(EMOTIONS)))
    graph.tensor("memory", (1, MEMORY_SIZE))
    for name in ("heard", "felt", "kept", "moved", "sum", "next_memory"):
        graph.tensor(name, (1, MEMORY_SIZE))
    graph.tensor("motion", (1, 70))
    graph.product("pcm", "pcm", "heard")
    graph.product("emotion", "emotion", "felt")
    graph.product("memory", "memory", "kept")
    graph.run(OPERATORS.ADD, ("heard", "felt"), "moved", schema.AddOptionsT())
    graph.run(OPERATORS.ADD, ("moved", "kept"), "sum", schema.AddOptionsT())
    graph.run(OPERATORS.TANH, ("sum",), "next_memory")
    graph.product("next_memory", "motion", "motion")
    graph.write(path, ("pcm", "emotion", "memory"), ("motion", "next_memory"))


def _stitching(path: Path) -> None:
    graph = _Graph()
    for name in ("motion", "reference_motion", "relative"):
        graph.tensor(name, (1, 70))
    graph.tensor("expression", (1, 63))
    graph.tensor("keypoints", (1, 21, 3))
    graph.constant("begin", np.array([0, 0], np.int32))
    graph.constant("size", np.array([1, 63], np.int32))
    graph.run(OPERATORS.SUB, ("motion", "reference_motion"), "relative", schema.SubOptionsT())
    graph.run(OPERATORS.SLICE, ("relative", "begin", "size"), "expression", schema.SliceOptionsT())
    graph.run(
        OPERATORS.RESHAPE,
        ("expression",),
        "keypoints",
        schema.ReshapeOptionsT(newShape=np.array([1, 21, 3], np.int32)),
    )
    graph.write(path, ("motion", "reference_motion"), ("keypoints",))


def _generator(path: Path) -> None:
    graph = _Graph()
    pixels = 3 * FRAME_SIZE * FRAME_SIZE
    graph.tensor("keypoints", (1, 21, 3))
    graph.tensor("flat", (1, 63))
    graph.tensor("logits", (1, pixels))
    graph.tensor("pixels", (1, pixels))
    graph.tensor("frame", (1, 3, FRAME_SIZE, FRAME_SIZE))

    def reshape(value: str, output: str, shape: tuple[int, ...]) -> None:
        options = schema.ReshapeOptionsT(newShape=np.array(shape, np.int32))
        graph.run(OPERATORS.RESHAPE, (value,), output, options)

    reshape("keypoints", "flat", (1, 63))
    graph.product("flat", "frame", "logits")
    graph.run(OPERATORS.LOGISTIC, ("logits",), "pixels")
    reshape("pixels", "frame", (1, 3, FRAME_SIZE, FRAME_SIZE))
    graph.write(path, ("keypoints",), ("frame",))


def add_tflite_variant(bundle: TinyBundle, replace: bool = False) -> TinyBundle:
    """Write the graphs into the bundle and list them first, as fp32 of the target "tflite".

    With `replace` it becomes the bundle's only variant.
    """
    folder = bundle.path / "graphs" / "tflite" / "fp32"
    folder.mkdir(parents=True)
    writers = {"audio2motion": _audio2motion, "stitching": _stitching, "generator": _generator}

    def change(data: dict) -> None:
        onnx = next(v for v in data["variants"] if v["precision"] == "fp32")
        graphs = {}
        for name, write in writers.items():
            file = folder / f"{name}.tflite"
            write(file)
            entry = msgspec.to_builtins(record(bundle.path, file))
            listed = {key: onnx["graphs"][name][key] for key in ("inputs", "outputs")}
            graphs[name] = {"path": entry["path"], "files": [entry], "operators": {}, **listed}
        variant = {"target": "tflite", "precision": "fp32", "graphs": graphs}
        data["variants"] = [variant] if replace else [variant, *data["variants"]]
        figures = [{**f, "target": "tflite"} for f in data["parity"] if f["precision"] == "fp32"]
        data["parity"] = figures if replace else [*figures, *data["parity"]]

    return bundle.rewrite(change)
