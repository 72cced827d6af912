"""The manifest's record of a graph's file or folder, whatever its target."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lp_pack.accelerators.exceptions import exceptions
from lp_pack.hashing import file_sha256, folder_records
from lp_pack.manifest import onnx_graph_file, with_range
from lp_runtime.manifest import Compression, FileRecord, GraphFile, Target

SUFFIXES: dict[Target, str] = {"onnx": ".onnx", "coreml": ".mlpackage", "tflite": ".tflite"}


def file_name(graph: str, target: Target = "onnx") -> str:
    """Of a graph in a stage's folder and in the bundle."""
    return f"{graph}{SUFFIXES[target]}"


def graph_file(
    target: Target, path: Path, place: str, compression: Compression | None = None
) -> GraphFile:
    """The manifest's record of a graph.

    Args:
        target: which format.
        path: the file or folder.
        place: where it lies in the bundle, relative.
        compression: how its numbers were narrowed.
    """
    makers = {"coreml": _coreml_graph_file, "tflite": _tflite_graph_file, "onnx": onnx_graph_file}
    record = makers[target](path, place, compression)
    return msgspec.structs.replace(record, exceptions=exceptions(target, record.operators))


def _tflite_graph_file(path: Path, place: str, compression: Compression | None) -> GraphFile:
    from lp_pack.export.tflite_graph import TfliteModel

    model = TfliteModel.read(path)
    record = FileRecord(path=place, sha256=file_sha256(path), bytes=path.stat().st_size)
    return GraphFile(
        path=place,
        files=(record,),
        inputs=tuple(with_range(spec) for spec in model.inputs()),
        outputs=tuple(with_range(spec) for spec in model.outputs()),
        operators=model.operator_counts(),
        compression=compression,
    )


def _coreml_graph_file(path: Path, place: str, compression: Compression | None) -> GraphFile:
    from lp_pack.export.coreml_package import (
        minimum_os,
        operator_counts,
        read_specification,
        tensor_specs,
    )

    specification = read_specification(path)
    records = tuple(
        FileRecord(path=f"{place}/{record.path}", sha256=record.sha256, bytes=record.bytes)
        for record in folder_records(path)
    )
    return GraphFile(
        path=place,
        files=records,
        inputs=tuple(with_range(spec) for spec in tensor_specs(specification.description.input)),
        outputs=tuple(with_range(spec) for spec in tensor_specs(specification.description.output)),
        operators=operator_counts(specification),
        minimum_os=minimum_os(specification),
        compression=compression,
    )
