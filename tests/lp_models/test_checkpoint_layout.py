"""The published layout, held by digests: every key and shape of the released files."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import pytest
import torch

from lp_models.checkpoint import save_liveportrait, seeded_networks
from lp_models.checkpoint_layout import PUBLISHED_FILES, meta_networks, section_specs
from lp_models.dims import LivePortraitDims

# sha256 of {section/key: shape} as sorted JSON; parameters without running statistics and without
# the vectors of spectral normalisation.
DIGESTS = {
    "base_models/appearance_feature_extractor.pth": (
        "661dfdbd925238720704e31566e0a97a49bfac54fcf8d1e18510d7c67f3efe8e",
        836_224,
    ),
    "base_models/motion_extractor.pth": (
        "5f91b7a1f41aef91295a4f597984c18b7da4a5a74c73fcd73c70abd7efff95ef",
        28_118_728,
    ),
    "base_models/warping_module.pth": (
        "d5f15a9bf89f5fb086d5b74a13b794442b50226fedc49ff8f9dbe8edba4f0db9",
        45_529_829,
    ),
    "base_models/spade_generator.pth": (
        "2bc1d14caa811ce491020f241e99089a0f3f8ae3dd20ecbf9d4ed793174257dc",
        55_365_388,
    ),
    "retargeting_models/stitching_retargeting_module.pth": (
        "ce4cc0f08932b9a8aace37c0564b15bfc87c0347c6e0d7fc080e33749e185a5f",
        227_263,
    ),
}
NOT_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked", "weight_u", "weight_v")
Shapes = dict[str, list[int]]


def digest(shapes: Shapes) -> str:
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def count(shapes: Shapes) -> int:
    return sum(
        math.prod(shape) for key, shape in shapes.items() if not key.endswith(NOT_PARAMETERS)
    )


@pytest.mark.parametrize("name", PUBLISHED_FILES)
def test_the_networks_have_the_published_keys_and_shapes(name: str) -> None:
    networks = meta_networks(LivePortraitDims())
    shapes = {
        f"{section.name or ''}/{section.prefix}{key}": list(spec.shape)
        for section in PUBLISHED_FILES[name]
        for key, spec in section_specs(networks, section).items()
    }
    assert (digest(shapes), count(shapes)) == DIGESTS[name]


@pytest.mark.full_size
def test_saved_files_have_the_published_keys_and_shapes(tmp_path: Path) -> None:
    save_liveportrait(seeded_networks(LivePortraitDims(), seed=0), tmp_path)
    for name, expected in DIGESTS.items():
        content = torch.load(tmp_path / name, weights_only=True, mmap=True)
        named = any(isinstance(value, dict) for value in content.values())
        states = content if named else {"": content}
        shapes = {
            f"{section}/{key}": list(tensor.shape)
            for section, state in states.items()
            for key, tensor in state.items()
        }
        assert (digest(shapes), count(shapes)) == expected
