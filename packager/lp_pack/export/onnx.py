"""torch module -> ONNX file: static shapes, standard operators, the same bytes every time.

The exporter is torch.export's (`dynamo=True`): it keeps parameter names and names the operator that
it cannot convert. It writes opset 18 at the lowest; `simplify/lowest_opset.py` lowers the result as
far as its operators allow (docs/decisions/0020-onnx-exporter.md).
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx_ir as ir
import torch
from onnx_ir.passes import common
from onnxscript import optimizer

from lp_pack.errors import ExportError
from lp_pack.export.exportable import Exportable, check_names
from lp_pack.export.onnx_graph import check_portable

EXPORT_OPSET = 18
PRODUCER = "lp-pack"
SMALL_CONSTANT_BYTES = 4096


def export_onnx(module: Exportable, path: Path, graph_name: str) -> None:
    """Write `module` as the ONNX file `path`, with float32 weights inside the file.

    Raises:
        ExportError: an operator has no ONNX counterpart, the module's names do not match its
            tensors, or the graph is not portable (`onnx_graph.check_portable`).
    """
    model = trace(module, graph_name)
    strip(model, graph_name)
    model = infer_shapes(model, graph_name)
    check_portable(model, graph_name)
    save(model, path, graph_name)


def trace(module: Exportable, graph_name: str) -> ir.Model:
    """Run torch's exporter on the module's example inputs."""
    module.eval()
    examples = module.example_inputs()
    check_names(module, examples, graph_name)
    try:
        with _quiet(), torch.inference_mode():
            program = torch.onnx.export(
                module,  # type: ignore[arg-type]
                examples,
                dynamo=True,
                opset_version=EXPORT_OPSET,
                input_names=list(module.input_names),
                output_names=list(module.output_names),
                external_data=False,
                optimize=False,
                verbose=False,
            )
    except Exception as error:  # torch.export raises dozens of types; all mean the same to a user
        raise _not_exportable(error, module, graph_name) from error
    assert program is not None
    return program.model


def _not_exportable(error: Exception, module: Exportable, graph_name: str) -> ExportError:
    """Find the operator in the exporter's chain of errors."""
    text = ""
    cause: BaseException | None = error
    while cause is not None:
        text += f"\n{cause}"
        cause = cause.__cause__ or cause.__context__
    found = re.search(r"No ONNX function found for <OpOverload\(op='([^']+)'", text)
    operator = found.group(1) if found else "unknown (see --verbose)"
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    logging.getLogger(__name__).debug("export of '%s' failed:%s", graph_name, text)
    return ExportError(
        "A network could not be converted to ONNX",
        where=f"graph '{graph_name}', module {type(module).__name__}, operator {operator}",
        expected="operators that ONNX opset 18 knows, and shapes that do not depend on values",
        got=re.sub(r"\x1b\[\d+m", "", first_line),
        remedy="express the operator through others that ONNX knows",
    )


def strip(model: ir.Model, graph_name: str) -> None:
    """Remove what differs between machines or says nothing: stack traces, doc strings, names.

    Functions are inlined, constants become initializers, and initializers leave the input list, so
    that every later pass sees one shape of graph.
    """
    common.InlinePass()(model)
    # Resolves the sequences that splits export to; large constants are simplify's to judge.
    optimizer.fold_constants(
        model, input_size_limit=SMALL_CONSTANT_BYTES, output_size_limit=SMALL_CONSTANT_BYTES
    )
    for tidy in (
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.RemoveInitializersFromInputsPass(),
        common.RemoveUnusedNodesPass(),
        common.ClearMetadataAndDocStringPass(),
        common.RemoveUnusedOpsetsPass(),
    ):
        tidy(model)
    stamp(model, graph_name)


def stamp(model: ir.Model, graph_name: str) -> None:
    """Fix the header fields, which tools otherwise fill with their own name and version."""
    model.producer_name = PRODUCER
    model.producer_version = ""
    model.domain = ""
    model.model_version = 0
    model.doc_string = ""
    model.metadata_props.clear()
    model.graph.name = graph_name
    model.graph.doc_string = ""
    model.graph.metadata_props.clear()
    version = model.graph.opset_imports[""]
    model.ir_version = onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", version)])


def infer_shapes(model: ir.Model, graph_name: str) -> ir.Model:
    """The same model with the shape of every intermediate tensor filled in."""
    try:
        common.ShapeInferencePass(check_type=True, strict_mode=True, data_prop=True)(model)
    except Exception as error:  # onnx raises InferenceError and plain RuntimeError
        raise ExportError(
            "ONNX shape inference failed",
            where=f"graph '{graph_name}'",
            got=error,
            remedy="the graph is inconsistent: export it again, or report the pass that broke it",
        ) from error
    return model


def save(model: ir.Model, path: Path, graph_name: str) -> None:
    """Check the model with onnx's checker and write it; ExportError where it does not hold."""
    proto = ir.to_proto(model)
    try:
        onnx.checker.check_model(proto, full_check=False)
    except onnx.checker.ValidationError as error:
        raise ExportError(
            "The ONNX checker refuses the graph",
            where=f"graph '{graph_name}'",
            got=error,
            remedy="report the pass that broke it",
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's chatter off the terminal; errors are raised all the same."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
