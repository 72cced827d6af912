"""A recipe as a file: a precision for each layer that differs from its recipe's.

    format = 1
    target = "onnx"
    precision = "int8"           # the recipe it changes
    note = "what chose it"       # optional

    [layers.generator]
    "conv2d_17" = "fp32"

`lp-pack quantize --search` writes one, `lp-pack build --recipe FILE` replays it.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, cast, get_args

from lp_pack.errors import ConfigError
from lp_pack.manifest import GRAPHS
from lp_pack.quantize.recipes import COMPRESSED, Recipe, recipe_for
from lp_runtime.manifest import Precision, Target

FORMAT = 1
MAX_BYTES = 1 << 20
MAX_NOTE = 2000
KEYS = ("format", "target", "precision", "note", "layers")
PRECISIONS: tuple[str, ...] = get_args(Precision)
TARGETS: tuple[str, ...] = get_args(Target)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file, named after the file.

    Raises:
        ConfigError: names file, key, what was expected and what is there.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _bad(path, None, "a recipe file", error.strerror or error) from error
    if len(data) > MAX_BYTES:
        raise _bad(path, None, f"{MAX_BYTES} bytes at most", "more")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(path, None, "TOML in UTF-8", error) from error
    return parse_recipe(text, path)


def parse_recipe(text: str, path: Path) -> Recipe:
    """The recipe in a text; `path` gives its name and the place in errors. See `read_recipe`."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(path, None, "TOML", error) from error
    for key in content:
        if key not in KEYS:
            raise _bad(path, key, f"one of {', '.join(KEYS)}", "an unknown key")
    if content.get("format") != FORMAT or isinstance(content.get("format"), bool):
        raise _bad(path, "format", FORMAT, content.get("format", "nothing"))
    target = cast(Target, _word(path, content, "target", TARGETS))
    precision = cast(Precision, _word(path, content, "precision", COMPRESSED))
    note = content.get("note", "")
    if not isinstance(note, str) or len(note) > MAX_NOTE:
        raise _bad(path, "note", f"a text of at most {MAX_NOTE} characters", type(note).__name__)
    layers = {graph: _layers(path, graph, value) for graph, value in _graphs(path, content)}
    try:
        return recipe_for(target, precision).with_overrides(path.stem, layers)
    except ConfigError as error:
        raise ConfigError(
            error.what,
            where=f"{path}: {error.where}",
            expected=error.expected,
            got=error.got,
            remedy=error.remedy,
        ) from error


def format_recipe(recipe: Recipe, note: str = "") -> str:
    """The text of a file that `parse_recipe` reads back."""
    lines = [
        f"format = {FORMAT}",
        f"target = {_quoted(recipe.target)}",
        f"precision = {_quoted(recipe.precision)}",
        *([f"note = {_quoted(note)}"] if note else []),
    ]
    for graph, layers in sorted(recipe.overrides.items()):
        lines += ["", f"[layers.{graph}]"]
        lines += [f"{_quoted(layer)} = {_quoted(layers[layer])}" for layer in sorted(layers)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, but for DEL and surrogate pairs."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _word(path: Path, content: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = content.get(key, "nothing")
    if not isinstance(value, str) or value not in known:
        raise _bad(path, key, f"one of {', '.join(known)}", value)
    return value


def _graphs(path: Path, content: dict[str, Any]) -> list[tuple[str, Any]]:
    layers = content.get("layers", {})
    if not isinstance(layers, dict):
        raise _bad(path, "layers", "a table for each graph", type(layers).__name__)
    for graph in layers:
        if graph not in GRAPHS:
            raise _bad(path, f"layers.{graph}", f"one of {', '.join(GRAPHS)}", "an unknown graph")
    return list(layers.items())


def _layers(path: Path, graph: str, value: object) -> dict[str, Precision]:
    where = f"layers.{graph}"
    if not isinstance(value, dict):
        raise _bad(path, where, "layer names with precisions", type(value).__name__)
    for layer, precision in value.items():
        if precision not in PRECISIONS:
            raise _bad(path, f'{where}."{layer}"', f"one of {', '.join(PRECISIONS)}", precision)
    return value


def _bad(path: Path, key: str | None, expected: object, got: object) -> ConfigError:
    return ConfigError(
        "The recipe file cannot be used",
        where=path if key is None else f"{path}, key '{key}'",
        expected=expected,
        got=str(got)[:200],
        remedy="let `lp-pack quantize --search` write one, or see docs/compression.md",
    )
