"""The bundle's manifest: everything an app needs to know, as frozen structs.

`manifest.json` is the contract between the packager and every runtime (Python, C++, Dart). It is
parsed once, here; unknown fields and wrong types raise. The JSON Schema that lies beside it in a
bundle is generated from these classes (`json_schema`).

A runtime executes `pipeline.steps` in order. Each step runs one graph; its inputs and outputs are
named *values*. A value comes from a pipeline input (with a default), from a state, or from an
earlier step. After each frame every state takes the value that its `next_value` names.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

SCHEMA_VERSION = 1

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
# A relative POSIX path that cannot leave the bundle; `bundle.py` checks it again on disk.
RelativePath = Annotated[
    str, msgspec.Meta(pattern=r"^(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9_][A-Za-z0-9_./-]*$")
]
Identifier = Annotated[str, msgspec.Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
ElementType = Literal["float32", "float16", "int32", "int64", "uint8"]
Target = Literal["onnx", "coreml", "tflite"]
Precision = Literal["fp32", "fp16", "int8", "w8", "w6", "w4"]
# ONNX Runtime's execution providers, by the names that its mobile builds use.
ExecutionProvider = Literal["cpu", "xnnpack", "coreml", "nnapi"]


class Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every manifest struct: immutable, and an unknown key is an error."""


class TensorSpec(Struct, frozen=True):
    """One input or output tensor of a graph."""

    name: str
    dtype: ElementType
    shape: tuple[int, ...]
    # Meaning of the axes, e.g. "NCHW"; empty where the shape speaks for itself.
    layout: str = ""
    # Closed range of the values, where one is known.
    value_range: tuple[float, float] | None = None


class FileRecord(Struct, frozen=True):
    """A file of the bundle and what it must contain."""

    path: RelativePath
    sha256: Sha256
    bytes: int


class Calibration(Struct, frozen=True):
    """The recorded values from which the ranges of activations were taken."""

    # In words, e.g. the names of the motion templates.
    source: str
    # Of the recorded tensors, in the order in which they were read.
    sha256: Sha256
    # How many sets of graph inputs were run.
    samples: int
    seed: int


class KeptWide(Struct, frozen=True):
    """Layers that a recipe leaves in a wider precision."""

    # What they have in common, e.g. "statistics of normalisation".
    rule: str
    reason: str
    precision: Literal["fp32", "fp16", "int8", "w8", "w6"]
    layers: int


class Compression(Struct, frozen=True):
    """How a graph's numbers were narrowed."""

    # A name in the packager's table of recipes, or that of the recipe file.
    recipe: str
    # What is narrowed and what the runtime does with it, in a sentence.
    description: str
    # None where no activation is quantized.
    calibration: Calibration | None = None
    kept_wide: tuple[KeptWide, ...] = ()


class AcceleratorException(Struct, frozen=True):
    """Operators of a graph that an accelerator leaves to the CPU."""

    # A name in the packager's accelerator table, e.g. "coreml_neural_engine".
    accelerator: str
    operator: str
    count: int
    reason: str


class GraphFile(Struct, frozen=True):
    """One graph in one target format and precision."""

    # The file (or .mlpackage folder) an engine opens, relative to the bundle.
    path: RelativePath
    # Every file under it, with its hash; one entry for a single-file format.
    files: tuple[FileRecord, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    # How many operators of each type the graph holds.
    operators: dict[str, int]
    # ONNX opset, or None for other targets.
    opset: int | None = None
    # E.g. "iOS16"; None where the target has no such notion.
    minimum_os: str | None = None
    # None for plain float32.
    compression: Compression | None = None
    # Empty: every operator is on the lists of the target's accelerators.
    exceptions: tuple[AcceleratorException, ...] = ()


class Variant(Struct, frozen=True):
    """All graphs of the pipeline for one target and precision."""

    target: Target
    precision: Precision
    graphs: dict[Identifier, GraphFile]
    # For ONNX, most wanted first; a runtime takes the first that its engine has.
    execution_providers: tuple[ExecutionProvider, ...] = ("cpu",)


class PipelineInput(Struct, frozen=True):
    """A value that the host supplies; `default` is used when it does not."""

    name: Identifier
    dtype: ElementType
    shape: tuple[int, ...]
    kind: Literal["audio", "control", "reference"]
    description: str
    unit: str = ""
    # Flattened in C order; a single number fills the tensor; None: the host must supply it.
    default: tuple[float, ...] | None = None
    # Names of the elements along the last axis, where they have names (emotions).
    labels: tuple[str, ...] = ()


class State(Struct, frozen=True):
    """A value that a graph carries from one frame to the next."""

    value: Identifier
    next_value: Identifier
    dtype: ElementType
    shape: tuple[int, ...]
    # Flattened in C order; a single number fills the tensor.
    initial: tuple[float, ...] = (0.0,)


class Step(Struct, frozen=True):
    """One graph and how its tensors connect: graph tensor name -> value name."""

    graph: Identifier
    inputs: dict[str, Identifier]
    outputs: dict[str, Identifier]


class MotionPart(Struct, frozen=True):
    """A slice of the motion vector with a name and a unit."""

    name: Identifier
    start: int
    stop: int
    unit: str


class FrameFormat(Struct, frozen=True):
    """What the pipeline's frame value is."""

    value: Identifier
    width: int
    height: int
    color: Literal["RGB"] = "RGB"
    value_range: tuple[float, float] = (0.0, 1.0)


class Pipeline(Struct, frozen=True):
    """The list that a runtime executes."""

    frame_rate: float
    sample_rate: int
    samples_per_frame: int
    # Frames by which the motion trails the audio: drop that many first outputs, flush with silence.
    look_ahead_frames: int
    frame: FrameFormat
    inputs: tuple[PipelineInput, ...]
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    # The layout of the value named "motion".
    motion: tuple[MotionPart, ...]
    keypoint_groups: dict[str, tuple[int, ...]]


class PasteBack(Struct, frozen=True):
    """How a generated frame returns into the portrait it came from."""

    # RGB portrait (PNG) and 8-bit feather mask (PNG, frame size); paths in `assets`.
    portrait: RelativePath
    mask: RelativePath
    # Row-major 2x3: frame pixel (x, y, 1) -> portrait pixel.
    frame_to_portrait: tuple[tuple[float, float, float], tuple[float, float, float]]


class GoldenCase(Struct, frozen=True):
    """Recorded inputs and outputs (float32 torch) that any device can check itself against.

    The file is safetensors. Tensors `input.<value>` and `output.<value>` carry a leading axis of
    `frames`; state is carried from frame to frame, starting at its initial value.
    """

    name: str
    # A graph's name, or None for the whole pipeline.
    graph: Identifier | None
    file: FileRecord
    frames: int


class Threshold(Struct, frozen=True):
    """A named bound of the parity gate: `value` must be at most (or at least) `bound`."""

    name: str
    metric: Literal["max_abs", "psnr_db", "range_fraction"]
    bound: float
    direction: Literal["at_most", "at_least"]


class ParityFigure(Struct, frozen=True):
    """One measured agreement and the threshold it had to meet."""

    # "rewrite" (torch against torch), "engine" (engine against torch), "end_to_end".
    stage: Literal["rewrite", "engine", "end_to_end"]
    graph: str
    tensor: str
    threshold: str
    # Worst frame, and mean over frames, in the threshold's metric.
    worst: float
    mean: float
    frames: int
    target: Target | None = None
    precision: Precision | None = None
    # Where the driving motion came from, e.g. "seeded walk" or a template's file name.
    motion_source: str = ""
    # The part of the frame that was compared; empty: all of it.
    region: Literal["", "lips"] = ""

    @property
    def part(self) -> str:
        """The tensor, or the part of it that was compared: "frame", "frame (lips)"."""
        return f"{self.tensor} ({self.region})" if self.region else self.tensor


class Measurement(Struct, frozen=True):
    """Latency and memory on one machine; written by `lp-pack bench --record`, never by a build."""

    machine: str
    target: Target
    precision: Precision
    threads: int
    frames: int
    # Milliseconds: {graph or "frame": {"median": .., "p95": .., "p99": .., "first": ..}}.
    latency_ms: dict[str, dict[str, float]]
    peak_memory_mb: float


class Provenance(Struct, frozen=True):
    """Where the bundle's content came from."""

    # {role: sha256} of portrait, checkpoints and other input files.
    inputs: dict[str, Sha256]
    # {package: version} of everything that shaped the bytes.
    versions: dict[str, str]
    # The options of the build that shape the result, as text.
    options: dict[str, str]


class Licence(Struct, frozen=True):
    """A licence that the bundle's content falls under; the text lies under LICENSES/."""

    subject: str
    spdx: str
    file: RelativePath


class Manifest(Struct, frozen=True):
    """The whole of manifest.json; `schema_version` is its first field."""

    schema_version: int
    name: str
    tier: Literal["full", "lite"]
    # False: seeded networks; the pictures mean nothing. Said on every command line.
    trained: bool
    # What a reader must know first, e.g. why the bundle is untrained.
    notes: tuple[str, ...]
    pipeline: Pipeline
    variants: tuple[Variant, ...]
    paste_back: PasteBack | None
    assets: tuple[FileRecord, ...]
    golden: tuple[GoldenCase, ...]
    thresholds: tuple[Threshold, ...]
    parity: tuple[ParityFigure, ...]
    provenance: Provenance
    licences: tuple[Licence, ...]
    measurements: tuple[Measurement, ...] = ()


def decode(data: bytes) -> Manifest:
    """Parse manifest.json; raises msgspec.ValidationError with the path of the bad field."""
    return msgspec.json.decode(data, type=Manifest)


def encode(manifest: Manifest) -> bytes:
    """Deterministic, human-readable JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the manifest, generated from the classes above."""
    schema = msgspec.json.schema(Manifest)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def is_identifier(text: str) -> bool:
    """Whether `text` may name a graph or a value."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None
