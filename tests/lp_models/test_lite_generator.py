"""The lite generator: two paths that agree, a budget, and a file that holds it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from lp_models.baking import SourceFace
from lp_models.errors import CheckpointError, LpModelError
from lp_models.flops import cost
from lp_models.lite_dims import PRESETS, LiteGeneratorDims
from lp_models.lite_generator import LiteGenerator
from lp_models.lite_motion import RIGID_KEYPOINTS, KeypointFeatures
from lp_models.motion import HeadMotion, place_keypoints, rotation_matrix


def face(seed: int = 0) -> SourceFace:
    random = torch.Generator().manual_seed(seed)
    zero = torch.zeros(1, 1)
    motion = HeadMotion(
        torch.zeros(1, 21, 3), torch.full((1, 1), 1.3), torch.zeros(1, 3), zero, zero, zero
    )
    return SourceFace(torch.rand(1, 21, 3, generator=random) - 0.5, motion)


@pytest.fixture
def generator() -> LiteGenerator:
    """Random weights, so that every part moves the picture."""
    torch.manual_seed(3)
    lite = LiteGenerator(LiteGeneratorDims.tiny())
    lite.set_face(face())
    for parameter in lite.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    torch.nn.init.uniform_(lite.head)
    torch.nn.init.uniform_(lite.body)
    return lite.eval()


def test_the_exported_path_draws_what_the_training_path_draws(generator: LiteGenerator) -> None:
    (keypoints,) = generator.example_inputs()
    with torch.no_grad():
        exported = generator(keypoints)
        trained = generator.render(keypoints).clamp(0, 1)
    assert exported.shape == (1, 3, 64, 64)
    assert exported.std() > 0.02
    torch.testing.assert_close(exported, trained, atol=2e-4, rtol=0)


@pytest.mark.parametrize("crop", [(0, 0, 16), (24, 40, 16)])
def test_a_crop_is_a_part_of_the_whole(
    generator: LiteGenerator, crop: tuple[int, int, int]
) -> None:
    keypoints = generator.example_inputs()[0].repeat(2, 1, 1)
    top, left, side = crop
    with torch.no_grad():
        whole = generator.render(keypoints)
        part = generator.render(keypoints, crop=crop)
    torch.testing.assert_close(part, whole[:, :, top : top + side, left : left + side])


def test_every_frame_of_a_batch_is_drawn_for_itself(generator: LiteGenerator) -> None:
    random = torch.Generator().manual_seed(5)
    keypoints = generator.features.source_keypoints + 0.1 * torch.randn(3, 21, 3, generator=random)
    with torch.no_grad():
        together = generator.render(keypoints, size=32)
        alone = torch.cat([generator.render(points[None], size=32) for points in keypoints])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_outside_the_moving_box_the_body_shows(generator: LiteGenerator) -> None:
    top, left, height, width = generator.dims.moving_box
    generator.refiner = None
    (keypoints,) = generator.example_inputs()
    with torch.no_grad():
        frame = generator(keypoints)
    outside = torch.ones(64, 64, dtype=torch.bool)
    outside[top : top + height, left : left + width] = False
    body = generator.body.detach().clamp(0, 1)
    assert torch.equal(frame[:, :, outside], body[:, :, outside])


@pytest.mark.parametrize("half", [False, True])
def test_saved_and_loaded_it_draws_the_same(
    generator: LiteGenerator, tmp_path: Path, half: bool
) -> None:
    generator.save(tmp_path / "lite.safetensors", half=half)
    loaded = LiteGenerator.load(tmp_path / "lite.safetensors")
    if half:
        generator.round_to_half()
    (keypoints,) = generator.example_inputs()
    with torch.no_grad():
        difference = (generator(keypoints) - loaded(keypoints)).abs().mean()
    assert difference < 1e-7


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lite.safetensors"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="safetensors"):
        LiteGenerator.load(path)


def test_dims_survive_json_and_refuse_what_does_not_fit() -> None:
    dims = LiteGeneratorDims.tiny()
    assert LiteGeneratorDims.from_dict(dims.to_dict()) == dims
    with pytest.raises(LpModelError, match="not the dimensions"):
        LiteGeneratorDims.from_dict({**dims.to_dict(), "surprise": 1})
    with pytest.raises(LpModelError, match="rows that do not overlap"):
        dataclasses.replace(dims, windows=((0, 0, 32, 32), (16, 0, 32, 32))).validate()
    with pytest.raises(LpModelError, match="moving box"):
        dataclasses.replace(dims, moving_box=(0, 0, 65, 64)).validate()
    with pytest.raises(LpModelError, match="unknown size"):
        LiteGeneratorDims.preset("huge")


def test_expression_features_do_not_see_the_pose() -> None:
    features = KeypointFeatures()
    source = face(7)
    features.set_face(source.canonical_keypoints[0], source.keypoints[0])
    exp = torch.zeros(1, 21, 3)
    exp[0, 19, 1] = 0.05
    turned = place_keypoints(
        source.canonical_keypoints,
        rotation_matrix(torch.tensor([[12.0]]), torch.tensor([[-20.0]]), torch.tensor([[8.0]])),
        exp,
        torch.tensor([[1.3]]),
        torch.tensor([[0.1, -0.05, 0.0]]),
    )
    expression = features(turned)[:, 63:].reshape(21, 3)
    assert expression[19, 1] == pytest.approx(30 * 1.3 * 0.05, rel=1e-3)
    still = [index for index in range(21) if index != 19]
    assert expression[still].abs().max() < 2e-3
    assert 19 not in RIGID_KEYPOINTS


@pytest.mark.full_size
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_stays_within_the_budget(preset: str) -> None:
    lite = LiteGenerator(LiteGeneratorDims.preset(preset)).eval()
    measured = cost(lite, lite.example_inputs())
    assert measured.gigaflops <= 6
    assert measured.parameters <= 4_000_000
