"""torch module -> LiteRT (TFLite) file, through litert-torch; no TensorFlow.

The file has one signature whose tensors carry the module's names. Frames stay NCHW: measured on the
lite generator, a channels-last frame needs one transposition more, not fewer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lp_pack.errors import ExportError
from lp_pack.export.exportable import Exportable
from lp_pack.export.isolated import run_isolated
from lp_pack.export.tracing import named_module, not_convertible

if TYPE_CHECKING:
    from lp_pack.export.tflite_graph import TfliteModel

FORMAT = "LiteRT"


def export_tflite(module: Exportable, path: Path, graph_name: str) -> None:
    """Write `module` as the file `path`, with float32 weights inside; in a process of its own.

    Raises:
        ExportError: an operator has no LiteRT counterpart, the module's names do not match its
            tensors, the graph needs operators outside the built-in set, or the converter crashed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    run_isolated(convert, module, path, graph_name, what=f"{FORMAT} conversion of '{graph_name}'")


def convert(module: Exportable, path: Path, graph_name: str) -> None:
    """`export_tflite` within this process."""
    import litert_torch

    from lp_pack.export.tflite_graph import TfliteModel
    from lp_pack.export.tflite_rewrites import look_ups_as_gathers, shared_boxes, short_names

    named, examples = named_module(module, graph_name)
    try:
        edge_model = litert_torch.convert(named, sample_kwargs=examples)
        edge_model.export(str(path))
    except Exception as error:  # the converter raises RuntimeError, ValueError, MLIR's and others
        raise not_convertible(error, module, graph_name, FORMAT) from error
    model = TfliteModel.read(path)
    look_ups_as_gathers(model)
    shared_boxes(model)
    short_names(model)
    model.write(path)
    check_builtin(model, graph_name)
    model.check_tensors(module.input_names, module.output_names, graph_name)


def check_builtin(model: TfliteModel, graph_name: str) -> None:
    """Raise ExportError where the graph needs a custom operator or TensorFlow's."""
    custom = sorted(name for name in model.operator_counts() if name.startswith("CUSTOM"))
    if custom:
        raise ExportError(
            "The LiteRT graph uses an operator that is not built in",
            where=f"graph '{graph_name}'",
            expected="LiteRT's built-in operators",
            got=", ".join(custom),
            remedy="express the computation in standard operators",
        )
