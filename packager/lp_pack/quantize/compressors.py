"""Which code compresses a target's files, and how its record reaches the manifest.

Every target's module has one function:

    compress(source, destination, recipe, calibration, graph) -> Compression

source: the graph in the precision that `SOURCES` names, a file or an .mlpackage folder.
destination: the file or folder to write; nothing stands there yet.
recipe: what to do; `recipe.target` is the module's.
calibration: recorded inputs; None unless `recipe.needs_calibration(graph)`.
graph: "audio2motion", "stitching" or "generator".

It keeps the names, types and shapes of the graph's inputs and outputs, writes the same bytes for
the same arguments, and raises ExportError where the graph cannot be compressed and ConfigError
where an override names a layer that the graph does not have.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol

import msgspec

from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.recipes import Recipe
from lp_runtime.manifest import Compression, Precision, Target

RECORD_NAME = "compression.json"
# Modules by name: importing one loads its converter.
MODULES: dict[Target, str] = {
    "onnx": "lp_pack.quantize.onnx",
    "coreml": "lp_pack.quantize.coreml",
    "tflite": "lp_pack.quantize.tflite",
}
# Which of a target's files compression starts from.
SOURCES: dict[Target, Precision] = {"onnx": "fp32", "coreml": "fp16", "tflite": "fp32"}


class Compress(Protocol):
    """See the module's docstring."""

    def __call__(
        self,
        source: Path,
        destination: Path,
        recipe: Recipe,
        calibration: CalibrationSet | None,
        graph: str,
    ) -> Compression:
        """Write `destination`; what was done."""


def compressor(target: Target) -> Compress:
    """The target's function."""
    function: Compress = importlib.import_module(MODULES[target]).compress
    return function


def write_record(folder: Path, compression: Compression) -> None:
    """Store what was done beside the graph, in a stage's folder."""
    (folder / RECORD_NAME).write_bytes(msgspec.json.encode(compression))


def read_record(folder: Path) -> Compression | None:
    """What `write_record` stored; None where nothing was compressed."""
    path = folder / RECORD_NAME
    if not path.is_file():
        return None
    return msgspec.json.decode(path.read_bytes(), type=Compression)
