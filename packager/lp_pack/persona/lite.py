"""A persona of tier `lite`: a small generator distilled for one face, and the face it draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lp_models.audio2motion import Audio2Motion
from lp_models.baking import SourceFace
from lp_models.checkpoint import load_liveportrait
from lp_models.checkpoint_layout import meta_networks
from lp_models.lite_generator import KIND, LiteGenerator
from lp_models.motion_stitcher import Mode, MotionStitcher
from lp_models.own_checkpoint import load_own
from lp_pack.distillation.face_record import FACE_KEY, face_from_text
from lp_pack.hashing import file_sha256
from lp_pack.licences import LIVEPORTRAIT, LP_PACK, PORTRAIT, LicenceText
from lp_pack.persona.cropped import CroppedPortrait, write_cropped
from lp_pack.persona.liveportrait import UNTRAINED_MOTION, dims_of, weight_hashes
from lp_pack.persona.motion_network import MotionNetwork, count_weights
from lp_pack.persona.persona import Tier
from lp_pack.persona.picture import check_picture, crop_picture
from lp_pack.portrait.crop_spec import parse_crop

# A picture's side as the extractors would see it; nothing of a lite persona reads it.
IMAGE_SIZE = 256
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


@dataclass(frozen=True)
class LitePersona:
    """A distilled generator, the portrait its frames go back into, and a motion network.

    generator_path: the checkpoint that `lp-pack distill` wrote; it holds the face as well.
    portrait: the picture it was distilled from; None: the generator's own frame at rest.
    weights: LivePortrait's checkpoints, for their stitching network; None: no stitching.
    """

    generator_path: Path
    motion: MotionNetwork
    portrait: Path | None = None
    weights: Path | None = None
    motion_mode: Mode = "relative"
    crop_text: str = "auto"

    tier: Tier = "lite"

    @property
    def trained(self) -> bool:
        """A distilled generator is; the motion network may not be."""
        return self.motion.trained

    @property
    def notes(self) -> tuple[str, ...]:
        """Which networks are random."""
        return () if self.motion.trained else (UNTRAINED_MOTION,)

    @property
    def licences(self) -> tuple[LicenceText, ...]:
        """Ours, the picture's, and LivePortrait's where its stitching network is inside."""
        weights = (LIVEPORTRAIT,) if self.weights is not None else ()
        return (LP_PACK, *weights, PORTRAIT)

    @property
    def crop_inputs(self) -> Mapping[str, str]:
        """The picture and the crop, or the generator that draws itself at rest."""
        if self.portrait is None:
            return {"portrait": "frame at rest", "crop": "none", **self._generator_hash()}
        return {
            "portrait": file_sha256(self.portrait),
            "crop": parse_crop(self.crop_text).describe(),
            **self._generator_hash(),
        }

    @property
    def bake_inputs(self) -> Mapping[str, str]:
        """The generator's file, and the stitching network's."""
        return {**self._generator_hash(), **weight_hashes(self.weights)}

    @property
    def audio_inputs(self) -> Mapping[str, str]:
        """The Audio2Motion checkpoint."""
        return self.motion.inputs

    @property
    def provenance(self) -> Mapping[str, str]:
        """Hashes of every input file."""
        portrait = {} if self.portrait is None else {"portrait": file_sha256(self.portrait)}
        return {**portrait, **self.bake_inputs, **self.motion.provenance}

    @cached_property
    def weight_counts(self) -> Mapping[str, int]:
        """Of each graph's network."""
        stitching = 0
        if self.weights is not None:
            stitching = count_weights(meta_networks(dims_of(self.weights)).stitching)
        return {
            "audio2motion": self.motion.weight_count,
            "stitching": stitching,
            "generator": count_weights(LiteGenerator.load(self.generator_path)),
        }

    def check(self) -> None:
        """Raise what can be known before anything long starts."""
        LiteGenerator.load(self.generator_path)
        self.face()
        if self.portrait is not None:
            check_picture(self.portrait, self.crop_text)
        self.motion.check()

    def face(self) -> SourceFace:
        """Whose face the generator draws, as its checkpoint records."""
        extra = load_own(self.generator_path, KIND).extra
        return face_from_text(extra.get(FACE_KEY, ""), self.generator_path)

    def crop(self, output: Path) -> None:
        """The picture and its crop, or the frame at rest with nothing around it."""
        generator = LiteGenerator.load(self.generator_path)
        size = generator.dims.frame_size
        if self.portrait is not None:
            write_cropped(crop_picture(self.portrait, self.crop_text, size, IMAGE_SIZE), output)
            return
        write_cropped(whole_frame(self.picture_at_rest(generator)), output)

    def picture_at_rest(self, generator: LiteGenerator) -> np.ndarray:
        """(size, size, 3) uint8 RGB, the face with its own keypoints."""
        with torch.inference_mode():
            frame = generator(self.face().keypoints)[0]
        return (frame.permute(1, 2, 0).numpy() * 255.0).round().astype(np.uint8)

    def bake(self, cropped: Path, output: Path) -> None:
        """Nothing to compute: generator and face come from one file."""
        (output / "face.json").write_text(load_own(self.generator_path, KIND).extra[FACE_KEY])

    def audio2motion(self) -> Audio2Motion:
        """The motion network."""
        return self.motion.load()

    def stitching(self, baked: Path) -> MotionStitcher:
        """Motion to keypoints of this face."""
        network = None
        if self.weights is not None:
            network = load_liveportrait(self.weights, dims_of(self.weights)).stitching
        return MotionStitcher(self.face(), network, self.motion_mode).eval()

    def generator(self, baked: Path, filter_depth: bool = True) -> LiteGenerator:
        """The distilled generator, which has no depth."""
        return LiteGenerator.load(self.generator_path)

    def original_generator(self, baked: Path) -> TrainingPath:
        """The same network as it was trained, sampled in another way."""
        return TrainingPath(LiteGenerator.load(self.generator_path))

    def neutral_motion(self) -> np.ndarray:
        """(70,) what the motion network's motion is relative to."""
        return self.motion.neutral_motion()

    def _generator_hash(self) -> dict[str, str]:
        return {"lite_generator": file_sha256(self.generator_path)}


class TrainingPath(nn.Module):
    """The lite generator as training draws it: what the exported path is measured against."""

    input_names = ("keypoints",)
    output_names = ("frame",)

    def __init__(self, generator: LiteGenerator) -> None:
        super().__init__()
        self.network = generator

    def example_inputs(self) -> tuple[Tensor, ...]:
        """As the generator's."""
        return self.network.example_inputs()

    def forward(self, keypoints: Tensor) -> Tensor:
        """Keypoints (1, 21, 3) -> frame (1, 3, size, size) in [0, 1]."""
        return self.network.render(keypoints).clamp(0, 1)


def whole_frame(picture: np.ndarray) -> CroppedPortrait:
    """A square picture (size, size, 3) uint8 that frames replace as a whole."""
    return CroppedPortrait(
        source=np.ascontiguousarray(picture.transpose(2, 0, 1).astype(np.float32) / 255.0),
        portrait=picture,
        mask=np.full(picture.shape[:2], 255, dtype=np.uint8),
        frame_to_portrait=IDENTITY,
    )
