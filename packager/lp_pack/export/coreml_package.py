"""A .mlpackage folder as data: what is in it, and the same bytes every time.

coremltools writes fresh UUIDs into the package's Manifest.json, the date of the conversion into
the specification, and a debugging file beside them. None of that is read when the model runs.
"""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from lp_pack.errors import ExportError
from lp_runtime.manifest import ElementType, TensorSpec

DATA = Path("Data", "com.apple.CoreML")
SPECIFICATION = DATA / "model.mlmodel"
WEIGHTS = DATA / "weights"
MINIMUM_OS = {6: "iOS15", 7: "iOS16", 8: "iOS17", 9: "iOS18"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "lp-pack/mlpackage")


@cache
def coremltools() -> Any:
    """The package, imported without its remarks about versions and absent Apple libraries."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        import coremltools as package
    finally:
        logging.disable(disabled)
    return package


def normalise(package: Path) -> None:
    """Remove what differs between two conversions of the same module."""
    specification = read_specification(package)
    specification.description.metadata.userDefined.clear()
    content = specification.SerializeToString(deterministic=True)
    (package / SPECIFICATION).write_bytes(content)
    for path in package.iterdir():
        if path.name not in ("Manifest.json", "Data"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _write_package_manifest(package)


def _write_package_manifest(package: Path) -> None:
    model, weights = (str(uuid.uuid5(_NAMESPACE, name)) for name in ("model.mlmodel", "weights"))
    entries = {
        model: _entry("CoreML Model Specification", "model.mlmodel"),
    }
    if (package / WEIGHTS).exists():
        entries[weights] = _entry("CoreML Model Weights", "weights")
    content = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": entries,
        "rootModelIdentifier": model,
    }
    (package / "Manifest.json").write_text(json.dumps(content, indent=4, sort_keys=True) + "\n")


def _entry(description: str, name: str) -> dict[str, str]:
    return {
        "author": "com.apple.CoreML",
        "description": description,
        "name": name,
        "path": f"com.apple.CoreML/{name}",
    }


def read_specification(package: Path) -> Any:
    """The Model protocol buffer; ExportError where the folder holds none."""
    proto = coremltools().proto.Model_pb2
    specification = proto.Model()
    try:
        specification.ParseFromString((package / SPECIFICATION).read_bytes())
        known = specification.WhichOneof("Type") == "mlProgram"
    except Exception as error:  # protobuf's DecodeError, and what the file system says
        raise ExportError(
            "Not a readable Core ML package", where=package, got=error, remedy="export it again"
        ) from error
    if not known:
        raise ExportError(
            "Not a Core ML program",
            where=package,
            expected="an ML program",
            got=specification.WhichOneof("Type"),
            remedy="export it again",
        )
    return specification


def load_program(package: Path) -> Any:
    """The program in coremltools' own structure, weights included."""
    specification = read_specification(package)
    coremltools()
    from coremltools.converters.mil.frontend.milproto import load

    return load.load(
        specification,
        specification_version=specification.specificationVersion,
        file_weights_dir=str(package / WEIGHTS),
    )


def operator_counts(specification: Any) -> dict[str, int]:
    """How many operators of each type the program holds; constants are not counted."""
    function = specification.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    counts = Counter(op.type for op in block.operations)
    del counts["const"]
    return dict(sorted(counts.items()))


def minimum_os(specification: Any) -> str:
    """The oldest iOS that loads the program."""
    return MINIMUM_OS[specification.specificationVersion]


def tensor_specs(features: Any) -> tuple[TensorSpec, ...]:
    """The manifest's description of the program's inputs or outputs."""
    return tuple(_tensor_spec(feature) for feature in features)


def _tensor_spec(feature: Any) -> TensorSpec:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        # A pixel buffer; its rows as an app sees them.
        pixels = (1, int(image.height), int(image.width), 3)
        return TensorSpec(name=feature.name, dtype="uint8", shape=pixels, layout="NHWC")
    array = feature.type.multiArrayType
    names: dict[int, ElementType] = {
        array.FLOAT32: "float32",
        array.FLOAT16: "float16",
        array.INT32: "int32",
    }
    shape = tuple(int(size) for size in array.shape)
    return TensorSpec(
        name=feature.name,
        dtype=names[array.dataType],
        shape=shape,
        layout="NCHW" if len(shape) == 4 else "",
    )
