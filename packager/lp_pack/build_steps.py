"""What each stage of a build does: read files, compute, write files; `build.py` orders them."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from lp_models.audio2motion import Audio2Motion
from lp_pack.build_plan import BuildPlan
from lp_pack.driving_motion import DrivingMotion, seeded_walk, spread_indices, template_motion
from lp_pack.engine_parity import EngineParity
from lp_pack.export.coreml import export_coreml
from lp_pack.export.exportable import Exportable
from lp_pack.export.onnx import export_onnx, infer_shapes, save, stamp
from lp_pack.export.onnx_graph import check_portable, load
from lp_pack.export.tflite import export_tflite
from lp_pack.graph_files import file_name, graph_file
from lp_pack.manifest import (
    AUDIO2MOTION,
    GENERATOR,
    GRAPHS,
    STITCHING,
    make_pipeline,
)
from lp_pack.parity import Comparison, check
from lp_pack.persona.persona import Persona
from lp_pack.precision.fp16 import to_fp16
from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.calibration_recording import record_calibration
from lp_pack.quantize.compressors import SOURCES, compressor, read_record, write_record
from lp_pack.quantize.recipes import COMPRESSED, Recipe
from lp_pack.reference import MOTION_FRAMES, Reference, draw, record
from lp_pack.simplify import simplify
from lp_pack.stages import Folders
from lp_pack.thresholds import REWRITE
from lp_runtime.manifest import Compression, GraphFile, ParityFigure, Pipeline, Precision, Target

CROP, BAKE, REFERENCE, REWRITE_PARITY = "crop", "bake", "reference", "rewrite_parity"
CALIBRATION = "calibration"
# The full tier's generator without transforms along depth (docs/decisions/0070).
PLAIN_DEPTH = "plain_depth_generator"
FIGURES_NAME = "figures.json"
REWRITE_FRAMES = 3
# Transforms along depth save multiplications in float32. In float16 they cost 16 dB, in eight bits
# a file that is a seventh larger: docs/decisions/0075-plain-depth-for-phones.md.
FILTERED_TARGETS: tuple[Target, ...] = ("onnx",)
FP16_RECIPES: dict[Target, str] = {
    "onnx": "weights and activations in float16; coordinates, index arithmetic, statistics and "
    "what feeds a logarithm in float32; inputs and outputs float32",
    "coreml": "weights and activations in float16; coordinates, index arithmetic and what feeds a "
    "logarithm in float32; inputs and outputs float32",
    "tflite": "large weights in float16, unpacked by the runtime, which computes in float32 on the "
    "CPU and in float16 on a GPU",
}


def export_stage(graph: str) -> str:
    """Name of the stage that exports a graph."""
    return f"export_{graph}"


def graph_stage(graph: str, precision: Precision, target: Target = "onnx") -> str:
    """Name of the stage whose folder holds the finished graph."""
    return f"{precision}_{graph}" if target == "onnx" else f"{target}_{precision}_{graph}"


def source_stage(persona: Persona, graph: str, target: Target) -> str:
    """Name of the stage whose folder holds the graph that compression starts from."""
    if target == "onnx" and graph == GENERATOR and persona.tier == "full":
        return PLAIN_DEPTH
    return graph_stage(graph, SOURCES[target], target)


def parity_stage(target: Target, precision: Precision) -> str:
    """Name of the stage that checks a variant."""
    return f"parity_{target}_{precision}"


def export_graph(persona: Persona, graph: str, folders: Folders) -> None:
    """Module to ONNX."""
    export_onnx(module_of(persona, graph, folders), folders.output / file_name(graph), graph)
    gc.collect()


def export_coreml_graph(
    plan: BuildPlan, graph: str, precision: Literal["fp32", "fp16"], folders: Folders
) -> None:
    """Module to Core ML program."""
    path = folders.output / file_name(graph, "coreml")
    module = module_of(plan.persona, graph, folders, "coreml")
    image = draws_image(plan, graph, precision)
    export_coreml(module, path, graph, precision, image)
    gc.collect()


def draws_image(plan: BuildPlan, graph: str, precision: Precision) -> bool:
    """Whether a Core ML graph's frame leaves as a picture; fp32 stays exact for comparisons."""
    return plan.coreml_image_output and graph == GENERATOR and precision != "fp32"


def export_tflite_graph(persona: Persona, graph: str, folders: Folders) -> None:
    """Module to LiteRT file."""
    path = folders.output / file_name(graph, "tflite")
    export_tflite(module_of(persona, graph, folders, "tflite"), path, graph)
    gc.collect()


def halve_tflite_graph(graph: str, folders: Folders) -> None:
    """The LiteRT file with float16 weights from the fp32 one."""
    from lp_pack.export.tflite_graph import TfliteModel
    from lp_pack.precision.tflite_fp16 import to_fp16_weights

    name = file_name(graph, "tflite")
    model = TfliteModel.read(folders.needs[graph_stage(graph, "fp32", "tflite")] / name)
    to_fp16_weights(model)
    model.write(folders.output / name)


def module_of(
    persona: Persona, graph: str, folders: Folders, target: Target = "onnx"
) -> Exportable:
    """The module of a graph, from the baked source where it needs one."""
    if graph == AUDIO2MOTION:
        return persona.audio2motion()
    baked = folders.needs[BAKE]
    if graph == STITCHING:
        return persona.stitching(baked)
    return persona.generator(baked, filter_depth=target in FILTERED_TARGETS)


def simplify_graph(graph: str, folders: Folders) -> None:
    """Run the passes; the result is the fp32 graph of the bundle."""
    source = folders.needs[export_stage(graph)] / file_name(graph)
    _simplify(source, folders.output / file_name(graph), graph)


def _simplify(source: Path, destination: Path, graph: str) -> None:
    model = load(source)
    simplify(model)
    stamp(model, graph)
    infer_shapes(model, graph)
    check_portable(model, graph)
    save(model, destination, graph)


def export_plain_depth(persona: Persona, folders: Folders) -> None:
    """The generator whose depth convolutions are not transformed, exported and simplified."""
    path = folders.output / file_name(GENERATOR)
    export_onnx(persona.generator(folders.needs[BAKE], filter_depth=False), path, GENERATOR)
    gc.collect()
    _simplify(path, path, GENERATOR)


def halve_graph(graph: str, folders: Folders) -> None:
    """The fp16 graph from the fp32 one."""
    model = load(folders.needs[graph_stage(graph, "fp32")] / file_name(graph))
    to_fp16(model)
    stamp(model, graph)
    check_portable(model, graph)
    save(model, folders.output / file_name(graph), graph)


def calibrate(plan: BuildPlan, folders: Folders) -> None:
    """Record the graphs' inputs; refuses a set from which no range can be taken."""
    persona, baked = plan.persona, folders.needs[BAKE]
    record_calibration(
        persona.audio2motion(),
        persona.stitching(baked),
        persona.neutral_motion(),
        plan.calibration,
        folders.output,
    )


def compress_graph(recipe: Recipe, graph: str, source_name: str, folders: Folders) -> None:
    """A finished graph to a compressed precision, and the record of what was done.

    Args:
        recipe: what to do.
        graph: which graph.
        source_name: the stage that made what it starts from.
        folders: of the stage.
    """
    target = recipe.target
    name = file_name(graph, target)
    source = folders.needs[source_name] / name
    calibration = (
        CalibrationSet.open(folders.needs[CALIBRATION]) if recipe.needs_calibration(graph) else None
    )
    done = compressor(target)(source, folders.output / name, recipe, calibration, graph)
    write_record(folders.output, done)
    gc.collect()


def record_reference(plan: BuildPlan, folders: Folders) -> None:
    """Run torch over the driving motion."""
    persona, baked = plan.persona, folders.needs[BAKE]
    recording = record(
        persona.audio2motion(),
        persona.stitching(baked),
        lambda: persona.generator(baked),
        driving_motion(plan),
        persona.neutral_motion(),
    )
    recording.write(folders.output)


def driving_motion(plan: BuildPlan) -> DrivingMotion:
    """The template that was given, or a walk around the network's neutral motion."""
    if plan.parity_motion is not None:
        return template_motion(plan.parity_motion, MOTION_FRAMES)
    return seeded_walk(plan.persona.neutral_motion(), MOTION_FRAMES)


def check_rewrite(plan: BuildPlan, folders: Folders) -> None:
    """Step 1 of the gate: the rewritten generator against the original, both in torch."""
    original = plan.persona.original_generator(folders.needs[BAKE])
    if original is None:
        write_figures((), folders.output)
        return
    recorded = Reference.read(folders.needs[REFERENCE])
    chosen = spread_indices(len(recorded.drawn), REWRITE_FRAMES)
    expected = draw(original, recorded.keypoints[recorded.drawn[chosen]])
    comparison = Comparison(
        stage="rewrite",
        graph=GENERATOR,
        tensor="frame",
        threshold=REWRITE,
        motion_source=driving_motion(plan).source,
    )
    write_figures((check(comparison, expected, recorded.frame[chosen]),), folders.output)


def check_variant(plan: BuildPlan, target: Target, precision: Precision, folders: Folders) -> None:
    """Step 2 of the gate: the engine against torch, each graph alone and end to end."""
    reference = Reference.read(folders.needs[REFERENCE])
    files = {graph: folders.needs[graph_stage(graph, precision, target)] for graph in GRAPHS}
    parity = EngineParity(
        pipeline_of(plan.persona, plan.persona.audio2motion(), reference),
        target,
        precision,
        graph_records(files, target, precision),
        reference,
        driving_motion(plan).source,
        plan.persona.trained,
    )
    write_figures(parity.check_all(), folders.output)


def graph_records(
    stage_folders: Mapping[str, Path], target: Target, precision: Precision
) -> dict[str, tuple[Path, GraphFile]]:
    """Each graph's file as a stage wrote it, and the record that the manifest will hold."""
    records = {}
    for graph, folder in stage_folders.items():
        path = folder / file_name(graph, target)
        place = f"graphs/{target}/{precision}/{file_name(graph, target)}"
        records[graph] = (
            path,
            graph_file(target, path, place, _compression(folder, target, precision)),
        )
    return records


def _compression(folder: Path, target: Target, precision: Precision) -> Compression | None:
    if precision == "fp32":
        return None
    if precision in COMPRESSED:
        return read_record(folder)
    return Compression(recipe=precision, description=FP16_RECIPES[target])


def pipeline_of(persona: Persona, audio2motion: Audio2Motion, reference: Reference) -> Pipeline:
    """The manifest's pipeline."""
    frame_size = int(reference.frame.shape[-1])
    neutral: np.ndarray = persona.neutral_motion()
    return make_pipeline(audio2motion, persona.motion_mode, neutral, frame_size)


def write_figures(figures: tuple[ParityFigure, ...], folder: Path) -> None:
    """Store figures in a stage's folder."""
    (folder / FIGURES_NAME).write_bytes(msgspec.json.encode(figures))


def read_figures(folder: Path) -> tuple[ParityFigure, ...]:
    """The inverse of `write_figures`."""
    return msgspec.json.decode((folder / FIGURES_NAME).read_bytes(), type=tuple[ParityFigure, ...])
