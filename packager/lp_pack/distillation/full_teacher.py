"""The usual teacher: full LivePortrait, baked for one portrait."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from lp_models.baking import SourceFace
from lp_models.dims import LivePortraitDims
from lp_pack.distillation.teacher import GeneratorTeacher
from lp_pack.hashing import file_sha256
from lp_pack.persona.baked import read_baked
from lp_pack.persona.liveportrait import LivePortraitPersona, dims_of
from lp_pack.persona.motion_network import MotionNetwork


@dataclass(frozen=True)
class FullTeacher:
    """A teacher, the face it draws, and a name that changes with portrait, crop and weights."""

    teacher: GeneratorTeacher
    face: SourceFace
    name: str


def full_teacher(
    portrait: Path | None, weights: Path | None, crop: str = "auto", device: str = "cpu"
) -> FullTeacher:
    """Crop and bake a portrait and wrap its generator.

    Args:
        portrait: picture file; None: scikit-image's astronaut.
        weights: folder of checkpoints; None: seeded networks of the published size.
        crop: as `lp-pack build --crop`.
        device: torch's name of where the teacher runs.

    Raises:
        PortraitError, CheckpointError, ConfigError: An input is absent or unusable.
    """
    persona = LivePortraitPersona(
        portrait=portrait,
        weights=weights,
        motion=MotionNetwork(None),
        crop_text=crop,
        dims=LivePortraitDims() if weights is None else dims_of(weights),
    )
    persona.check()
    with tempfile.TemporaryDirectory(prefix="lp-pack-") as temporary:
        cropped, baked = Path(temporary) / "cropped", Path(temporary) / "baked"
        cropped.mkdir()
        baked.mkdir()
        persona.crop(cropped)
        persona.bake(cropped, baked)
        generator = persona.generator(baked)
        face = read_baked(baked).face
    parts = {**persona.bake_inputs, "portrait": file_sha256(persona.portrait_path), "crop": crop}
    name = "full LivePortrait " + " ".join(f"{key}={value}" for key, value in sorted(parts.items()))
    return FullTeacher(GeneratorTeacher(generator, persona.dims.frame_size, device), face, name)
