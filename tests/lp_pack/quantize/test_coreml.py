"""Core ML programs with fewer bits: which constants, which operators, and what they evaluate to."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from export_networks import LittleOfEverything, tiny_graphs

from lp_pack.errors import ConfigError
from lp_pack.hashing import folder_records

pytest.importorskip("coremltools", reason="the extra 'coreml' is not installed")

from lp_pack.coreml_evaluator.program import EvaluatedProgram
from lp_pack.export.coreml import convert
from lp_pack.export.coreml_package import (
    load_program,
    minimum_os,
    operator_counts,
    read_specification,
)
from lp_pack.quantize import coreml
from lp_pack.quantize.recipes import Recipe, recipe_for
from lp_runtime.manifest import Compression, Precision


def outputs(module: torch.nn.Module, package: Path) -> dict[str, np.ndarray]:
    """What the program evaluates to on the module's example."""
    names: tuple[str, ...] = module.input_names  # type: ignore[assignment]
    feeds = zip(names, module.example_inputs(), strict=True)  # type: ignore[operator]
    return EvaluatedProgram.load(package).run({name: t.numpy() for name, t in feeds})


def compress(source: Path, destination: Path, recipe: Recipe, graph: str) -> Compression:
    """As `coreml.compress`, without a process of its own."""
    record = destination.with_suffix(".json")
    coreml.convert(source, destination, recipe, graph, record)
    return msgspec.json.decode(record.read_bytes(), type=Compression)


def size(package: Path) -> int:
    """Bytes of all files."""
    return sum(record.bytes for record in folder_records(package))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "network.mlpackage"
    convert(LittleOfEverything(), path, "network", "fp16")
    return path


def all_narrow(recipe: Recipe) -> Recipe:
    """The recipe without the rules for the last convolution and for large maps."""
    wide = tuple(rule for rule in recipe.wide if "convolution" not in rule.name)
    return Recipe(**{**vars(recipe), "wide": wide})


@pytest.mark.parametrize(
    ("precision", "operator", "bound"),
    [
        ("w8", "constexpr_affine_dequantize", 0.02),
        ("w6", "constexpr_lut_to_dense", 0.08),
        ("w4", "constexpr_lut_to_dense", 0.3),
    ],
)
def test_weights_shrink_and_the_answer_stays(
    exported: Path, tmp_path: Path, precision: Precision, operator: str, bound: float
) -> None:
    path = tmp_path / "small.mlpackage"
    compress(exported, path, all_narrow(recipe_for("coreml", precision)), "generator")
    specification = read_specification(path)
    assert operator_counts(specification)[operator] >= 1
    assert minimum_os(specification) == "iOS16"
    assert specification.description == read_specification(exported).description
    assert size(path) < size(exported)
    module = LittleOfEverything().eval()
    expected, got = outputs(module, exported), outputs(module, path)
    error = np.abs(got["result"] - expected["result"]).max() / np.abs(expected["result"]).max()
    assert 1e-4 < error < bound
    np.testing.assert_array_equal(got["next_memory"], expected["next_memory"])


def test_fewer_bits_make_smaller_files_with_larger_errors(exported: Path, tmp_path: Path) -> None:
    module, sizes, errors = LittleOfEverything().eval(), [], []
    expected = outputs(module, exported)["result"]
    for precision in ("w8", "w6", "w4"):
        path = tmp_path / f"{precision}.mlpackage"
        recipe = all_narrow(recipe_for("coreml", precision))  # type: ignore[arg-type]
        compress(exported, path, recipe, "generator")
        sizes.append(size(path))
        errors.append(float(np.abs(outputs(module, path)["result"] - expected).mean()))
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)


def test_what_stays_wider_is_recorded(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.mlpackage"
    done = compress(exported, path, recipe_for("coreml", "w4"), "generator")
    kept = {one.rule: one.precision for one in done.kept_wide}
    assert kept["last convolution before the picture"] == "fp16"
    assert kept["tables and pictures"] == "w8"
    program = load_program(path).functions["main"]
    kinds = {
        reader.op_type: op.op_type
        for op in program.operations
        if op.op_type.startswith("const")
        for reader in op.outputs[0].child_ops
        if reader.op_type == "gather" and op.outputs[0] is reader.inputs["x"]
    }
    assert kinds == {"gather": "constexpr_affine_dequantize"}


def test_a_layer_can_be_chosen_by_name(exported: Path, tmp_path: Path) -> None:
    program = load_program(exported).functions["main"]
    (gather,) = (op for op in program.operations if op.op_type == "gather")
    recipe = recipe_for("coreml", "w8")
    wide = recipe.with_overrides("mine", {"generator": {gather.outputs[0].name: "fp16"}})
    compress(exported, tmp_path / "kept.mlpackage", wide, "generator")
    compress(exported, tmp_path / "narrow.mlpackage", recipe, "generator")
    difference = size(tmp_path / "kept.mlpackage") - size(tmp_path / "narrow.mlpackage")
    assert difference > 0.5 * 400 * 8


def test_a_process_of_its_own_writes_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    recipe = recipe_for("coreml", "w6").with_overrides("mine", {"generator": {}})
    here, there = tmp_path / "here.mlpackage", tmp_path / "there.mlpackage"
    done = compress(exported, here, recipe, "generator")
    assert coreml.compress(exported, there, recipe, None, "generator") == done
    assert folder_records(here) == folder_records(there)


def test_a_refusal_comes_out_of_the_process_with_its_log(exported: Path, tmp_path: Path) -> None:
    overrides = {"generator": {"no such layer": "w8"}}
    recipe = recipe_for("coreml", "w8").with_overrides("mine", overrides)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no such layer") as error:
        coreml.compress(exported, tmp_path / "never.mlpackage", recipe, None, "generator")
    log = Path(str(error.value.remedy).split("log: ")[1].rstrip(")"))
    assert log.is_file()
    log.unlink()
    assert not (tmp_path / "never.mlpackage").exists()


def test_speech_never_gets_fewer_than_eight_bits(tmp_path: Path) -> None:
    module, path = tiny_graphs()["audio2motion"], tmp_path / "audio2motion.mlpackage"
    convert(module, path, "audio2motion", "fp16")  # type: ignore[arg-type]
    small = tmp_path / "small.mlpackage"
    done = compress(path, small, recipe_for("coreml", "w4"), "audio2motion")
    assert "first layer after the logarithm" in {one.rule for one in done.kept_wide}
    assert "constexpr_lut_to_dense" not in operator_counts(read_specification(small))
    expected, got = outputs(module, path), outputs(module, small)
    assert np.abs(got["motion"] - expected["motion"]).max() < 0.02
