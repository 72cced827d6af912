"""The licence texts that a bundle carries."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class LicenceText:
    """What the licence covers, its SPDX name, and the file of this package that holds it."""

    subject: str
    spdx: str
    file_name: str

    def text(self) -> bytes:
        """The licence as it goes into the bundle."""
        return resources.files(__name__).joinpath(self.file_name).read_bytes()


LP_PACK = LicenceText("graphs and manifest made by lp-pack", "Apache-2.0", "Apache-2.0.txt")
LIVEPORTRAIT = LicenceText(
    "network weights published by LivePortrait", "MIT", "MIT-LivePortrait.txt"
)
PORTRAIT = LicenceText("the portrait", "LicenseRef-portrait", "portrait.txt")
ASTRONAUT = LicenceText("the portrait (NASA)", "LicenseRef-public-domain", "portrait-astronaut.txt")
