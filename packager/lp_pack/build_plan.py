"""What a build is asked for, complete and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lp_pack.errors import ConfigError
from lp_pack.manifest import GRAPHS
from lp_pack.persona.persona import Persona
from lp_pack.quantize.calibration_recording import CalibrationOptions
from lp_pack.quantize.recipes import COMPRESSED, PLAIN, Recipe, recipe_for
from lp_runtime.manifest import Precision, Target

TARGETS: tuple[Target, ...] = ("onnx", "coreml", "tflite")
DEFAULT_TARGETS: tuple[Target, ...] = ("onnx",)
PRECISIONS: tuple[Precision, ...] = (*PLAIN, *COMPRESSED)
DEFAULT_PRECISIONS: tuple[Precision, ...] = PLAIN


@dataclass(frozen=True)
class BuildPlan:
    """One bundle to be.

    persona: its networks and picture.
    name: the manifest's name.
    targets, precisions: which variants.
    parity_motion: a motion template to measure parity on; None: a seeded walk.
    calibration: what ranges of activations are taken from.
    recipes: read from files; each takes the place of the table's for its target and precision.
    coreml_image_output: whether Core ML's generator draws into a pixel buffer.
    output: the bundle's folder.
    replace: whether a bundle that stands there may go.
    """

    persona: Persona
    name: str
    output: Path
    targets: tuple[Target, ...] = DEFAULT_TARGETS
    precisions: tuple[Precision, ...] = DEFAULT_PRECISIONS
    parity_motion: Path | None = None
    calibration: CalibrationOptions = field(default_factory=CalibrationOptions)
    recipes: tuple[Recipe, ...] = ()
    coreml_image_output: bool = False
    replace: bool = False

    @property
    def variants(self) -> tuple[tuple[Target, Precision], ...]:
        """Every target in every precision."""
        return tuple((target, one) for target in self.targets for one in self.precisions)

    def recipe(self, target: Target, precision: Precision) -> Recipe:
        """How a compressed variant is made; ConfigError where the target does not have it."""
        for recipe in self.recipes:
            if (recipe.target, recipe.precision) == (target, precision):
                return recipe
        return recipe_for(target, precision)

    @property
    def calibrated(self) -> bool:
        """Whether any graph of any variant needs recorded inputs."""
        return any(
            self.recipe(target, precision).needs_calibration(graph)
            for target, precision in self.variants
            if precision in COMPRESSED
            for graph in GRAPHS
        )

    def check_recipes(self) -> None:
        """Raise ConfigError unless every variant has a recipe, and every recipe file a variant."""
        for target, precision in self.variants:
            if precision in COMPRESSED:
                self.recipe(target, precision)
        for recipe in self.recipes:
            if (recipe.target, recipe.precision) not in self.variants:
                raise ConfigError(
                    "A recipe is for a variant that is not built",
                    where=f"--recipe {recipe.name}.toml",
                    expected=f"--targets {recipe.target} --precision {recipe.precision}",
                    got=", ".join(f"{target} {precision}" for target, precision in self.variants),
                    remedy="add its target and precision, or leave the recipe away",
                )

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
