"""torch module -> Core ML program (.mlpackage) for iOS 16 and later, through coremltools.

State is explicit: inputs and outputs like any other, as in the other targets
(docs/decisions/0041-explicit-state-for-core-ml.md). Inputs and outputs are float32 in both
precisions, so that one host code drives all variants.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from lp_pack.errors import ExportError
from lp_pack.export.coreml_package import coremltools, normalise, read_specification, tensor_specs
from lp_pack.export.exportable import Exportable, check_names
from lp_pack.export.isolated import run_isolated
from lp_pack.export.tracing import not_convertible
from lp_pack.precision.coreml_fp16 import HalfPrecision

FORMAT = "Core ML"
PIXEL_RANGE = 255.0
ComputePrecision = Literal["fp32", "fp16"]


class PixelOutput(nn.Module):
    """A generator whose frame leaves as pixel values 0 to 255, as an image-typed output wants."""

    def __init__(self, generator: Exportable) -> None:
        super().__init__()
        self.generator = generator
        self.input_names = generator.input_names
        self.output_names = generator.output_names

    def example_inputs(self) -> tuple[Tensor, ...]:
        """As the generator's."""
        return self.generator.example_inputs()

    def forward(self, *inputs: Tensor) -> Tensor:
        """The frame (1, 3, height, width) in 0 to 255."""
        frame = self.generator(*inputs)
        assert isinstance(frame, Tensor)
        return frame * PIXEL_RANGE


def export_coreml(
    module: Exportable,
    path: Path,
    graph_name: str,
    precision: ComputePrecision = "fp32",
    image_output: bool = False,
) -> None:
    """Write `module` as the folder `path`; in a process of its own.

    Args:
        module: the network.
        path: a folder name that ends in .mlpackage; it must not exist.
        graph_name: for messages.
        precision: "fp16" keeps coordinates, index arithmetic and logarithms in float32.
        image_output: the one output, a frame (1, 3, height, width) in [0, 1], becomes an RGB image:
            the app gets a pixel buffer.

    Raises:
        ExportError: an operator has no Core ML counterpart, the module's names do not match its
            tensors, or the converter crashed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = (module, path, graph_name, precision, image_output)
    run_isolated(convert, *arguments, what=f"{FORMAT} conversion of '{graph_name}'")


def convert(
    module: Exportable,
    path: Path,
    graph_name: str,
    precision: ComputePrecision = "fp32",
    image_output: bool = False,
) -> None:
    """`export_coreml` within this process."""
    if image_output:
        module = PixelOutput(module)
    module.eval()
    examples = module.example_inputs()
    check_names(module, examples, graph_name)
    program = None
    try:
        with torch.inference_mode():
            program = torch.export.export(module, examples)  # type: ignore[arg-type]
            program = program.run_decompositions({})
        model = _convert_program(program, module, examples, precision, image_output)
        model.save(str(path))
    except Exception as error:  # coremltools raises ValueError, RuntimeError, TypeError and others
        if path.exists():
            shutil.rmtree(path)
        raise not_convertible(error, module, graph_name, FORMAT, program) from error
    normalise(path)
    _check_tensors(path, module, graph_name)


def _convert_program(
    program: torch.export.ExportedProgram,
    module: Exportable,
    examples: tuple[Tensor, ...],
    precision: ComputePrecision,
    image_output: bool,
) -> Any:
    ct = coremltools()
    carries_state = any(f"next_{name}" in module.output_names for name in module.input_names)
    selector = HalfPrecision(carries_state)
    half = ct.transform.FP16ComputePrecision(op_selector=selector)
    outputs: list[object]
    if image_output:
        layout = ct.colorlayout.RGB
        outputs = [ct.ImageType(name=name, color_layout=layout) for name in module.output_names]
    else:
        outputs = [ct.TensorType(name=name, dtype=np.float32) for name in module.output_names]
    return ct.convert(
        program,
        inputs=[
            ct.TensorType(name=name, shape=tuple(tensor.shape), dtype=np.float32)
            for name, tensor in zip(module.input_names, examples, strict=True)
        ],
        outputs=outputs,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=half if precision == "fp16" else ct.precision.FLOAT32,
        skip_model_load=True,
    )


def _check_tensors(path: Path, module: Exportable, graph_name: str) -> None:
    description = read_specification(path).description
    for kind, features, names in (
        ("inputs", description.input, module.input_names),
        ("outputs", description.output, module.output_names),
    ):
        got = [spec.name for spec in tensor_specs(features)]
        if sorted(got) != sorted(names):
            raise ExportError(
                f"The converter lost {kind} of a graph",
                where=f"graph '{graph_name}', {FORMAT}",
                expected=sorted(names),
                got=sorted(got),
                remedy="choose other names: some, such as 'state', are reserved in MIL",
            )
