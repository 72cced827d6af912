"""The manifest's description of the pipeline and of each graph file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lp_models.audio2motion import Audio2Motion
from lp_models.motion import EMOTIONS, EYE_KEYPOINTS, LIP_KEYPOINTS, MOTION_SIZE
from lp_models.motion_stitcher import Mode
from lp_pack.export.onnx_graph import load, operator_counts, opset_version, tensor_spec
from lp_pack.hashing import file_sha256
from lp_runtime.manifest import (
    Compression,
    FileRecord,
    FrameFormat,
    GraphFile,
    MotionPart,
    Pipeline,
    PipelineInput,
    State,
    Step,
    TensorSpec,
)

AUDIO2MOTION, STITCHING, GENERATOR = "audio2motion", "stitching", "generator"
GRAPHS = (AUDIO2MOTION, STITCHING, GENERATOR)
# Exp is an offset of canonical keypoints, t of keypoints in the [-1, 1] volume.
MOTION_PARTS = (
    MotionPart(name="exp", start=0, stop=63, unit="canonical keypoint units"),
    MotionPart(name="scale", start=63, stop=64, unit="factor"),
    MotionPart(name="t", start=64, stop=67, unit="volume units"),
    MotionPart(name="pitch", start=67, stop=68, unit="degrees"),
    MotionPart(name="yaw", start=68, stop=69, unit="degrees"),
    MotionPart(name="roll", start=69, stop=70, unit="degrees"),
)
KEYPOINT_GROUPS = {"lips": LIP_KEYPOINTS, "eyes": EYE_KEYPOINTS}
VALUE_RANGES = {
    "pcm": (-1.0, 1.0),
    "emotion": (0.0, 1.0),
    "style": (-1.0, 1.0),
    "frame": (0.0, 1.0),
}
PIXEL_RANGE = (0.0, 255.0)


def make_pipeline(
    audio2motion: Audio2Motion, mode: Mode, neutral: np.ndarray, frame_size: int
) -> Pipeline:
    """The three steps and everything that flows between them.

    Args:
        audio2motion: gives rates, states and look-ahead.
        mode: relative adds the input `reference_motion`.
        neutral: (70,) its default: the motion at which the portrait looks like itself.
        frame_size: side of the frame in pixels.
    """
    dims = audio2motion.dims
    stitching_inputs = ("motion",) if mode == "absolute" else ("motion", "reference_motion")
    return Pipeline(
        frame_rate=dims.frame_rate,
        sample_rate=dims.sample_rate,
        samples_per_frame=dims.samples_per_frame,
        look_ahead_frames=dims.look_ahead_frames,
        frame=FrameFormat(value="frame", width=frame_size, height=frame_size),
        inputs=_inputs(audio2motion, mode, neutral),
        states=tuple(
            State(
                value=spec.name,
                next_value=f"next_{spec.name}",
                dtype="float32",
                shape=spec.shape,
                initial=(spec.initial,),
            )
            for spec in audio2motion.state_specs()
        ),
        steps=(
            _step(AUDIO2MOTION, audio2motion.input_names, audio2motion.output_names),
            _step(STITCHING, stitching_inputs, ("keypoints",)),
            _step(GENERATOR, ("keypoints",), ("frame",)),
        ),
        motion=MOTION_PARTS,
        keypoint_groups=KEYPOINT_GROUPS,
    )


def _inputs(
    audio2motion: Audio2Motion, mode: Mode, neutral: np.ndarray
) -> tuple[PipelineInput, ...]:
    dims = audio2motion.dims
    inputs = (
        PipelineInput(
            name="pcm",
            dtype="float32",
            shape=(1, dims.samples_per_frame),
            kind="audio",
            description="One frame of mono sound",
            unit="full scale",
        ),
        PipelineInput(
            name="emotion",
            dtype="float32",
            shape=(1, dims.num_emotions),
            kind="control",
            description="One weight for each emotion, 0 to 1; all zeros is neutral",
            default=(0.0,),
            labels=EMOTIONS if dims.num_emotions == len(EMOTIONS) else (),
        ),
        PipelineInput(
            name="style",
            dtype="float32",
            shape=(1, dims.style_size),
            kind="control",
            description="Picks one of many plausible performances, -1 to 1 each",
            default=(0.0,),
        ),
    )
    if mode == "absolute":
        return inputs
    reference = PipelineInput(
        name="reference_motion",
        dtype="float32",
        shape=(1, MOTION_SIZE),
        kind="reference",
        description="The driving motion at which the portrait looks like itself; for a motion "
        "template, its first frame",
        default=tuple(float(number) for number in neutral),
    )
    return (*inputs, reference)


def _step(graph: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Step:
    """Graph tensors carry the names of the values they are connected to."""
    return Step(
        graph=graph,
        inputs={name: name for name in inputs},
        outputs={name: name for name in outputs},
    )


def onnx_graph_file(path: Path, place: str, compression: Compression | None = None) -> GraphFile:
    """The manifest's record of an ONNX file.

    Args:
        path: the file.
        place: where it lies in the bundle, relative.
        compression: how its numbers were narrowed.
    """
    model = load(path)
    record = FileRecord(path=place, sha256=file_sha256(path), bytes=path.stat().st_size)
    return GraphFile(
        path=place,
        files=(record,),
        inputs=tuple(with_range(tensor_spec(value)) for value in model.graph.inputs),
        outputs=tuple(with_range(tensor_spec(value)) for value in model.graph.outputs),
        operators=operator_counts(model),
        opset=opset_version(model),
        compression=compression,
    )


def with_range(spec: TensorSpec) -> TensorSpec:
    """The spec with the range of its values, where one is known by its name."""
    return TensorSpec(
        name=spec.name,
        dtype=spec.dtype,
        shape=spec.shape,
        layout=spec.layout,
        value_range=PIXEL_RANGE if spec.dtype == "uint8" else VALUE_RANGES.get(spec.name),
    )
