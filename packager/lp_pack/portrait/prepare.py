"""The one call that the build makes: a portrait file and a crop option become a PortraitCrop."""

from __future__ import annotations

from pathlib import Path

from lp_pack.portrait.crop import PortraitCrop, crop_portrait
from lp_pack.portrait.crop_spec import CropSpec, parse_crop
from lp_pack.portrait.loading import load_portrait


def prepare_portrait(
    path: str | Path, crop: str | CropSpec = "auto", frame_size: int = 512, image_size: int = 256
) -> PortraitCrop:
    """Load the picture at `path` and frame it as `crop` says.

    `frame_size` and `image_size` are the networks' output and input sides in pixels.
    Raises PortraitError for a picture or a crop that cannot be used.
    """
    spec = parse_crop(crop) if isinstance(crop, str) else crop
    return crop_portrait(load_portrait(path), spec, Path(path), frame_size, image_size)
