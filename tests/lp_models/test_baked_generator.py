"""The baked generator is the original W and G: keypoints in, the same frame out, portable graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from shared_data import shared_path

from lp_models.baked_generator import BakedGenerator, OriginalGenerator
from lp_models.baking import SourcePersona, bake
from lp_models.dims import LivePortraitDims
from lp_models.errors import BakingError
from lp_models.networks import LivePortraitNetworks
from lp_models.seeded import seeded_networks
from lp_pack.export.onnx import export_onnx

onnx = pytest.importorskip("onnx")

MAX_ABS = 1e-4  # on a frame in [0, 1]: design.md, parity step 1
FORBIDDEN_OPERATORS = {"GridSample", "ScatterND", "Loop", "If", "Scan"}
MAX_RANK = 4
# Several times a real head movement, up to keypoints far outside the [-1, 1] volume.
DISPLACEMENTS = (0.0, 0.02, 0.1, 0.5, 2.0, 20.0)


@pytest.fixture(scope="module")
def baked(tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona) -> BakedGenerator:
    return BakedGenerator(tiny_networks.warping, tiny_networks.spade_decoder, tiny_persona)


@pytest.fixture(scope="module")
def original(tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona) -> OriginalGenerator:
    return OriginalGenerator(tiny_networks.warping, tiny_networks.spade_decoder, tiny_persona)


@pytest.fixture(scope="module")
def exported(baked: BakedGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "generator.onnx"
    export_onnx(baked, path, "generator")
    return path


def displaced(persona: SourcePersona, by: float, seed: int = 0) -> torch.Tensor:
    source = persona.face.keypoints
    moved = torch.randn(source.shape, generator=torch.Generator().manual_seed(seed))
    return source + by * moved


@torch.no_grad()
def difference(first: torch.nn.Module, second: torch.nn.Module, keypoints: torch.Tensor) -> float:
    return float((first(keypoints) - second(keypoints)).abs().max())


@pytest.mark.parametrize("by", DISPLACEMENTS)
def test_frame_equals_the_original(
    baked: BakedGenerator, original: OriginalGenerator, tiny_persona: SourcePersona, by: float
) -> None:
    assert difference(baked, original, displaced(tiny_persona, by)) < MAX_ABS


def test_frame_equals_the_original_without_depth_filtering(
    tiny_networks: LivePortraitNetworks, original: OriginalGenerator, tiny_persona: SourcePersona
) -> None:
    plain = BakedGenerator(
        tiny_networks.warping, tiny_networks.spade_decoder, tiny_persona, filter_depth=False
    )
    assert difference(plain, original, displaced(tiny_persona, 0.1)) < MAX_ABS


@torch.no_grad()
def test_keypoints_move_the_frame(baked: BakedGenerator, tiny_persona: SourcePersona) -> None:
    at_rest, moved = (baked(displaced(tiny_persona, by)) for by in (0.0, 0.1))
    assert at_rest.shape == (1, 3, 128, 128)
    assert 0 <= float(at_rest.min()) <= float(at_rest.max()) <= 1
    assert float((moved - at_rest).abs().max()) > 100 * MAX_ABS


def test_examples_are_the_same_on_every_call(baked: BakedGenerator) -> None:
    (first,), (second,) = baked.example_inputs(), baked.example_inputs()
    assert torch.equal(first, second)
    assert baked.input_names == ("keypoints",)
    assert baked.output_names == ("frame",)


def test_the_original_networks_are_left_unchanged(
    tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona
) -> None:
    before = {k: v.clone() for k, v in tiny_networks.warping.state_dict().items()}
    BakedGenerator(tiny_networks.warping, tiny_networks.spade_decoder, tiny_persona)
    after = tiny_networks.warping.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_persona_of_other_dims_is_refused(
    tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona
) -> None:
    shallow = replace(tiny_persona, feature_volume=tiny_persona.feature_volume[:, :, :2])
    with pytest.raises(BakingError) as raised:
        BakedGenerator(tiny_networks.warping, tiny_networks.spade_decoder, shallow)
    assert raised.value.got == (1, 4, 2, 16, 16)
    assert raised.value.expected == (1, 4, 4, 16, 16)


def test_graph_is_portable(exported: Path) -> None:
    graph = onnx.shape_inference.infer_shapes(
        onnx.load(exported), check_type=True, strict_mode=True, data_prop=True
    ).graph
    assert {node.domain for node in graph.node} <= {"", "ai.onnx"}
    assert not FORBIDDEN_OPERATORS & {node.op_type for node in graph.node}
    shapes = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    values = [*graph.input, *graph.value_info, *graph.output]
    shapes |= {value.name: len(value.type.tensor_type.shape.dim) for value in values}
    for node in graph.node:
        for name in node.output:
            assert shapes[name] <= MAX_RANK, f"{node.op_type} {node.name} makes rank {shapes[name]}"
        if node.op_type in ("Conv", "ConvTranspose"):
            assert shapes[node.input[1]] == 4, f"{node.name} is not a 2-D convolution"


def test_graph_holds_no_unused_weight(exported: Path) -> None:
    graph = onnx.load(exported).graph
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


def test_every_buffer_reaches_the_graph(baked: BakedGenerator, exported: Path) -> None:
    graph = onnx.load(exported).graph
    in_graph = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
    in_module = sum(tensor.numel() for tensor in baked.state_dict().values())
    # Equal constants may be shared, and the exporter adds a few shapes and indices.
    assert 0.9 * in_module < in_graph < 1.1 * in_module
    assert not list(baked.parameters())


def test_onnx_runtime_draws_the_same_frame(
    baked: BakedGenerator, exported: Path, tiny_persona: SourcePersona
) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for by in DISPLACEMENTS:
        keypoints = displaced(tiny_persona, by)
        (frame,) = session.run(["frame"], {"keypoints": keypoints.numpy()})
        with torch.no_grad():
            expected = baked(keypoints).numpy()
        assert np.abs(frame - expected).max() < 1e-3


@pytest.mark.parametrize(
    "changes", [{"volume_depth": 5}, {"spade_middle_blocks": 1}, {"compressed_channels": 1}]
)
def test_other_sizes(changes: dict[str, int]) -> None:
    dims = replace(LivePortraitDims.tiny(), **changes)
    networks = seeded_networks(dims, seed=1)
    image = torch.rand(1, 3, dims.image_size, dims.image_size)
    persona = bake(networks, image)
    arguments = (networks.warping, networks.spade_decoder, persona)
    baked, original = BakedGenerator(*arguments), OriginalGenerator(*arguments)
    assert difference(baked, original, displaced(persona, 0.2)) < MAX_ABS


@pytest.mark.full_size
def test_published_size(golden_networks: LivePortraitNetworks) -> None:
    golden = np.load(shared_path("liveportrait/golden_seed0.npz"))
    image = torch.from_numpy(golden["source"]).permute(2, 0, 1).unsqueeze(0).float() / 255
    persona = bake(golden_networks, image)
    arguments = (golden_networks.warping, golden_networks.spade_decoder, persona)
    baked, original = BakedGenerator(*arguments), OriginalGenerator(*arguments)
    recorded = torch.from_numpy(golden["x_stitched"])
    frames = [recorded[0:1], recorded[2:3], displaced(persona, 0.3)]
    for keypoints in frames:
        assert difference(baked, original, keypoints) < MAX_ABS
    with torch.no_grad():
        drawn = baked(recorded[1:2])[0, :, ::4, ::4].numpy()
    assert np.abs(drawn - golden["frame[:,:,::4,::4]"][1]).max() < MAX_ABS
