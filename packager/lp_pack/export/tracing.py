"""torch module -> torch.export program, and where in the source a converter stumbled."""

from __future__ import annotations

import re
import traceback

import torch
from torch import Tensor, nn

from lp_pack.errors import ExportError
from lp_pack.export.exportable import Exportable, check_names

_SOURCE_LINE = re.compile(r'File "([^"]+)", line (\d+), in (\w+)\s*\n\s*([^\n]+)')


class NamedTensors(nn.Module):
    """A module that takes its tensors by name and returns them by name.

    Converters that know no names of their own take those of arguments and of a dictionary's keys.
    """

    def __init__(self, module: nn.Module, output_names: tuple[str, ...]) -> None:
        super().__init__()
        self.module = module
        self.output_names = output_names

    def forward(self, **named: Tensor) -> dict[str, Tensor]:
        """{input name: tensor} -> {output name: tensor}."""
        result = self.module(*named.values())
        outputs = result if isinstance(result, tuple) else (result,)
        return dict(zip(self.output_names, outputs, strict=True))


def named_module(module: Exportable, graph_name: str) -> tuple[NamedTensors, dict[str, Tensor]]:
    """The module with its tensors by name, and its example inputs; ExportError on bad names."""
    module.eval()
    examples = module.example_inputs()
    check_names(module, examples, graph_name)
    assert isinstance(module, nn.Module)
    named = NamedTensors(module, module.output_names).eval()
    return named, dict(zip(module.input_names, examples, strict=True))


def not_convertible(
    error: BaseException,
    module: Exportable,
    graph_name: str,
    format_name: str,
    program: torch.export.ExportedProgram | None = None,
) -> ExportError:
    """The error that names module, source line and operator, as far as the converter says."""
    text = "".join(traceback.format_exception(error))
    operator = _operator(text)
    line = _source_line(text) or _line_of(operator, program)
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ExportError(
        f"A network could not be converted to {format_name}",
        where=f"graph '{graph_name}', module {type(module).__name__}, "
        f"operator {operator or 'unknown'}, {line or 'source line unknown'}",
        expected=f"operators that {format_name} has, and shapes that do not depend on values",
        got=f"{type(error).__name__}: {first}",
        remedy="express the operator through others that every target knows",
    )


def _operator(text: str) -> str | None:
    """Which operator the converter was at when it gave up."""
    for pattern in (
        r"converting '([^']+)' op",
        r"nsupported fx node (\w+)",
        r"convert function for op '([^']+)' not implemented",
        r"target=torch\.ops\.([\w.]+)\]",
        r"OpOverload\(op='([^']+)'",
        r"aten[.:]+(\w[\w.]*)",
    ):
        found = re.search(pattern, text)
        if found:
            return found.group(1)
    return None


def _source_line(text: str) -> str | None:
    """The innermost line of the user's module in what torch calls the original traceback."""
    _, _, original = text.partition("Original traceback")
    return _own_line(original)


def _own_line(trace: str) -> str | None:
    found = [match for match in _SOURCE_LINE.findall(trace) if "site-packages" not in match[0]]
    if not found:
        return None
    path, number, _, code = found[-1]
    return f"{path}:{number} ({code.strip()})"


def _line_of(operator: str | None, program: torch.export.ExportedProgram | None) -> str | None:
    if operator is None or program is None:
        return None
    plain = operator.removeprefix("aten.").split(".")[0]
    for node in program.graph.nodes:
        names = (node.name, *str(node.target).split("."))
        if node.op == "call_function" and plain in names:
            line = _own_line(node.meta.get("stack_trace") or "")
            if line:
                return line
    return None
