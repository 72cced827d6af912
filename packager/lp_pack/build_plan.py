"""What a build is asked for, complete and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lp_pack.errors import ConfigError
from lp_pack.persona.persona import Persona
from lp_runtime.manifest import Precision, Target

TARGETS: tuple[Target, ...] = ("onnx", "coreml", "tflite")
DEFAULT_TARGETS: tuple[Target, ...] = ("onnx",)
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")


@dataclass(frozen=True)
class BuildPlan:
    """One bundle to be.

    persona: its networks and picture.
    name: the manifest's name.
    targets, precisions: which variants.
    parity_motion: a motion template to measure parity on; None: a seeded walk.
    output: the bundle's folder.
    replace: whether a bundle that stands there may go.
    """

    persona: Persona
    name: str
    output: Path
    targets: tuple[Target, ...] = DEFAULT_TARGETS
    precisions: tuple[Precision, ...] = PRECISIONS
    parity_motion: Path | None = None
    replace: bool = False

    @property
    def cost_class(self) -> str:
        """Stages of builds of one class take about equally long: tier and size of the networks."""
        weights = sum(self.persona.weight_counts.values())
        return f"{self.persona.tier}, {weights / 1e6:.1f} M weights"

    def check_output(self) -> None:
        """Raise ConfigError unless the bundle can be written where it should."""
        where, parent = self.output, self.output.resolve().parent
        if not parent.is_dir():
            raise ConfigError(
                "The output's folder does not exist",
                where=where,
                expected=f"a folder {parent}",
                got="nothing" if not parent.exists() else "a file",
                remedy="make it first",
            )
        if not (where.exists() or where.is_symlink()):
            return
        if not self.replace:
            raise ConfigError(
                "The output exists already",
                where=where,
                expected="a new name",
                got="a folder" if where.is_dir() else "a file",
                remedy="choose another name, or pass --force to replace the bundle",
            )
        if where.is_symlink() or not (where / "manifest.json").is_file():
            raise ConfigError(
                "What stands at the output is not a bundle",
                where=where,
                expected="a bundle (a folder with manifest.json), which --force may replace",
                got="a link" if where.is_symlink() else "something else",
                remedy="choose another name, or remove it yourself",
            )
