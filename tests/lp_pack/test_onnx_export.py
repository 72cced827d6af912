"""torch module to ONNX file: names, shapes, bytes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from lp_pack.errors import ExportError
from lp_pack.export import onnx_graph
from lp_pack.export.onnx import export_onnx


class Network(nn.Module):
    """A little of everything that the real graphs hold."""

    input_names: tuple[str, ...] = ("picture", "state")
    output_names: tuple[str, ...] = ("result", "next_state")

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.convolution = nn.Conv2d(4, 8, 3, padding=1)
            self.register_buffer("table", torch.randn(100, 8))

    def example_inputs(self) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(1)
        return (
            torch.randn(1, 4, 8, 8, generator=generator),
            torch.randn(1, 4, generator=generator),
        )

    def forward(self, picture: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        features = torch.relu(self.convolution(picture))
        first, second = features.chunk(2, dim=1)
        rows = (first[:, 0] * 10).clamp(0, 99).floor().to(torch.int32).reshape(-1)
        found = nn.functional.embedding(rows, self.table)
        larger = nn.functional.interpolate(second, scale_factor=2.0, mode="nearest")
        return nn.functional.pixel_shuffle(larger, 2) + found.mean(), 2 * state + 1


def expect_refusal(module: nn.Module, tmp_path: Path) -> ExportError:
    path = tmp_path / "refused.onnx"
    with pytest.raises(ExportError) as error:
        export_onnx(module, path, "graph")  # type: ignore[arg-type]
    assert not path.exists()
    return error.value


def one_to_one(function: object, *shape: int) -> nn.Module:
    """A module of one input and one output that calls `function`."""

    class Wrapped(nn.Module):
        input_names = ("x",)
        output_names = ("y",)

        def example_inputs(self) -> tuple[Tensor, ...]:
            return (torch.randn(shape, generator=torch.Generator().manual_seed(0)),)

        def forward(self, x: Tensor) -> Tensor:
            return function(x)  # type: ignore[operator,no-any-return]

    return Wrapped()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "network.onnx"
    export_onnx(Network(), path, "network")
    return path


def test_the_engine_agrees_with_torch(exported: Path) -> None:
    network = Network().eval()
    inputs = network.example_inputs()
    session = onnxruntime.InferenceSession(exported)
    feeds = {name: t.numpy() for name, t in zip(network.input_names, inputs, strict=True)}
    got = session.run(list(network.output_names), feeds)
    with torch.inference_mode():
        expected = network(*inputs)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-5)


def test_names_of_inputs_outputs_and_weights_survive(exported: Path) -> None:
    graph = onnx_graph.load(exported).graph
    assert [value.name for value in graph.inputs] == ["picture", "state"]
    assert [value.name for value in graph.outputs] == ["result", "next_state"]
    assert {"convolution.weight", "convolution.bias", "table"} <= set(graph.initializers)


def test_every_value_has_a_static_shape_of_rank_4_at_most(exported: Path) -> None:
    model = onnx_graph.load(exported)
    assert onnx_graph.max_rank(model) == 4
    for value in onnx_graph.all_values(model):
        assert value.shape is not None
        assert value.shape.is_static()


def test_equal_modules_give_equal_bytes_without_paths(exported: Path, tmp_path: Path) -> None:
    again = tmp_path / "elsewhere" / "again.onnx"
    export_onnx(Network(), again, "network")
    content = again.read_bytes()
    assert content == exported.read_bytes()
    for trace in (str(Path(__file__).parent), "site-packages", "stack_trace", "forward"):
        assert trace.encode() not in content


def test_the_header_says_who_and_nothing_else(exported: Path) -> None:
    model = onnx_graph.load(exported)
    assert model.producer_name == "lp-pack"
    assert not model.producer_version
    assert not model.doc_string
    assert model.graph.name == "network"
    assert not model.metadata_props
    assert all(not node.metadata_props and not node.doc_string for node in model.graph)


def test_an_operator_without_counterpart_is_named(tmp_path: Path) -> None:
    error = expect_refusal(one_to_one(lambda x: torch.linalg.svd(x)[0], 4, 4), tmp_path)
    assert "aten._linalg_svd" in str(error)
    assert "graph 'graph'" in str(error)


def test_grid_sample_is_refused(tmp_path: Path) -> None:
    grid = torch.zeros(1, 4, 4, 2)
    module = one_to_one(
        lambda x: nn.functional.grid_sample(x, grid, align_corners=False), 1, 1, 4, 4
    )
    assert "GridSample" in str(expect_refusal(module, tmp_path))


def test_a_tensor_of_rank_5_is_refused(tmp_path: Path) -> None:
    weight = torch.ones(1, 1, 1, 1, 1)
    module = one_to_one(lambda x: nn.functional.conv3d(x[:, None], weight)[:, 0] + 1.0, 1, 4, 4, 4)
    assert "rank 5" in str(expect_refusal(module, tmp_path))


def test_names_that_do_not_match_are_refused(tmp_path: Path) -> None:
    module = Network()
    module.input_names = ("picture",)
    assert "input_names" in str(expect_refusal(module, tmp_path))
    module = Network()
    module.output_names = ("result", "result")
    assert "output_names" in str(expect_refusal(module, tmp_path))


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\x08\x07not a graph")
    with pytest.raises(ExportError, match="readable"):
        onnx_graph.load(path)
