"""Networks that several tests of lp_models share; all of them seeded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from shared_data import shared_path

from lp_models.baking import SourcePersona, bake
from lp_models.checkpoint import LivePortraitNetworks, load_liveportrait, seeded_networks
from lp_models.dims import LivePortraitDims


@pytest.fixture(scope="session")
def tiny_dims() -> LivePortraitDims:
    return LivePortraitDims.tiny()


@pytest.fixture(scope="session")
def tiny_networks(tiny_dims: LivePortraitDims) -> LivePortraitNetworks:
    return seeded_networks(tiny_dims, seed=0)


@pytest.fixture(scope="session")
def tiny_image(tiny_dims: LivePortraitDims) -> torch.Tensor:
    size = tiny_dims.image_size
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def tiny_persona(tiny_networks: LivePortraitNetworks, tiny_image: torch.Tensor) -> SourcePersona:
    return bake(tiny_networks, tiny_image)


@pytest.fixture(scope="session")
def golden_weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the published layout and size whose values follow from the key names."""
    script = shared_path("liveportrait/weights_by_name.py")
    folder = tmp_path_factory.mktemp("weights_by_name")
    command = [sys.executable, str(script), str(folder), "--seed", "0"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def golden_networks(golden_weights_dir: Path) -> LivePortraitNetworks:
    return load_liveportrait(golden_weights_dir)
