"""What a build needs to know about a persona, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from lp_models.audio2motion import Audio2Motion
from lp_models.motion_stitcher import Mode
from lp_pack.export.exportable import Exportable
from lp_pack.licences import LicenceText

Tier = Literal["full", "lite"]


class Persona(Protocol):
    """Three networks and the picture they belong to.

    The methods that take folders are the bodies of build stages: they read only those folders and
    the files whose hashes the `*_inputs` properties name.
    """

    @property
    def tier(self) -> Tier:
        """Which generator."""

    @property
    def trained(self) -> bool:
        """False where any network holds random weights."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user must know first."""

    @property
    def motion_mode(self) -> Mode:
        """Whether motion is relative to a reference."""

    @property
    def licences(self) -> tuple[LicenceText, ...]:
        """Under what terms the content stands."""

    @property
    def crop_inputs(self) -> Mapping[str, str]:
        """What `crop` depends on: role -> hash or option."""

    @property
    def bake_inputs(self) -> Mapping[str, str]:
        """What `bake` and the generator depend on beside the crop."""

    @property
    def audio_inputs(self) -> Mapping[str, str]:
        """What `audio2motion` depends on."""

    @property
    def provenance(self) -> Mapping[str, str]:
        """{role: sha256} of the input files, for the manifest."""

    @property
    def weight_counts(self) -> Mapping[str, int]:
        """{graph: how many numbers its network holds}; shapes alone, nothing is loaded twice."""

    def crop(self, output: Path) -> None:
        """Write what `persona.cropped` reads: network input, portrait, mask, transform."""

    def bake(self, cropped: Path, output: Path) -> None:
        """Write what `persona.baked` reads: the source's constants."""

    def audio2motion(self) -> Audio2Motion:
        """The audio2motion graph's module."""

    def stitching(self, baked: Path) -> Exportable:
        """The stitching graph's module."""

    def generator(self, baked: Path, filter_depth: bool = True) -> Exportable:
        """The generator graph's module; `filter_depth` as in `BakedGenerator`, if it has that."""

    def original_generator(self, baked: Path) -> Exportable | None:
        """The networks that the generator was rewritten from; None where there are none."""

    def neutral_motion(self) -> np.ndarray:
        """(70,) the motion at which the audio2motion network means a face at rest."""
