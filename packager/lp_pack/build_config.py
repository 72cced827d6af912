"""The options of a build: from the command line, from a TOML file, or both.

A TOML file has one key for each option, spelled as on the command line (`motion-mode` or
`motion_mode`); relative paths in it are relative to the file. The command line wins.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lp_models.motion_stitcher import MODES, Mode
from lp_pack.build_plan import (
    DEFAULT_PRECISIONS,
    DEFAULT_TARGETS,
    PRECISIONS,
    TARGETS,
    BuildPlan,
)
from lp_pack.errors import ConfigError
from lp_pack.export.converters import check_converters
from lp_pack.persona.default import DEFAULT_NAME, default_persona
from lp_pack.persona.lite import LitePersona
from lp_pack.persona.liveportrait import LivePortraitPersona, dims_of
from lp_pack.persona.motion_network import MotionNetwork
from lp_pack.quantize.calibration_recording import DEFAULT_SAMPLES, CalibrationOptions
from lp_pack.quantize.recipe_file import read_recipe
from lp_runtime.manifest import Precision, Target
from lp_runtime.motion_template import read_motion_template

MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True)
class BuildOptions:
    """Every option of `lp-pack build`, parsed; None where it was not given."""

    output: Path
    portrait: Path | None = None
    weights: Path | None = None
    audio2motion: Path | None = None
    lite: Path | None = None
    crop: str = "auto"
    motion_mode: Mode = "relative"
    targets: tuple[Target, ...] = DEFAULT_TARGETS
    precision: tuple[Precision, ...] = DEFAULT_PRECISIONS
    parity_motion: Path | None = None
    calibration_motion: tuple[Path, ...] = ()
    calibration_samples: int = DEFAULT_SAMPLES
    seed: int = 0
    recipe: tuple[Path, ...] = ()
    name: str | None = None
    coreml_image_output: bool = False
    force: bool = False


def read_options(config: Path | None, command_line: Mapping[str, object]) -> BuildOptions:
    """Merge a TOML file and the command line's options (None: not given there).

    Raises:
        ConfigError: the file cannot be read, a key is unknown, a value is of the wrong kind, or no
            output is named.
    """
    merged: dict[str, Any] = {}
    if config is not None:
        for key, value in _read_toml(config).items():
            name = _known_key(key, config)
            merged[name] = _parse(name, value, str(config), config.resolve().parent)
    for name, value in command_line.items():
        if value is not None and value != ():
            merged[name] = _parse(name, value, _option(name), Path())
    if "output" not in merged:
        raise ConfigError(
            "No output is named",
            expected="the bundle's folder, e.g. -o persona.lpbundle",
            got="nothing",
            remedy="pass -o, or put `output` into the build file",
        )
    return BuildOptions(**merged)


def make_plan(options: BuildOptions, check_output: bool = True) -> BuildPlan:
    """The build that the options ask for; everything that can be checked early is.

    Args:
        options: of the build.
        check_output: False where no bundle will be written.

    Raises:
        ConfigError, PortraitError, CheckpointError, InputError: an option cannot be.
    """
    check_converters(options.targets)
    persona = _persona(options)
    persona.check()
    if options.parity_motion is not None:
        read_motion_template(options.parity_motion)
    calibration = CalibrationOptions(
        options.calibration_motion, options.calibration_samples, options.seed
    )
    named_after = options.portrait or options.lite
    stem = DEFAULT_NAME if named_after is None else named_after.stem
    plan = BuildPlan(
        persona=persona,
        name=options.name or stem,
        output=options.output,
        targets=options.targets,
        precisions=options.precision,
        parity_motion=options.parity_motion,
        calibration=calibration,
        recipes=tuple(read_recipe(path) for path in options.recipe),
        coreml_image_output=options.coreml_image_output,
        replace=options.force,
    )
    plan.check_recipes()
    if plan.calibrated:
        calibration.check()
    if check_output:
        plan.check_output()
    return plan


def _persona(options: BuildOptions) -> LivePortraitPersona | LitePersona:
    motion = MotionNetwork(options.audio2motion)
    if options.lite is not None:
        return LitePersona(
            generator_path=options.lite,
            motion=motion,
            portrait=options.portrait,
            weights=options.weights,
            motion_mode=options.motion_mode,
            crop_text=options.crop,
        )
    if options.weights is not None:
        return LivePortraitPersona(
            portrait=options.portrait,
            weights=options.weights,
            motion=motion,
            motion_mode=options.motion_mode,
            crop_text=options.crop,
            dims=dims_of(options.weights),
        )
    if options.portrait is not None:
        raise ConfigError(
            "A portrait needs the networks that animate it",
            where="--portrait without --weights",
            expected="--weights DIR, a folder with LivePortrait's checkpoints",
            got="no weights",
            remedy="run `lp-pack fetch-weights`, then pass its folder; "
            "without --portrait the embedded default is built",
        )
    if options.crop != "auto":
        raise ConfigError(
            "The embedded default cannot be cropped",
            where="--crop without --portrait",
            expected="--portrait with --weights, or with --lite",
            got=f"--crop {options.crop}",
            remedy="leave --crop away, or name a portrait",
        )
    return default_persona(options.motion_mode, options.audio2motion)


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise ValueError(f"more than {MAX_CONFIG_BYTES} bytes")
        return tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # TOML and UTF-8 errors are ValueErrors
        raise ConfigError(
            "The build file cannot be read",
            where=path,
            expected="a TOML file with the options of `lp-pack build`",
            got=error,
            remedy="`lp-pack build -h` lists the options",
        ) from error


def _known_key(key: str, config: Path) -> str:
    name = key.replace("-", "_")
    known = [field.name for field in fields(BuildOptions)]
    if name in known:
        return name
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    raise ConfigError(
        "The build file has an unknown key",
        where=f"{config}, key '{key}'",
        expected=", ".join(known),
        got=key,
        remedy=f"did you mean '{close[0]}'?" if close else "remove it",
    )


def _parse(name: str, value: object, where: str, base: Path) -> object:
    """One option's value in its own type."""
    if name in _PATHS:
        return base / Path(_text(name, value, where)).expanduser()
    if name in _PATH_LISTS:
        return _paths(name, value, where, base)
    if name in _NUMBERS:
        return _number(name, value, where)
    if name in _FLAGS:
        if not isinstance(value, bool):
            raise _bad(name, "true or false", value, where)
        return value
    if name in _CHOICES:
        return _choices(name, value, where)
    text = _text(name, value, where)
    if name == "motion_mode" and text not in MODES:
        raise _bad(name, " or ".join(MODES), text, where)
    return text


_PATHS = ("output", "portrait", "weights", "audio2motion", "lite", "parity_motion")
_PATH_LISTS = ("calibration_motion", "recipe")
_FLAGS = ("force", "coreml_image_output")
_NUMBERS = ("calibration_samples", "seed")
MAX_NUMBER = 1_000_000
_CHOICES: dict[str, tuple[str, ...]] = {"targets": TARGETS, "precision": PRECISIONS}


def _text(name: str, value: object, where: str) -> str:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise _bad(name, "text", value, where)
    return value


def _paths(name: str, value: object, where: str, base: Path) -> tuple[Path, ...]:
    """One path, or a list of them."""
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(base / Path(_text(name, one, where)).expanduser() for one in several)


def _number(name: str, value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        raise _bad(name, f"a whole number from 0 to {MAX_NUMBER}", value, where)
    return value


def _choices(name: str, value: object, where: str) -> tuple[str, ...]:
    """A comma-separated text, or a list of texts, of known words, each once."""
    known = _CHOICES[name]
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise _bad(name, f"a list of {', '.join(known)}", value, where)
    words = [part.strip() for part in parts]
    for word in words:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise _bad(name, f"{', '.join(known)}{hint}", word, where)
    if not words:
        raise _bad(name, f"at least one of {', '.join(known)}", value, where)
    return tuple(word for word in known if word in words)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _bad(name: str, expected: str, got: object, where: str) -> ConfigError:
    return ConfigError(
        f"The option '{name.replace('_', '-')}' has a value that it cannot have",
        where=where,
        expected=expected,
        got=repr(got),
        remedy="`lp-pack build -h` explains every option",
    )
