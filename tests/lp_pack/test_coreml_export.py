"""torch module to Core ML program: names, bytes, numbers by evaluation, half precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from export_networks import LittleOfEverything, Untranslatable, tiny_graphs
from torch import nn

from lp_pack.errors import ExportError
from lp_pack.hashing import folder_records

pytest.importorskip("coremltools", reason="the extra 'coreml' is not installed")

from lp_pack.coreml_evaluator.program import EvaluatedProgram
from lp_pack.export.coreml import convert, export_coreml
from lp_pack.export.coreml_package import (
    load_program,
    minimum_os,
    operator_counts,
    read_specification,
    tensor_specs,
)

SMALL_GRAPHS = ("audio2motion", "stitching", "lite")


def largest_difference(module: nn.Module, package: Path) -> float:
    """Over all outputs, evaluated program against torch, relative to an output's largest value."""
    inputs = module.example_inputs()  # type: ignore[operator]
    with torch.inference_mode():
        result = module(*inputs)
    outputs = result if isinstance(result, tuple) else (result,)
    names: tuple[str, ...] = module.input_names  # type: ignore[assignment]
    feeds = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    got = EvaluatedProgram.load(package).run(feeds)
    return max(
        float(np.abs(got[name] - t.numpy()).max() / max(1.0, float(t.abs().max())))
        for name, t in zip(module.output_names, outputs, strict=True)  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    paths = {name: folder / name / "network.mlpackage" for name in ("fp32", "fp16")}
    export_coreml(LittleOfEverything(), paths["fp32"], "network", "fp32")
    export_coreml(LittleOfEverything(), paths["fp16"], "network", "fp16")
    return paths


def test_the_program_agrees_with_torch(exported: dict[str, Path]) -> None:
    assert largest_difference(LittleOfEverything().eval(), exported["fp32"]) < 1e-5
    assert 1e-6 < largest_difference(LittleOfEverything().eval(), exported["fp16"]) < 5e-3


def test_names_types_and_minimum_os(exported: dict[str, Path]) -> None:
    for package in exported.values():
        specification = read_specification(package)
        assert minimum_os(specification) == "iOS16"
        inputs = tensor_specs(specification.description.input)
        outputs = tensor_specs(specification.description.output)
        assert [(one.name, one.dtype) for one in inputs] == [
            ("picture", "float32"),
            ("memory", "float32"),
        ]
        assert [(one.name, one.shape) for one in outputs] == [
            ("result", (1, 8, 32, 32)),
            ("next_memory", (1, 4)),
        ]
        assert "const" not in operator_counts(specification)


def test_half_precision_leaves_the_index_in_single(exported: dict[str, Path]) -> None:
    function = load_program(exported["fp16"]).functions["main"]
    types = {op.op_type: op.outputs[0].dtype.__name__ for op in function.operations}
    assert types["conv"] == "fp16"
    assert types["floor"] == "fp32"
    assert types["gather"] == "fp16"


def test_equal_modules_give_equal_packages(exported: dict[str, Path], tmp_path: Path) -> None:
    again = tmp_path / "elsewhere" / "again.mlpackage"
    export_coreml(LittleOfEverything(), again, "network", "fp32")
    assert folder_records(again) == folder_records(exported["fp32"])
    content = b"".join(path.read_bytes() for path in again.rglob("*") if path.is_file())
    assert b"conversion_date" not in content
    assert str(Path(__file__).parent).encode() not in content


@pytest.mark.parametrize("name", SMALL_GRAPHS)
def test_every_graph_agrees_in_half_precision(name: str, tmp_path: Path) -> None:
    module, path = tiny_graphs()[name], tmp_path / f"{name}.mlpackage"
    convert(module, path, name, "fp16")  # type: ignore[arg-type]
    assert largest_difference(module, path) < 3e-3


def test_a_frame_may_leave_as_a_picture(tmp_path: Path) -> None:
    class Painter(nn.Module):
        input_names = ("keypoints",)
        output_names = ("frame",)

        def example_inputs(self) -> tuple[torch.Tensor, ...]:
            return (torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(0)),)

        def forward(self, keypoints: torch.Tensor) -> torch.Tensor:
            return keypoints.clamp(0, 1)

    path = tmp_path / "painter.mlpackage"
    convert(Painter(), path, "painter", "fp32", image_output=True)
    (frame,) = tensor_specs(read_specification(path).description.output)
    assert (frame.dtype, frame.shape, frame.layout) == ("uint8", (1, 4, 6, 3), "NHWC")
    (keypoints,) = Painter().example_inputs()
    got = EvaluatedProgram.load(path).run({"keypoints": keypoints.numpy()})["frame"]
    np.testing.assert_allclose(got, keypoints * 255, atol=0.2)


def test_an_operator_without_counterpart_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as error:
        convert(Untranslatable(), tmp_path / "refused.mlpackage", "graph")
    text = str(error.value)
    assert "svd" in text
    assert "Untranslatable" in text
    assert "export_networks.py:" in text
    assert not (tmp_path / "refused.mlpackage").exists()


def test_a_reserved_name_is_refused(tmp_path: Path) -> None:
    module = LittleOfEverything()
    module.input_names = ("picture", "state")
    with pytest.raises(ExportError, match="reserved"):
        convert(module, tmp_path / "refused.mlpackage", "graph")


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Core ML package"):
        EvaluatedProgram.load(tmp_path)
