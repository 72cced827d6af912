"""LiteRT graphs in eight bits: which constants, which kernels, and what the engine makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from export_networks import LittleOfEverything, tiny_graphs

from lp_pack.errors import ConfigError

pytest.importorskip("litert_torch", reason="the extra 'tflite' is not installed")

from ai_edge_litert import schema_py_generated as schema

from lp_pack.export.tflite import convert
from lp_pack.export.tflite_graph import TfliteModel
from lp_pack.quantize.recipes import Recipe, recipe_for
from lp_pack.quantize.tflite import compress
from lp_pack.quantize.tflite_layers import constants
from lp_runtime.engines import EngineOptions, engine_for
from lp_runtime.manifest import GraphFile, Precision


def outputs(module: torch.nn.Module, path: Path) -> dict[str, np.ndarray]:
    """What the engine answers to the module's example."""
    model = TfliteModel.read(path)
    record = GraphFile(
        path=path.name, files=(), inputs=model.inputs(), outputs=model.outputs(), operators={}
    )
    names: tuple[str, ...] = module.input_names  # type: ignore[assignment]
    feeds = zip(names, module.example_inputs(), strict=True)  # type: ignore[operator]
    loaded = engine_for("tflite").load(path, record, EngineOptions(threads=1))
    return loaded.run({name: tensor.numpy() for name, tensor in feeds})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "network.tflite"
    convert(LittleOfEverything(), path, "network")
    return path


def weight_types(path: Path) -> list[str]:
    """Element type of each convolution's weight, in order."""
    names = {value: name for name, value in vars(schema.TensorType).items()}
    model = TfliteModel.read(path)
    return [
        names[model.graph.tensors[operator.inputs[1]].type]
        for operator in model.graph.operators
        if model.operator_name(operator) == "CONV_2D"
    ]


@pytest.mark.parametrize(("precision", "weights"), [("int8", "INT8"), ("w8", "FLOAT32")])
def test_eight_bits_keep_the_answer(
    exported: Path, tmp_path: Path, precision: Precision, weights: str
) -> None:
    path = tmp_path / "small.tflite"
    done = compress(exported, path, all_narrow(recipe_for("tflite", precision)), None, "generator")
    assert path.stat().st_size < 0.6 * exported.stat().st_size
    assert weights in weight_types(path)
    module = LittleOfEverything().eval()
    expected, got = outputs(module, exported), outputs(module, path)
    for name in expected:
        error = np.abs(got[name] - expected[name]).max() / np.abs(expected[name]).max()
        assert error < 0.03
    assert np.abs(got["result"] - expected["result"]).max() > 1e-6
    np.testing.assert_array_equal(got["next_memory"], expected["next_memory"])
    assert {kept.rule for kept in done.kept_wide} == {"constants below 1024 numbers"}


def all_narrow(recipe: Recipe) -> Recipe:
    """The recipe without its rule for the last convolution, which here is the only large one."""
    wide = tuple(rule for rule in recipe.wide if not rule.name.startswith("last"))
    return Recipe(**{**vars(recipe), "wide": wide})


def test_the_last_convolution_stays_wider(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    done = compress(exported, path, recipe_for("tflite", "int8"), None, "generator")
    assert weight_types(path) == ["FLOAT32", "FLOAT32"]
    kept = {one.rule: one for one in done.kept_wide}
    assert kept["last convolution before the picture"].layers == 1
    assert kept["last convolution before the picture"].precision == "fp16"
    assert (done.recipe, done.calibration) == ("tflite-int8", None)


def test_a_layer_can_be_chosen_by_name(exported: Path, tmp_path: Path) -> None:
    model = TfliteModel.read(exported)
    (table,) = (
        one for one in constants(model) if tuple(model.graph.tensors[one.index].shape) == (400, 8)
    )
    recipe = recipe_for("tflite", "int8")
    wide = recipe.with_overrides("mine", {"generator": {table.layers[0]: "fp32"}})
    narrow, kept = tmp_path / "narrow.tflite", tmp_path / "kept.tflite"
    compress(exported, narrow, recipe, None, "generator")
    compress(exported, kept, wide, None, "generator")
    assert kept.stat().st_size - narrow.stat().st_size > 2 * 400 * 8
    wrong = recipe.with_overrides("mine", {"generator": {"no such layer": "w8"}})
    with pytest.raises(ConfigError, match="no such layer"):
        compress(exported, tmp_path / "never.tflite", wrong, None, "generator")
    assert not (tmp_path / "never.tflite").exists()


def test_equal_inputs_give_equal_bytes(exported: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "one.tflite", tmp_path / "two.tflite"]
    for path in paths:
        compress(exported, path, recipe_for("tflite", "int8"), None, "generator")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_speech_keeps_its_spectrum_and_its_state(tmp_path: Path) -> None:
    module, path = tiny_graphs()["audio2motion"], tmp_path / "audio2motion.tflite"
    convert(module, path, "audio2motion")  # type: ignore[arg-type]
    small = tmp_path / "small.tflite"
    done = compress(path, small, recipe_for("tflite", "int8"), None, "audio2motion")
    kept = {one.rule for one in done.kept_wide}
    assert {"power spectrum and logarithm of the mel front end"} < kept
    assert "first layer after the logarithm" in kept
    assert TfliteModel.read(small).inputs() == TfliteModel.read(path).inputs()
    expected, got = outputs(module, path), outputs(module, small)
    assert np.abs(got["motion"] - expected["motion"]).max() < 0.02
