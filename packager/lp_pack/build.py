"""A build: the ordered list of its stages, and the bundle that comes out.

Read `make_stages` for what happens and in which order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path

from lp_pack import __version__
from lp_pack.atomic_folder import publish, unfinished_folder
from lp_pack.build_plan import BuildPlan
from lp_pack.build_steps import (
    BAKE,
    CALIBRATION,
    CROP,
    PLAIN_DEPTH,
    REFERENCE,
    REWRITE_PARITY,
    calibrate,
    check_rewrite,
    check_variant,
    compress_graph,
    draws_image,
    export_coreml_graph,
    export_graph,
    export_plain_depth,
    export_stage,
    export_tflite_graph,
    graph_stage,
    halve_graph,
    halve_tflite_graph,
    parity_stage,
    record_reference,
    simplify_graph,
    source_stage,
)
from lp_pack.bundle import assemble
from lp_pack.cache import Cache
from lp_pack.errors import ConfigError
from lp_pack.export.converters import CONVERTERS as TARGET_CONVERTERS
from lp_pack.hashing import file_sha256
from lp_pack.manifest import AUDIO2MOTION, GRAPHS, STITCHING
from lp_pack.quantize.compressors import MODULES, SOURCES
from lp_pack.quantize.recipe_file import format_recipe
from lp_pack.quantize.recipes import COMPRESSED, PLAIN, PlainPrecision
from lp_pack.stages import Observer, Stage, run_stages
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Manifest, Target

# What computes the bytes of a bundle, beside our own code.
CONVERTERS = (
    *("torch", "onnx", "onnx-ir", "onnxscript", "onnxslim", "onnxruntime"),
    *("numpy", "Pillow", "opencv-python-headless", "safetensors"),
)
NETWORKS = ("lp_models", "lp_pack.persona")
EXPORT = (*NETWORKS, "lp_pack.export")
SIMPLIFY = ("lp_pack.export", "lp_pack.simplify")
TARGET_CODE: dict[Target, tuple[str, ...]] = {
    "coreml": ("lp_pack.coreml_evaluator", "lp_pack.export.coreml_package"),
    "tflite": ("lp_pack.export.tflite_graph",),
}
COMPRESSION = (
    *("lp_pack.quantize.methods", "lp_pack.quantize.recipes", "lp_pack.quantize.compressors"),
    *("lp_pack.quantize.calibration", "lp_pack.simplify.rewriting"),
)
CHECKS = (*NETWORKS, "lp_runtime", "lp_pack.parity", "lp_pack.thresholds", "lp_pack.reference")

ENGINE_CHECKS = (
    *(*CHECKS, "lp_pack.engine_parity", "lp_pack.manifest"),
    *("lp_pack.graph_files", "lp_pack.target_engines", "lp_pack.frame_regions"),
)


@dataclass(frozen=True)
class BuildResult:
    """A finished bundle."""

    path: Path
    manifest: Manifest


def make_stages(plan: BuildPlan) -> tuple[Stage, ...]:
    """The stages in order; each line says why it stands where it does."""
    persona = plan.persona
    baked = {**persona.bake_inputs}
    audio = {**persona.audio_inputs}
    stages = [
        Stage(
            CROP,
            "first: a portrait without a face should fail within a second",
            lambda folders: persona.crop(folders.output),
            inputs=persona.crop_inputs,
            code=("lp_pack.portrait", "lp_pack.persona"),
        ),
        Stage(
            BAKE,
            "the source's constants, which stitching and generator freeze in",
            lambda folders: persona.bake(folders.needs[CROP], folders.output),
            needs=(CROP,),
            inputs=baked,
            code=NETWORKS,
        ),
        *_calibration_stages(plan),
        Stage(
            REFERENCE,
            "torch's answers, before any conversion: everything later is held against them",
            partial(record_reference, plan),
            needs=(BAKE,),
            inputs={**baked, **audio, **_motion_inputs(plan)},
            code=CHECKS,
        ),
        Stage(
            REWRITE_PARITY,
            "a wrong rewrite should fail before minutes go into exporting it",
            partial(check_rewrite, plan),
            needs=(BAKE, REFERENCE),
            inputs=baked,
            code=CHECKS,
        ),
    ]
    makers = {"onnx": _onnx_stages, "coreml": _coreml_stages, "tflite": _tflite_stages}
    for target in plan.targets:
        for graph in GRAPHS:
            stages += makers[target](plan, graph)
            stages += _plain_depth_stages(plan, target, graph)
            stages += _compression_stages(plan, target, graph)
    stages += [
        Stage(
            parity_stage(target, precision),
            "last: the very files that go into the bundle, in the engine that will run them",
            partial(check_variant, plan, target, precision),
            needs=(REFERENCE, *(graph_stage(graph, precision, target) for graph in GRAPHS)),
            inputs={
                **{**audio, "motion_mode": persona.motion_mode, "trained": str(persona.trained)},
                **_converter_versions(target),
            },
            code=ENGINE_CHECKS if target == "onnx" else (*ENGINE_CHECKS, *TARGET_CODE[target]),
        )
        for target, precision in plan.variants
    ]
    return tuple(replace(stage, cost_class=plan.cost_class) for stage in stages)


def _calibration_stages(plan: BuildPlan) -> list[Stage]:
    if not plan.calibrated:
        return []
    persona, options = plan.persona, plan.calibration
    motions = {f"motion {i}": file_sha256(path) for i, path in enumerate(options.motions)}
    asked = {"samples": str(options.samples), "seed": str(options.seed), "source": options.source}
    return [
        Stage(
            CALIBRATION,
            "early and cheap: a set that calibrates nothing should fail before the long stages",
            partial(calibrate, plan),
            needs=(BAKE,),
            inputs={
                **{**persona.bake_inputs, **persona.audio_inputs, **motions, **asked},
                "motion_mode": persona.motion_mode,
            },
            code=(
                *NETWORKS,
                "lp_pack.quantize.calibration",
                "lp_pack.quantize.calibration_recording",
            ),
        )
    ]


def _plain_depth_stages(plan: BuildPlan, target: Target, graph: str) -> list[Stage]:
    compressed = any(precision in COMPRESSED for precision in plan.precisions)
    if not compressed or source_stage(plan.persona, graph, target) != PLAIN_DEPTH:
        return []
    return [
        Stage(
            PLAIN_DEPTH,
            "transformed depth convolutions round badly: eight bits start from plain ones",
            partial(export_plain_depth, plan.persona),
            needs=(BAKE,),
            inputs=_module_inputs(plan, graph),
            code=(*EXPORT, *SIMPLIFY),
        )
    ]


def _compression_stages(plan: BuildPlan, target: Target, graph: str) -> list[Stage]:
    stages = []
    for precision in plan.precisions:
        if precision not in COMPRESSED:
            continue
        recipe = plan.recipe(target, precision)
        source = source_stage(plan.persona, graph, target)
        calibration = (CALIBRATION,) if recipe.needs_calibration(graph) else ()
        stages.append(
            Stage(
                graph_stage(graph, precision, target),
                "from the finished graph: what is simplified already has fewer layers to round",
                partial(compress_graph, recipe, graph, source),
                needs=(source, *calibration),
                inputs={
                    "recipe": format_recipe(recipe, recipe.name),
                    **_converter_versions(target),
                },
                code=(*COMPRESSION, MODULES[target]),
            )
        )
    return stages


def _plain_precisions(plan: BuildPlan, target: Target) -> tuple[PlainPrecision, ...]:
    """fp32 and fp16 as far as they are asked for, or compression starts from them."""
    compressed = any(precision in COMPRESSED for precision in plan.precisions)
    source = {SOURCES[target]} if compressed else set()
    return tuple(one for one in PLAIN if one in source | set(plan.precisions))


def _module_inputs(plan: BuildPlan, graph: str) -> dict[str, str]:
    persona = plan.persona
    inputs = {**(persona.audio_inputs if graph == AUDIO2MOTION else persona.bake_inputs)}
    if graph == STITCHING:
        inputs["motion_mode"] = persona.motion_mode
    return inputs


def _onnx_stages(plan: BuildPlan, graph: str) -> list[Stage]:
    compressed_alone = not set(PLAIN) & set(plan.precisions)
    if compressed_alone and source_stage(plan.persona, graph, "onnx") == PLAIN_DEPTH:
        return []
    persona, raw, fp32 = plan.persona, export_stage(graph), graph_stage(graph, "fp32")
    inputs = _module_inputs(plan, graph)
    stages = [
        Stage(
            raw,
            "torch to ONNX, apart from simplification so that a faulty pass costs no export",
            partial(export_graph, persona, graph),
            needs=() if graph == AUDIO2MOTION else (BAKE,),
            inputs=inputs,
            code=EXPORT,
        ),
        Stage(
            fp32,
            "before any lower precision: every other variant starts from the simplified graph",
            partial(simplify_graph, graph),
            needs=(raw,),
            code=SIMPLIFY,
        ),
    ]
    if "fp16" in plan.precisions:
        stages.append(
            Stage(
                graph_stage(graph, "fp16"),
                "from the simplified graph: fewer casts to place",
                partial(halve_graph, graph),
                needs=(fp32,),
                code=("lp_pack.precision", *SIMPLIFY),
            )
        )
    return stages


def _coreml_stages(plan: BuildPlan, graph: str) -> list[Stage]:
    inputs = {**_module_inputs(plan, graph), **_converter_versions("coreml")}
    return [
        Stage(
            graph_stage(graph, precision, "coreml"),
            "torch to Core ML once for each precision: float16 is a pass of the converter",
            partial(export_coreml_graph, plan, graph, precision),
            needs=() if graph == AUDIO2MOTION else (BAKE,),
            inputs={**inputs, "image": str(draws_image(plan, graph, precision))},
            code=(*EXPORT, "lp_pack.precision.coreml_fp16"),
        )
        for precision in _plain_precisions(plan, "coreml")
    ]


def _tflite_stages(plan: BuildPlan, graph: str) -> list[Stage]:
    versions, fp32 = _converter_versions("tflite"), graph_stage(graph, "fp32", "tflite")
    stages = [
        Stage(
            fp32,
            "torch to LiteRT; every other precision starts from this file",
            partial(export_tflite_graph, plan.persona, graph),
            needs=() if graph == AUDIO2MOTION else (BAKE,),
            inputs={**_module_inputs(plan, graph), **versions},
            code=EXPORT,
        )
    ]
    if "fp16" in plan.precisions:
        stages.append(
            Stage(
                graph_stage(graph, "fp16", "tflite"),
                "weights alone: the runtime computes in float32 on the CPU anyway",
                partial(halve_tflite_graph, graph),
                needs=(fp32,),
                inputs=versions,
                code=("lp_pack.precision.tflite_fp16", "lp_pack.export.tflite_graph"),
            )
        )
    return stages


def _converter_versions(target: Target) -> dict[str, str]:
    """Versions that only this target's stages depend on, so that ONNX stages stay cached."""
    if target == "onnx":
        return {}
    return {name: metadata.version(name) for name in TARGET_CONVERTERS[target].distributions}


def _motion_inputs(plan: BuildPlan) -> dict[str, str]:
    facts = {"motion_mode": plan.persona.motion_mode}
    if plan.parity_motion is None:
        return {**facts, "parity_motion": "seeded walk"}
    # The template's name is recorded with the figures, so it counts as well as its content.
    content = file_sha256(plan.parity_motion)
    return {**facts, "parity_motion": f"{plan.parity_motion.name} {content}"}


def build(plan: BuildPlan, cache: Cache, observer: Observer) -> BuildResult:
    """Run the stages that the cache lacks and write the bundle.

    Nothing appears at `plan.output` unless every stage, the parity gate and a last check of the
    written files succeed; a bundle that it replaces stays until then.

    Raises:
        LpPackError, LpModelError, LpRuntimeError: whatever stage fails says why.
    """
    plan.check_output()
    try:
        return BuildResult(plan.output, _build(plan, cache, observer))
    except OSError as error:
        raise ConfigError(
            "The build could not read or write a file",
            where=error.filename or plan.output,
            expected="readable inputs, a writable cache and output, and room on the disk",
            got=error.strerror or error,
            remedy="free some space, or choose another --cache or -o",
        ) from error


def _build(plan: BuildPlan, cache: Cache, observer: Observer) -> Manifest:
    versions = tool_versions()
    finished = run_stages(make_stages(plan), cache, versions, observer)
    folders = {name: stage.folder for name, stage in finished.items()}
    output = plan.output.resolve()
    with unfinished_folder(output.parent, output.name) as folder:
        for target in plan.targets:
            versions = {**versions, **_converter_versions(target)}
        manifest = assemble(plan, folders, versions, folder)
        Bundle.open(folder, verify=True)
        plan.check_output()
        publish(folder, output, replace=plan.replace)
    return manifest


def tool_versions() -> Mapping[str, str]:
    """{package: version} of everything that shapes the bytes."""
    return {"lp-pack": __version__, **{name: metadata.version(name) for name in CONVERTERS}}
