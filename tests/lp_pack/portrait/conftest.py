"""Pictures with and without faces, from what scikit-image ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

SavePicture = Callable[..., Path]


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A public-domain portrait, (512, 512, 3) uint8 RGB; the face is about 96 pixels wide."""
    picture: np.ndarray = data.astronaut()
    picture.setflags(write=False)
    return picture


@pytest.fixture
def save(tmp_path: Path) -> SavePicture:
    """Write an array or a Pillow image as a picture file; options go to Pillow."""

    def write(picture: np.ndarray | Image.Image, name: str = "portrait.png", **options) -> Path:
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        path = tmp_path / name
        picture.save(path, **options)
        return path

    return write
