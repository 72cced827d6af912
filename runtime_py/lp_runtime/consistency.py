"""Cross-checks of a manifest: what types alone cannot say.

Every check raises BundleError that names the field, what was expected and what was found.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lp_runtime.errors import BundleError
from lp_runtime.frames import FRAME_LAYOUTS
from lp_runtime.manifest import (
    GraphFile,
    Manifest,
    Pipeline,
    PipelineInput,
    State,
    Step,
    TensorSpec,
    Variant,
)
from lp_runtime.values import Value, declared_values, same_value_type, step_values

MAX_TENSOR_ELEMENTS = 1 << 28
# All values of a pipeline together: a player keeps them in memory as long as it plays.
MAX_PIPELINE_ELEMENTS = 1 << 26
MAX_FRAME_RATE = 1000.0
MAX_SAMPLE_RATE = 384_000
MAX_LOOK_AHEAD_FRAMES = 1000
REMEDY = "build the bundle again; the manifest contradicts itself"


def check_manifest(manifest: Manifest) -> None:
    """Raise BundleError at the first contradiction within the manifest."""
    pipeline = manifest.pipeline
    _check_rates(pipeline)
    _check_declarations(pipeline)
    _check_connections(pipeline)
    if not manifest.variants:
        raise _error("The bundle has no variant.", "variants", "at least one", 0)
    _check_unique("variants", [f"{v.target} {v.precision}" for v in manifest.variants])
    for variant in manifest.variants:
        check_graphs(pipeline, variant.graphs, f"variants[{variant.target}, {variant.precision}]")
        _check_paths(variant)
    _check_references(manifest)


def check_graphs(pipeline: Pipeline, graphs: dict[str, GraphFile], where: str) -> None:
    """Check that one set of graphs fits the pipeline's steps, tensor by tensor."""
    for step in pipeline.steps:
        if step.graph not in graphs:
            raise _error(
                f"A variant lacks the graph '{step.graph}'.", where, step.graph, sorted(graphs)
            )
    values = declared_values(pipeline)
    for step in pipeline.steps:
        graph = graphs[step.graph]
        place = f"{where}.{step.graph}"
        _check_tensor_names(step, graph, place)
        for tensor in graph.inputs:
            _check_tensor(tensor, values[step.inputs[tensor.name]], place)
        for tensor in graph.outputs:
            _check_shape(tensor.shape, f"{place}.{tensor.name}")
        values.update(step_values(step, graph))
    for state in pipeline.states:
        declared = Value(state.next_value, state.dtype, state.shape)
        _check_same(values[state.next_value], declared, f"{where}: states.{state.value}")
    _check_frame(pipeline, values, where)
    total = sum(math.prod(value.shape) for value in values.values())
    if total > MAX_PIPELINE_ELEMENTS:
        raise _error(
            "The pipeline's values are too large.",
            where,
            f"{MAX_PIPELINE_ELEMENTS} elements at most in all values together",
            total,
        )


def _check_rates(pipeline: Pipeline) -> None:
    if not 0 < pipeline.frame_rate <= MAX_FRAME_RATE:
        raise _error(
            "The frame rate is out of range.",
            "pipeline.frame_rate",
            f"0 to {MAX_FRAME_RATE:g} frames a second",
            pipeline.frame_rate,
        )
    if not 0 < pipeline.sample_rate <= MAX_SAMPLE_RATE:
        raise _error(
            "The sample rate is out of range.",
            "pipeline.sample_rate",
            f"1 to {MAX_SAMPLE_RATE} Hz",
            pipeline.sample_rate,
        )
    if not 0 <= pipeline.look_ahead_frames <= MAX_LOOK_AHEAD_FRAMES:
        raise _error(
            "The look-ahead is out of range.",
            "pipeline.look_ahead_frames",
            f"0 to {MAX_LOOK_AHEAD_FRAMES}",
            pipeline.look_ahead_frames,
        )
    samples = pipeline.sample_rate / pipeline.frame_rate
    if not math.isclose(samples, pipeline.samples_per_frame, abs_tol=0.5):
        raise _error(
            "Sample rate, frame rate and samples per frame disagree.",
            "pipeline.samples_per_frame",
            f"{samples:g} ({pipeline.sample_rate} Hz / {pipeline.frame_rate:g} a second)",
            pipeline.samples_per_frame,
        )


def _check_declarations(pipeline: Pipeline) -> None:
    names = [i.name for i in pipeline.inputs] + [s.value for s in pipeline.states]
    _check_unique("pipeline.inputs and pipeline.states", names)
    _check_unique("pipeline.states", [s.next_value for s in pipeline.states])
    for item in pipeline.inputs:
        _check_input(item, pipeline.samples_per_frame)
    audio = [item.name for item in pipeline.inputs if item.kind == "audio"]
    if len(audio) > 1:
        raise _error("There are several audio inputs.", "pipeline.inputs", "at most one", audio)
    for state in pipeline.states:
        where = f"pipeline.states.{state.value}"
        _check_shape(state.shape, where)
        _check_fill(state.initial, state, where)
    end = 0
    for part in sorted(pipeline.motion, key=lambda part: part.start):
        if part.start < end or part.stop <= part.start:
            raise _error(
                "The parts of the motion vector overlap or are empty.",
                f"pipeline.motion.{part.name}",
                f"a start of {end} or more and a later stop",
                f"{part.start} to {part.stop}",
            )
        end = part.stop


def _check_input(item: PipelineInput, samples_per_frame: int) -> None:
    where = f"pipeline.inputs.{item.name}"
    _check_shape(item.shape, where)
    if item.default is not None:
        _check_fill(item.default, item, where)
    if item.labels and len(item.labels) != item.shape[-1]:
        raise _error(
            "An input has labels for some of its elements only.",
            where,
            f"{item.shape[-1]} labels",
            len(item.labels),
        )
    if item.kind == "audio" and math.prod(item.shape) != samples_per_frame:
        raise _error(
            "The audio input does not take one frame of samples.",
            where,
            f"{samples_per_frame} samples",
            f"shape {item.shape}",
        )


def _check_connections(pipeline: Pipeline) -> None:
    if not pipeline.steps:
        raise _error("The pipeline has no steps.", "pipeline.steps", "at least one", 0)
    _check_unique("pipeline.steps", [step.graph for step in pipeline.steps])
    known = {item.name for item in pipeline.inputs} | {state.value for state in pipeline.states}
    for step in pipeline.steps:
        for tensor, value in step.inputs.items():
            if value not in known:
                raise _error(
                    f"The value '{value}' is not connected.",
                    f"pipeline.steps.{step.graph}.inputs.{tensor}",
                    "a pipeline input, a state or an earlier step's output",
                    f"'{value}', which nothing before this step makes",
                )
        for tensor, value in step.outputs.items():
            if value in known:
                raise _error(
                    f"The value '{value}' has two sources.",
                    f"pipeline.steps.{step.graph}.outputs.{tensor}",
                    "a name of its own for each value",
                    value,
                )
            known.add(value)
    for state in pipeline.states:
        if state.next_value not in known:
            raise _error(
                f"The state '{state.value}' is never updated.",
                f"pipeline.states.{state.value}.next_value",
                "a value that a step makes",
                state.next_value,
            )
    if pipeline.frame.value not in {v for step in pipeline.steps for v in step.outputs.values()}:
        raise _error(
            "No step makes the frame.", "pipeline.frame.value", sorted(known), pipeline.frame.value
        )


def _check_tensor_names(step: Step, graph: GraphFile, where: str) -> None:
    for side, connected, tensors in (
        ("inputs", step.inputs, graph.inputs),
        ("outputs", step.outputs, graph.outputs),
    ):
        names = [tensor.name for tensor in tensors]
        _check_unique(f"{where}.{side}", names)
        if set(names) != set(connected):
            raise _error(
                f"The graph's {side} are not those that its step connects.",
                f"{where}.{side}",
                sorted(connected),
                sorted(names),
            )


def _check_tensor(tensor: TensorSpec, value: Value, where: str) -> None:
    _check_shape(tensor.shape, f"{where}.{tensor.name}")
    _check_same(Value(tensor.name, tensor.dtype, tensor.shape), value, f"{where}.{tensor.name}")


def _check_same(found: Value, wanted: Value, where: str) -> None:
    if not same_value_type(found, wanted):
        raise _error(
            f"A tensor does not fit the value '{wanted.name}'.",
            where,
            f"{wanted.dtype} {list(wanted.shape)}",
            f"{found.dtype} {list(found.shape)}",
        )


def _check_frame(pipeline: Pipeline, values: dict[str, Value], where: str) -> None:
    frame = pipeline.frame
    value = values[frame.value]
    shapes = {
        "NCHW": (1, 3, frame.height, frame.width),
        "NHWC": (1, frame.height, frame.width, 3),
    }
    if value.layout not in FRAME_LAYOUTS or value.shape != shapes[value.layout]:
        raise _error(
            "The frame's tensor is not a picture of the declared size.",
            f"{where}: {frame.value}",
            " or ".join(f"{layout} {list(shape)}" for layout, shape in shapes.items()),
            f"{value.layout or 'no layout'} {list(value.shape)}",
        )
    if frame.value_range[0] >= frame.value_range[1]:
        raise _error(
            "The frame's value range is empty.",
            "pipeline.frame.value_range",
            "low, then high",
            frame.value_range,
        )


def _check_paths(variant: Variant) -> None:
    for name, graph in variant.graphs.items():
        where = f"variants[{variant.target}, {variant.precision}].{name}.files"
        paths = [record.path for record in graph.files]
        _check_unique(where, paths)
        if not paths or not all(
            path == graph.path or path.startswith(f"{graph.path}/") for path in paths
        ):
            raise _error(
                "A graph's files do not lie under its path.", where, f"under '{graph.path}'", paths
            )


def _check_references(manifest: Manifest) -> None:
    assets = {record.path for record in manifest.assets}
    if manifest.paste_back is not None:
        for role in ("portrait", "mask"):
            path = getattr(manifest.paste_back, role)
            if path not in assets:
                raise _error(
                    f"The {role} is not among the assets.",
                    f"paste_back.{role}",
                    sorted(assets),
                    path,
                )
    graphs = {step.graph for step in manifest.pipeline.steps}
    for case in manifest.golden:
        if case.graph is not None and case.graph not in graphs:
            raise _error(
                "A golden case is about an unknown graph.",
                f"golden.{case.name}.graph",
                sorted(graphs),
                case.graph,
            )
        if case.frames < 1:
            raise _error(
                "A golden case has no frames.",
                f"golden.{case.name}.frames",
                "1 or more",
                case.frames,
            )
    _check_unique("thresholds", [threshold.name for threshold in manifest.thresholds])
    names = {threshold.name for threshold in manifest.thresholds}
    for figure in manifest.parity:
        if figure.threshold not in names:
            raise _error(
                "A parity figure names an unknown threshold.",
                f"parity.{figure.graph}.{figure.tensor}",
                sorted(names),
                figure.threshold,
            )


def _check_shape(shape: Sequence[int], where: str) -> None:
    if any(size < 1 for size in shape) or math.prod(shape) > MAX_TENSOR_ELEMENTS:
        raise _error(
            "A tensor's shape is out of range.",
            where,
            f"sizes of 1 or more, {MAX_TENSOR_ELEMENTS} elements at most",
            list(shape),
        )


def _check_fill(numbers: Sequence[float], value: PipelineInput | State, where: str) -> None:
    if len(numbers) not in (1, math.prod(value.shape)) or not all(map(math.isfinite, numbers)):
        raise _error(
            "The default or initial numbers do not fill the tensor.",
            where,
            f"1 or {math.prod(value.shape)} finite numbers",
            f"{len(numbers)} numbers",
        )


def _check_unique(where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _error("A name occurs twice.", where, "each name once", name)
        seen.add(name)


def _error(what: str, where: str, expected: object, got: object) -> BundleError:
    return BundleError(
        what, where=f"manifest.json: {where}", expected=expected, got=got, remedy=REMEDY
    )
