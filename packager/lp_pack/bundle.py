"""Writing a bundle's folder from the results of the stages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from lp_pack.build_plan import BuildPlan
from lp_pack.build_steps import (
    CROP,
    REFERENCE,
    REWRITE_PARITY,
    graph_records,
    graph_stage,
    parity_stage,
    pipeline_of,
    read_figures,
)
from lp_pack.golden_recording import write_golden
from lp_pack.hashing import file_record, file_sha256
from lp_pack.licences import LicenceText
from lp_pack.manifest import GRAPHS
from lp_pack.persona.cropped import MASK_NAME, PORTRAIT_NAME, read_facts
from lp_pack.reference import Reference
from lp_pack.report import build_page, build_report
from lp_pack.target_engines import evaluates_programs
from lp_pack.thresholds import THRESHOLDS
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import (
    SCHEMA_VERSION,
    FileRecord,
    Licence,
    Manifest,
    ParityFigure,
    PasteBack,
    Provenance,
    Variant,
    encode,
    json_schema,
)

MANIFEST_NAME = "manifest.json"
SCHEMA_NAME = "manifest.schema.json"
EVALUATED = (
    "The parity figures of the Core ML variants come from lp-pack's evaluation of the programs, "
    "not from Apple's runtime."
)
ASSETS, LICENSES, REPORT = "assets", "LICENSES", "report"


def assemble(
    plan: BuildPlan, stages: Mapping[str, Path], versions: Mapping[str, str], bundle: Path
) -> Manifest:
    """Fill the empty folder `bundle`; equal inputs give equal bytes.

    Args:
        plan: what the bundle should be.
        stages: folder of every finished stage.
        versions: {package: version} for the provenance.
        bundle: the folder to fill.
    """
    reference = Reference.read(stages[REFERENCE])
    pipeline = pipeline_of(plan.persona, plan.persona.audio2motion(), reference)
    assets, paste_back = _write_assets(stages[CROP], bundle)
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=plan.name,
        tier=plan.persona.tier,
        trained=plan.persona.trained,
        notes=(*plan.persona.notes, *read_facts(stages[CROP]).notices, *_target_notes(plan)),
        pipeline=pipeline,
        variants=_write_graphs(plan, stages, bundle),
        paste_back=paste_back,
        assets=assets,
        golden=write_golden(reference, pipeline, bundle),
        thresholds=THRESHOLDS,
        parity=_figures(plan, stages),
        provenance=_provenance(plan, versions),
        licences=_write_licences(plan.persona.licences, bundle),
    )
    schema = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    (bundle / SCHEMA_NAME).write_text(schema, encoding="utf-8")
    (bundle / REPORT).mkdir()
    (bundle / REPORT / "build.md").write_text(build_report(manifest), encoding="utf-8")
    (bundle / MANIFEST_NAME).write_bytes(encode(manifest))
    page = build_page([Bundle(bundle, manifest)])
    (bundle / REPORT / "index.html").write_text(page, encoding="utf-8")
    return manifest


def _write_graphs(plan: BuildPlan, stages: Mapping[str, Path], bundle: Path) -> tuple[Variant, ...]:
    variants = []
    for target, precision in plan.variants:
        folders = {graph: stages[graph_stage(graph, precision, target)] for graph in GRAPHS}
        records = graph_records(folders, target, precision)
        for path, record in records.values():
            place = bundle / record.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, place)
            else:
                shutil.copyfile(path, place)
        files = {graph: record for graph, (_, record) in records.items()}
        variants.append(Variant(target=target, precision=precision, graphs=files))
    return tuple(variants)


def _target_notes(plan: BuildPlan) -> tuple[str, ...]:
    evaluated = any(evaluates_programs(target) for target in plan.targets)
    return (EVALUATED,) if evaluated else ()


def _write_assets(cropped: Path, bundle: Path) -> tuple[tuple[FileRecord, ...], PasteBack]:
    folder = bundle / ASSETS
    folder.mkdir()
    records = []
    for name in (MASK_NAME, PORTRAIT_NAME):
        shutil.copyfile(cropped / name, folder / name)
        records.append(file_record(bundle, folder / name))
    paste_back = PasteBack(
        portrait=f"{ASSETS}/{PORTRAIT_NAME}",
        mask=f"{ASSETS}/{MASK_NAME}",
        frame_to_portrait=read_facts(cropped).frame_to_portrait,
    )
    return tuple(records), paste_back


def _write_licences(licences: tuple[LicenceText, ...], bundle: Path) -> tuple[Licence, ...]:
    folder = bundle / LICENSES
    folder.mkdir()
    for licence in licences:
        (folder / licence.file_name).write_bytes(licence.text())
    return tuple(
        Licence(subject=one.subject, spdx=one.spdx, file=f"{LICENSES}/{one.file_name}")
        for one in licences
    )


def _figures(plan: BuildPlan, stages: Mapping[str, Path]) -> tuple[ParityFigure, ...]:
    figures = [*read_figures(stages[REWRITE_PARITY])]
    for target, precision in plan.variants:
        figures += read_figures(stages[parity_stage(target, precision)])
    return tuple(figures)


def _provenance(plan: BuildPlan, versions: Mapping[str, str]) -> Provenance:
    inputs = dict(plan.persona.provenance)
    if plan.parity_motion is not None:
        inputs["parity_motion"] = file_sha256(plan.parity_motion)
    if plan.calibrated:
        for index, path in enumerate(plan.calibration.motions):
            inputs[f"calibration_motion_{index}"] = file_sha256(path)
    options = {
        "crop": plan.persona.crop_inputs["crop"],
        "motion_mode": plan.persona.motion_mode,
        "precision": ",".join(plan.precisions),
        "targets": ",".join(plan.targets),
    }
    if plan.coreml_image_output:
        options["coreml_image_output"] = "pixel buffer"
    return Provenance(inputs=dict(sorted(inputs.items())), versions=dict(versions), options=options)
