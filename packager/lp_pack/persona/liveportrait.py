"""A persona of tier `full`: LivePortrait's networks around one portrait.

The weights are the published files, or, for the embedded default and for tests, seeded ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import torch

from lp_models.audio2motion import Audio2Motion
from lp_models.baked_generator import BakedGenerator, OriginalGenerator
from lp_models.baking import bake
from lp_models.checkpoint import checkpoint_paths, load_liveportrait, seeded_networks
from lp_models.checkpoint_layout import meta_networks
from lp_models.dims import LivePortraitDims
from lp_models.motion_stitcher import Mode, MotionStitcher
from lp_models.networks import LivePortraitNetworks
from lp_pack.errors import ConfigError
from lp_pack.hashing import file_sha256
from lp_pack.licences import ASTRONAUT, LIVEPORTRAIT, LP_PACK, PORTRAIT, LicenceText
from lp_pack.persona.baked import read_baked, write_baked
from lp_pack.persona.cropped import read_source, write_cropped
from lp_pack.persona.motion_network import MotionNetwork, count_weights
from lp_pack.persona.persona import Tier
from lp_pack.persona.picture import astronaut_path, check_picture, crop_picture
from lp_pack.portrait.crop_spec import parse_crop

# Beside the checkpoints of networks that are not of the published size: LivePortraitDims as JSON.
DIMS_NAME = "dims.json"
MAX_DIMS_BYTES = 65536
UNTRAINED_NETWORKS = "untrained: the networks hold seeded random weights, the pictures mean nothing"
UNTRAINED_MOTION = "untrained: the Audio2Motion network is random, speech moves the face at random"


@dataclass(frozen=True)
class LivePortraitPersona:
    """Portrait, crop, weights and motion network.

    portrait: a picture file; None: scikit-image's astronaut.
    weights: a folder in the published layout; None: weights drawn from `seed`.
    """

    portrait: Path | None
    weights: Path | None
    motion: MotionNetwork
    motion_mode: Mode = "relative"
    crop_text: str = "auto"
    dims: LivePortraitDims = field(default_factory=LivePortraitDims)
    seed: int = 0

    tier: Tier = "full"

    @property
    def trained(self) -> bool:
        """Whether every network holds learned weights."""
        return self.weights is not None and self.motion.trained

    @property
    def notes(self) -> tuple[str, ...]:
        """Which networks are random."""
        notes = () if self.weights is not None else (UNTRAINED_NETWORKS,)
        return notes if self.motion.trained else (*notes, UNTRAINED_MOTION)

    @property
    def licences(self) -> tuple[LicenceText, ...]:
        """Ours, the networks' and the picture's."""
        weights = (LIVEPORTRAIT,) if self.weights is not None else ()
        return (LP_PACK, *weights, ASTRONAUT if self.portrait is None else PORTRAIT)

    @property
    def portrait_path(self) -> Path:
        """The picture file."""
        return astronaut_path() if self.portrait is None else self.portrait

    @property
    def crop_inputs(self) -> Mapping[str, str]:
        """Picture, crop option and sizes."""
        return {
            "portrait": file_sha256(self.portrait_path),
            "crop": parse_crop(self.crop_text).describe(),
            "sizes": f"{self.dims.image_size} {self.dims.frame_size}",
        }

    @property
    def bake_inputs(self) -> Mapping[str, str]:
        """Every checkpoint file, and the dims."""
        return {**weight_hashes(self.weights), "dims": str(self.dims), "seed": str(self.seed)}

    @property
    def audio_inputs(self) -> Mapping[str, str]:
        """The Audio2Motion checkpoint."""
        return self.motion.inputs

    @property
    def provenance(self) -> Mapping[str, str]:
        """Hashes of the picture and of every checkpoint."""
        return {
            "portrait": file_sha256(self.portrait_path),
            **weight_hashes(self.weights),
            **self.motion.provenance,
        }

    @cached_property
    def weight_counts(self) -> Mapping[str, int]:
        """Of each graph's network; the generator's with the portrait's feature volume."""
        networks, dims = meta_networks(self.dims), self.dims
        volume = dims.volume_channels * dims.volume_depth * dims.volume_size**2
        return {
            "audio2motion": self.motion.weight_count,
            "stitching": count_weights(networks.stitching),
            "generator": count_weights(networks.warping, networks.spade_decoder) + volume,
        }

    def check(self) -> None:
        """Raise what can be known before anything long starts.

        Raises:
            PortraitError, CheckpointError, ConfigError: a file is absent or an option senseless.
        """
        check_picture(self.portrait_path, self.crop_text)
        if self.weights is not None:
            for path in checkpoint_paths(self.weights).values():
                if not path.is_file():
                    raise ConfigError(
                        "A checkpoint is missing",
                        where=path,
                        expected="the published files",
                        got="nothing",
                        remedy="get them with `lp-pack fetch-weights`, or check --weights",
                    )
        self.motion.check()

    def crop(self, output: Path) -> None:
        """Load the picture and frame the face."""
        write_cropped(
            crop_picture(
                self.portrait_path, self.crop_text, self.dims.frame_size, self.dims.image_size
            ),
            output,
        )

    def bake(self, cropped: Path, output: Path) -> None:
        """Run the extractors on the crop."""
        image = torch.from_numpy(read_source(cropped))[None]
        write_baked(bake(self._networks(), image), output)

    def audio2motion(self) -> Audio2Motion:
        """The motion network."""
        return self.motion.load()

    def stitching(self, baked: Path) -> MotionStitcher:
        """Motion to keypoints with this face frozen in."""
        networks = self._networks()
        return MotionStitcher(read_baked(baked).face, networks.stitching, self.motion_mode).eval()

    def generator(self, baked: Path, filter_depth: bool = True) -> BakedGenerator:
        """The rewritten networks with this face's volume frozen in."""
        networks = self._networks()
        persona = read_baked(baked)
        return BakedGenerator(
            networks.warping, networks.spade_decoder, persona, filter_depth=filter_depth
        )

    def original_generator(self, baked: Path) -> OriginalGenerator:
        """The networks as published."""
        networks = self._networks()
        return OriginalGenerator(networks.warping, networks.spade_decoder, read_baked(baked))

    def neutral_motion(self) -> np.ndarray:
        """(70,) of the motion network."""
        return self.motion.neutral_motion()

    def _networks(self) -> LivePortraitNetworks:
        if self.weights is None:
            return seeded_networks(self.dims, self.seed)
        return load_liveportrait(self.weights, self.dims)


def weight_hashes(weights: Path | None) -> dict[str, str]:
    """{published file: sha256} of a weights folder; empty where there is none."""
    if weights is None:
        return {}
    return {name: file_sha256(path) for name, path in sorted(checkpoint_paths(weights).items())}


def dims_of(weights: Path) -> LivePortraitDims:
    """The dims that lie beside the checkpoints, or else the published ones.

    Raises:
        ConfigError: the file is not JSON of network dimensions.
    """
    path = weights / DIMS_NAME
    if not path.is_file():
        return LivePortraitDims()
    try:
        with path.open("rb") as stream:
            content = msgspec.json.decode(stream.read(MAX_DIMS_BYTES), type=dict)
        return LivePortraitDims.from_dict(content)
    except msgspec.MsgspecError as error:
        raise ConfigError(
            "The dimensions beside the checkpoints cannot be read",
            where=path,
            expected="a JSON object of network dimensions",
            got=error,
            remedy="remove the file if these are the published weights",
        ) from error
