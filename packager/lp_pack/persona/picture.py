"""The picture of a persona: where it is, whether it can be, and its crop."""

from __future__ import annotations

from pathlib import Path

import skimage.data

from lp_pack.errors import ConfigError
from lp_pack.persona.cropped import CroppedPortrait, Row
from lp_pack.portrait.crop_spec import parse_crop
from lp_pack.portrait.feather_mask import feather_mask
from lp_pack.portrait.prepare import prepare_portrait


def astronaut_path() -> Path:
    """Where scikit-image keeps its portrait of an astronaut."""
    return Path(skimage.data.__file__).parent / "astronaut.png"


def check_picture(path: Path, crop_text: str) -> None:
    """Raise PortraitError or ConfigError for a crop that means nothing or a file that is absent."""
    parse_crop(crop_text)
    if not path.is_file():
        raise ConfigError(
            "There is no such portrait",
            where=path,
            expected="a picture file",
            got="a folder" if path.is_dir() else "nothing",
            remedy="check the path given to --portrait",
        )


def crop_picture(path: Path, crop_text: str, frame_size: int, image_size: int) -> CroppedPortrait:
    """Load the picture and frame the face; sizes in pixels, of the frame and of the input.

    Raises:
        PortraitError: the picture or the crop cannot be used.
    """
    crop = prepare_portrait(path, crop_text, frame_size, image_size)
    first, second = ([float(number) for number in row] for row in crop.frame_to_portrait)
    rows: tuple[Row, Row] = ((first[0], first[1], first[2]), (second[0], second[1], second[2]))
    return CroppedPortrait(
        source=crop.network_input[0],
        portrait=crop.portrait,
        mask=feather_mask(frame_size),
        frame_to_portrait=rows,
        notices=crop.notices,
    )
