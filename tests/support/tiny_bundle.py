"""Builds a tiny but real bundle: three ONNX graphs of a few kilobytes, golden data and assets.

The graphs have the structure of a persona (state, look-ahead, reference, frame) and simple
formulas, so that a test can compute what must come out:

    next_memory = tanh(pcm @ PCM + emotion @ EMOTION + memory @ MEMORY)
    motion      = next_memory @ MOTION
    keypoints   = (motion - reference_motion)[:63] as 21 x 3
    frame       = sigmoid(keypoints @ FRAME) as 3 x 16 x 16
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from lp_runtime import manifest as schema

SAMPLES = 640
MEMORY_SIZE = 4
FRAME_SIZE = 16
LOOK_AHEAD = 2
EMOTIONS = ("angry", "contented", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
NEUTRAL = tuple(float(name == "neutral") for name in EMOTIONS)
PORTRAIT_SIZE = (40, 48)
ONNX_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}


def _weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    shapes = {
        "pcm": (SAMPLES, MEMORY_SIZE),
        "emotion": (len(EMOTIONS), MEMORY_SIZE),
        "memory": (MEMORY_SIZE, MEMORY_SIZE),
        "motion": (MEMORY_SIZE, 70),
        "frame": (63, 3 * FRAME_SIZE * FRAME_SIZE),
    }
    return {
        name: (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        for name, shape in shapes.items()
    }


WEIGHTS = _weights()


def reference_motion_of(
    pcm: np.ndarray, memory: np.ndarray, emotion: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What audio2motion must return: motion (1, 70) and the next memory (1, 4)."""
    memory = np.tanh(
        pcm @ WEIGHTS["pcm"] + emotion @ WEIGHTS["emotion"] + memory @ WEIGHTS["memory"]
    )
    return memory @ WEIGHTS["motion"], memory


def reference_keypoints(motion: np.ndarray, reference_motion: np.ndarray) -> np.ndarray:
    """What stitching must return: (1, 21, 3)."""
    return (motion - reference_motion)[:, :63].reshape(1, 21, 3)


def reference_frame(keypoints: np.ndarray) -> np.ndarray:
    """What the generator must return: (1, 3, 16, 16)."""
    pixels = 1 / (1 + np.exp(-(keypoints.reshape(1, 63) @ WEIGHTS["frame"])))
    return pixels.reshape(1, 3, FRAME_SIZE, FRAME_SIZE).astype(np.float32)


@dataclass(frozen=True)
class TinyBundle:
    """A bundle that a test may spoil: `rewrite` edits the manifest as plain JSON data."""

    path: Path

    def rewrite(self, change: Callable[[dict], None]) -> TinyBundle:
        """Apply `change` to the decoded manifest and write it back."""
        file = self.path / "manifest.json"
        data = msgspec.json.decode(file.read_bytes())
        change(data)
        file.write_bytes(msgspec.json.encode(data))
        return self


def build_tiny_bundle(
    path: Path, precisions: tuple[str, ...] = ("fp32",), look_ahead_frames: int = LOOK_AHEAD
) -> TinyBundle:
    """Write the bundle into the new folder `path`. "fp16" graphs have half-precision tensors."""
    variants = []
    for precision in precisions:
        folder = path / "graphs" / "onnx" / precision
        folder.mkdir(parents=True)
        dtype = "float16" if precision == "fp16" else "float32"
        graphs = {
            model.graph.name: _write_graph(path, folder / f"{model.graph.name}.onnx", model, dtype)
            for model in (_audio2motion(dtype), _stitching(dtype), _generator(dtype))
        }
        variants.append(schema.Variant(target="onnx", precision=precision, graphs=graphs))
    assets, paste_back = _assets(path)
    licence = path / "LICENSES" / "test.txt"
    licence.parent.mkdir()
    licence.write_text("Made by a test.\n")
    manifest = schema.Manifest(
        schema_version=schema.SCHEMA_VERSION,
        name="tiny",
        tier="lite",
        trained=False,
        notes=("A test's bundle: the pictures mean nothing.",),
        pipeline=tiny_pipeline(look_ahead_frames),
        variants=tuple(variants),
        paste_back=paste_back,
        assets=assets,
        golden=_golden(path),
        thresholds=_thresholds(),
        parity=_parity(precisions),
        provenance=schema.Provenance(inputs={}, versions={"onnx": onnx.__version__}, options={}),
        licences=(schema.Licence(subject="test", spdx="CC0-1.0", file="LICENSES/test.txt"),),
    )
    (path / "manifest.json").write_bytes(schema.encode(manifest))
    return TinyBundle(path)


def record(root: Path, file: Path) -> schema.FileRecord:
    """The manifest's entry for a file as it is now."""
    content = file.read_bytes()
    return schema.FileRecord(
        path=file.relative_to(root).as_posix(),
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )


def tiny_pipeline(look_ahead_frames: int = LOOK_AHEAD) -> schema.Pipeline:
    """How the three graphs connect."""
    return schema.Pipeline(
        frame_rate=25.0,
        sample_rate=16_000,
        samples_per_frame=SAMPLES,
        look_ahead_frames=look_ahead_frames,
        frame=schema.FrameFormat(value="frame", width=FRAME_SIZE, height=FRAME_SIZE),
        inputs=(
            schema.PipelineInput(
                name="pcm",
                dtype="float32",
                shape=(1, SAMPLES),
                kind="audio",
                description="16 kHz mono sound, one frame",
            ),
            schema.PipelineInput(
                name="emotion",
                dtype="float32",
                shape=(1, len(EMOTIONS)),
                kind="control",
                description="weight of each emotion",
                default=NEUTRAL,
                labels=EMOTIONS,
            ),
            schema.PipelineInput(
                name="reference_motion",
                dtype="float32",
                shape=(1, 70),
                kind="reference",
                description="motion that leaves the portrait as it is",
                default=(0.0,),
            ),
        ),
        states=(
            schema.State(
                value="memory", next_value="next_memory", dtype="float32", shape=(1, MEMORY_SIZE)
            ),
        ),
        steps=(
            schema.Step(
                graph="audio2motion",
                inputs={"pcm": "pcm", "emotion": "emotion", "memory": "memory"},
                outputs={"motion": "motion", "next_memory": "next_memory"},
            ),
            schema.Step(
                graph="stitching",
                inputs={"motion": "motion", "reference_motion": "reference_motion"},
                outputs={"keypoints": "keypoints"},
            ),
            schema.Step(
                graph="generator", inputs={"keypoints": "keypoints"}, outputs={"frame": "frame"}
            ),
        ),
        motion=(
            schema.MotionPart(name="exp", start=0, stop=63, unit="model units"),
            schema.MotionPart(name="scale", start=63, stop=64, unit="ratio"),
            schema.MotionPart(name="t", start=64, stop=67, unit="model units"),
            schema.MotionPart(name="pitch", start=67, stop=68, unit="degrees"),
            schema.MotionPart(name="yaw", start=68, stop=69, unit="degrees"),
            schema.MotionPart(name="roll", start=69, stop=70, unit="degrees"),
        ),
        keypoint_groups={"lips": (6, 12, 14, 17, 19, 20), "eyes": (11, 13, 15, 16, 18)},
    )


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    layout: str = ""


def _model(
    name: str,
    dtype: str,
    inputs: tuple[_Tensor, ...],
    outputs: tuple[_Tensor, ...],
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    def infos(tensors: tuple[_Tensor, ...]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(t.name, ONNX_TYPES[dtype], list(t.shape)) for t in tensors
        ]

    initializers = [
        numpy_helper.from_array(v.astype(dtype) if v.dtype.kind == "f" else v, k)
        for k, v in constants.items()
    ]
    graph = helper.make_graph(nodes, name, infos(inputs), infos(outputs), initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def _audio2motion(dtype: str) -> onnx.ModelProto:
    node = helper.make_node
    nodes = [
        node("MatMul", ["pcm", "PCM"], ["heard"]),
        node("MatMul", ["emotion", "EMOTION"], ["felt"]),
        node("MatMul", ["memory", "MEMORY"], ["kept"]),
        node("Add", ["heard", "felt"], ["moved"]),
        node("Add", ["moved", "kept"], ["sum"]),
        node("Tanh", ["sum"], ["next_memory"]),
        node("MatMul", ["next_memory", "MOTION"], ["motion"]),
    ]
    return _model(
        "audio2motion",
        dtype,
        (
            _Tensor("pcm", (1, SAMPLES)),
            _Tensor("emotion", (1, len(EMOTIONS))),
            _Tensor("memory", (1, MEMORY_SIZE)),
        ),
        (_Tensor("motion", (1, 70)), _Tensor("next_memory", (1, MEMORY_SIZE))),
        nodes,
        {name.upper(): WEIGHTS[name] for name in ("pcm", "emotion", "memory", "motion")},
    )


def _stitching(dtype: str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Sub", ["motion", "reference_motion"], ["relative"]),
        helper.make_node("Slice", ["relative", "START", "STOP", "AXIS"], ["expression"]),
        helper.make_node("Reshape", ["expression", "SHAPE"], ["keypoints"]),
    ]
    constants = {
        "START": np.array([0]),
        "STOP": np.array([63]),
        "AXIS": np.array([1]),
        "SHAPE": np.array([1, 21, 3]),
    }
    motion = (_Tensor("motion", (1, 70)), _Tensor("reference_motion", (1, 70)))
    keypoints = (_Tensor("keypoints", (1, 21, 3)),)
    return _model("stitching", dtype, motion, keypoints, nodes, constants)


def _generator(dtype: str) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Reshape", ["keypoints", "FLAT"], ["flat"]),
        helper.make_node("MatMul", ["flat", "FRAME"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["pixels"]),
        helper.make_node("Reshape", ["pixels", "SHAPE"], ["frame"]),
    ]
    constants = {
        "FLAT": np.array([1, 63]),
        "FRAME": WEIGHTS["frame"],
        "SHAPE": np.array([1, 3, FRAME_SIZE, FRAME_SIZE]),
    }
    return _model(
        "generator",
        dtype,
        (_Tensor("keypoints", (1, 21, 3)),),
        (_Tensor("frame", (1, 3, FRAME_SIZE, FRAME_SIZE), "NCHW"),),
        nodes,
        constants,
    )


def _write_graph(root: Path, file: Path, model: onnx.ModelProto, dtype: str) -> schema.GraphFile:
    file.write_bytes(model.SerializeToString(deterministic=True))
    operators: dict[str, int] = {}
    for node in model.graph.node:
        operators[node.op_type] = operators.get(node.op_type, 0) + 1

    def specs(infos: list[onnx.ValueInfoProto]) -> tuple[schema.TensorSpec, ...]:
        return tuple(
            schema.TensorSpec(
                name=info.name,
                dtype=dtype,
                shape=tuple(axis.dim_value for axis in info.type.tensor_type.shape.dim),
                layout="NCHW" if info.name == "frame" else "",
                value_range=(0.0, 1.0) if info.name == "frame" else None,
            )
            for info in infos
        )

    return schema.GraphFile(
        path=file.relative_to(root).as_posix(),
        files=(record(root, file),),
        inputs=specs(list(model.graph.input)),
        outputs=specs(list(model.graph.output)),
        operators=operators,
        opset=13,
    )


def _assets(root: Path) -> tuple[tuple[schema.FileRecord, ...], schema.PasteBack]:
    folder = root / "assets"
    folder.mkdir()
    height, width = PORTRAIT_SIZE
    green = np.zeros((height, width, 3), np.uint8)
    green[..., 1] = 200
    cv2.imwrite(str(folder / "portrait.png"), green)
    mask = np.zeros((FRAME_SIZE, FRAME_SIZE), np.uint8)
    mask[3:-3, 3:-3] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    paste_back = schema.PasteBack(
        portrait="assets/portrait.png",
        mask="assets/mask.png",
        frame_to_portrait=((1.0, 0.0, 10.0), (0.0, 1.0, 12.0)),
    )
    files = (folder / "portrait.png", folder / "mask.png")
    return tuple(record(root, file) for file in files), paste_back


def _golden(root: Path) -> tuple[schema.GoldenCase, ...]:
    frames = 5
    random = np.random.default_rng(3)
    pcm = random.uniform(-1, 1, (frames, 1, SAMPLES)).astype(np.float32)
    emotion = np.array([NEUTRAL], np.float32)
    memory = np.zeros((1, MEMORY_SIZE), np.float32)
    motions, keypoints, pictures = [], [], []
    for chunk in pcm:
        motion, memory = reference_motion_of(chunk, memory, emotion)
        motions.append(motion)
        keypoints.append(reference_keypoints(motion, np.zeros((1, 70), np.float32)))
        pictures.append(reference_frame(keypoints[-1]))
    heard = {"input.pcm": pcm}
    tensors = {
        "audio2motion": (heard, {"output.motion": motions}),
        "stitching": ({"input.motion": np.stack(motions)}, {"output.keypoints": keypoints}),
        "generator": ({"input.keypoints": np.stack(keypoints)}, {"output.frame": pictures}),
        "pipeline": (heard, {"output.motion": motions, "output.frame": pictures}),
    }
    folder = root / "golden"
    folder.mkdir()
    cases = []
    for name, (inputs, outputs) in tensors.items():
        file = folder / f"{name}.safetensors"
        save_file(inputs | {key: np.stack(value) for key, value in outputs.items()}, str(file))
        cases.append(
            schema.GoldenCase(
                name=name,
                graph=None if name == "pipeline" else name,
                file=record(root, file),
                frames=frames,
            )
        )
    return tuple(cases)


def _thresholds() -> tuple[schema.Threshold, ...]:
    return (
        schema.Threshold(name="fp32", metric="max_abs", bound=1e-3, direction="at_most"),
        schema.Threshold(name="fp16", metric="psnr_db", bound=45.0, direction="at_least"),
    )


def _parity(precisions: tuple[str, ...]) -> tuple[schema.ParityFigure, ...]:
    compared = (
        ("audio2motion", "motion"),
        ("stitching", "keypoints"),
        ("generator", "frame"),
        ("pipeline", "motion"),
        ("pipeline", "frame"),
    )
    return tuple(
        schema.ParityFigure(
            stage="end_to_end" if graph == "pipeline" else "engine",
            graph=graph,
            tensor=tensor,
            threshold=precision,
            worst=0.0 if precision == "fp32" else 60.0,
            mean=0.0 if precision == "fp32" else 60.0,
            frames=5,
            target="onnx",
            precision=precision,
            motion_source="seeded noise",
        )
        for precision in precisions
        for graph, tensor in compared
    )
