"""torch module to LiteRT file and back: names, numbers, half precision, and what is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from export_networks import LittleOfEverything, Untranslatable, convert_by_dying, tiny_graphs
from torch import nn

from lp_pack.errors import ConfigError, ExportError
from lp_pack.export.converters import check_converters
from lp_pack.export.isolated import run_isolated
from lp_runtime.engines import EngineOptions, engine_for
from lp_runtime.errors import EngineError
from lp_runtime.manifest import GraphFile

pytest.importorskip("litert_torch", reason="the extra 'tflite' is not installed")

from lp_pack.export.tflite import convert, export_tflite
from lp_pack.export.tflite_graph import TfliteModel
from lp_pack.export.tflite_rewrites import Box, find_box
from lp_pack.precision.tflite_fp16 import to_fp16_weights

SMALL_GRAPHS = ("audio2motion", "stitching", "lite")


def graph_file(path: Path) -> GraphFile:
    model = TfliteModel.read(path)
    return GraphFile(
        path=path.name,
        files=(),
        inputs=model.inputs(),
        outputs=model.outputs(),
        operators=model.operator_counts(),
    )


def largest_difference(module: nn.Module, path: Path) -> float:
    """Over all outputs, engine against torch, relative to each output's largest value."""
    inputs = module.example_inputs()  # type: ignore[operator]
    with torch.inference_mode():
        result = module(*inputs)
    outputs = result if isinstance(result, tuple) else (result,)
    loaded = engine_for("tflite").load(path, graph_file(path), EngineOptions(threads=1))
    names: tuple[str, ...] = module.input_names  # type: ignore[assignment]
    got = loaded.run({name: t.numpy() for name, t in zip(names, inputs, strict=True)})
    return max(
        float(np.abs(got[name] - t.numpy()).max() / max(1.0, float(t.abs().max())))
        for name, t in zip(module.output_names, outputs, strict=True)  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "network.tflite"
    export_tflite(LittleOfEverything(), path, "network")
    return path


def test_the_engine_agrees_with_torch(exported: Path) -> None:
    assert largest_difference(LittleOfEverything().eval(), exported) < 1e-5


def test_the_signature_keeps_the_names(exported: Path) -> None:
    model = TfliteModel.read(exported)
    assert {spec.name for spec in model.inputs()} == {"picture", "memory"}
    outputs = {spec.name: spec for spec in model.outputs()}
    assert set(outputs) == {"result", "next_memory"}
    assert (outputs["result"].shape, outputs["result"].layout) == ((1, 8, 32, 32), "NCHW")


def test_equal_modules_give_equal_bytes_without_paths(exported: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere" / "again.tflite"
    export_tflite(LittleOfEverything(), again, "network")
    content = again.read_bytes()
    assert content == exported.read_bytes()
    assert str(Path(__file__).parent).encode() not in content


def test_reading_and_writing_changes_nothing_that_runs(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tflite"
    TfliteModel.read(exported).write(copy)
    assert largest_difference(LittleOfEverything().eval(), copy) < 1e-5


def test_half_precision_halves_weights_and_leaves_coordinates(
    exported: Path, tmp_path: Path
) -> None:
    model = TfliteModel.read(exported)
    assert to_fp16_weights(model) == 2  # the wide kernel and the table, not the small kernel
    path = tmp_path / "half.tflite"
    model.write(path)
    assert TfliteModel.read(path).operator_counts()["DEQUANTIZE"] == 2
    assert path.stat().st_size < 0.8 * exported.stat().st_size
    error = largest_difference(LittleOfEverything().eval(), path)
    assert 1e-6 < error < 2e-3


@pytest.mark.parametrize("name", SMALL_GRAPHS)
def test_every_graph_agrees_in_both_precisions(name: str, tmp_path: Path) -> None:
    module, path = tiny_graphs()[name], tmp_path / f"{name}.tflite"
    convert(module, path, name)  # type: ignore[arg-type]
    assert largest_difference(module, path) < 1e-4
    model = TfliteModel.read(path)
    assert {spec.name for spec in model.inputs()} == set(module.input_names)  # type: ignore[arg-type]
    to_fp16_weights(model)
    model.write(path)
    assert largest_difference(module, path) < 5e-3


def test_an_operator_without_counterpart_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as error:
        convert(Untranslatable(), tmp_path / "refused.tflite", "graph")
    text = str(error.value)
    assert "svd" in text
    assert "Untranslatable" in text
    assert "export_networks.py:" in text


def test_a_crash_becomes_an_error_with_the_log(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="signal 6") as error:
        run_isolated(convert_by_dying, nn.Identity(), tmp_path, "graph", what="A conversion")
    log = Path(str(error.value.remedy).split(": ")[1])
    assert "assertion failed in pass 7" in log.read_text()
    log.unlink()


def test_a_missing_converter_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "litert_torch" else find(name)
    )
    with pytest.raises(ConfigError, match=r"lp-pack\[tflite\]"):
        check_converters(("onnx", "tflite"))
    check_converters(("onnx",))


def test_the_engine_refuses_what_the_manifest_does_not_say(exported: Path, tmp_path: Path) -> None:
    record = graph_file(exported)
    engine = engine_for("tflite")
    other = GraphFile(
        path=record.path,
        files=(),
        inputs=record.inputs[:1],
        outputs=record.outputs,
        operators={},
    )
    with pytest.raises(EngineError, match="not those that the manifest lists"):
        engine.load(exported, other, EngineOptions())
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(exported.read_bytes()[:1000])
    with pytest.raises(EngineError, match="cannot load"):
        engine.load(broken, record, EngineOptions())
    (tmp_path / "text.tflite").write_text("this is no graph")
    with pytest.raises(ExportError, match="LiteRT"):
        TfliteModel.read(tmp_path / "text.tflite")


def test_the_engine_reports_a_wrong_shape(exported: Path) -> None:
    loaded = engine_for("tflite").load(exported, graph_file(exported), EngineOptions())
    wrong = {"picture": np.zeros((1, 4, 8, 9), np.float32), "memory": np.zeros((1, 4), np.float32)}
    with pytest.raises(EngineError, match=r"network\.tflite"):
        loaded.run(wrong)


def test_look_ups_become_gathers(exported: Path) -> None:
    counts = TfliteModel.read(exported).operator_counts()
    assert counts["GATHER"] == 1
    assert "EMBEDDING_LOOKUP" not in counts


class CutTable(nn.Module):
    """A table that is read by rows and pasted in boxes, as the lite generator's portrait is."""

    input_names = ("row",)
    output_names = ("found", "pasted")

    def __init__(self) -> None:
        super().__init__()
        values = torch.randn(64, 48, 4, generator=torch.Generator().manual_seed(0))
        self.register_buffer("picture", values)

    def example_inputs(self) -> tuple[torch.Tensor, ...]:
        return (torch.tensor([[0.3]]),)

    def forward(self, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        index = (row.reshape(1) * 9).to(torch.int32)
        found = nn.functional.embedding(index, self.picture.reshape(-1, 4))
        middle = row.reshape(1, 1, 1).expand(40, 2, 4)
        return found, torch.cat([self.picture[8:48, :40], middle, self.picture[8:48, 10:]], dim=1)


def test_a_constant_inside_another_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    convert(CutTable(), path, "cut")
    assert TfliteModel.read(path).operator_counts()["SLICE"] == 2
    assert path.stat().st_size < 1.3 * 4 * 64 * 48 * 4
    assert largest_difference(CutTable().eval(), path) < 1e-6


def test_only_whole_boxes_are_found() -> None:
    table = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    picture = table.reshape(6, 10, 3)
    assert find_box(picture[2:5, 4:8], table) == Box(top=2, left=4, stride=10)
    assert find_box(picture[1:4], table) == Box(top=1, left=0, stride=10)
    changed = picture[2:5, 4:8].copy()
    changed[2, 3, 1] += 1
    assert find_box(changed, table) is None
    assert find_box(table.reshape(20, 3, 3)[:2, :, ::-1], table) is None


def test_tensors_are_named_after_their_operators(exported: Path) -> None:
    model = TfliteModel.read(exported)
    names = [tensor.name.decode() for tensor in model.graph.tensors]
    assert len(names) == len(set(names))
    made = {model.operator_name(op): names[op.outputs[0]] for op in model.graph.operators}
    assert made["CONV_2D"] == "conv_2d_1"
