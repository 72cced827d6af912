"""Entering a persona into an app's pubspec.yaml, and leaving everything else as it is."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from lp_pack.errors import ConfigError

PACKAGE = "lp_pack_flutter"
MAX_PUBSPEC_BYTES = 1 << 20


def updated_pubspec(
    text: str, package_path: str, prefix: str, assets: Mapping[str, tuple[str, ...] | None]
) -> str:
    """The pubspec with the plugin among its dependencies and these assets.

    Comments, order and quoting of what the user wrote stay. A pubspec that says all of it already
    is returned unchanged, byte for byte.

    Args:
        text: the pubspec as it is.
        package_path: the plugin's folder, relative to the pubspec; a dependency on the plugin that
            is already there is kept whatever it says.
        prefix: our assets of earlier runs begin with it and are replaced.
        assets: asset or folder (ending in `/`) -> the only platforms that get it, None for all.

    Raises:
        ConfigError: the text is no pubspec.
    """
    yaml = _yaml_like(text)
    root = _parsed(yaml, text)
    before = _plain(root)
    dependencies = _mapping(root, "dependencies")
    if PACKAGE not in dependencies:
        # First: what follows the last entry, often an empty line, stays where it is.
        dependencies.insert(0, PACKAGE, CommentedMap({"path": package_path}))
    flutter = _mapping(root, "flutter")
    entries = flutter.get("assets")
    if entries is None:
        entries = flutter["assets"] = CommentedSeq()
    if not isinstance(entries, CommentedSeq):
        raise _not_a_pubspec("flutter.assets is not a list")
    _replace_entries(entries, prefix, assets)
    if _plain(root) == before:
        return text
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()


def _replace_entries(
    entries: CommentedSeq, prefix: str, assets: Mapping[str, tuple[str, ...] | None]
) -> None:
    wanted: dict[str, Any] = {}
    for path, platforms in assets.items():
        wanted[path] = path
        if platforms is not None:
            names = CommentedSeq(platforms)
            names.fa.set_flow_style()
            wanted[path] = CommentedMap({"path": path, "platforms": names})
    for index in reversed(range(len(entries))):
        path = _path_of(entries[index])
        if path in wanted and _plain(entries[index]) == _plain(wanted[path]):
            del wanted[path]
        elif path in wanted or path.startswith(prefix):
            del entries[index]
    entries.extend(wanted.values())


def _path_of(entry: object) -> str:
    path = entry.get("path", "") if isinstance(entry, dict) else entry
    return path if isinstance(path, str) else ""


def _mapping(parent: CommentedMap, key: str) -> CommentedMap:
    value = parent.get(key)
    if value is None:
        value = parent[key] = CommentedMap()
    if not isinstance(value, CommentedMap):
        raise _not_a_pubspec(f"{key} is not a mapping")
    return value


def _parsed(yaml: YAML, text: str) -> CommentedMap:
    if len(text.encode()) > MAX_PUBSPEC_BYTES:
        raise _not_a_pubspec(f"{len(text.encode())} bytes")
    try:
        root = yaml.load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise _not_a_pubspec(" ".join(str(error).split())) from error
    if not isinstance(root, CommentedMap) or not isinstance(root.get("name"), str):
        raise _not_a_pubspec("no mapping with a name")
    return root


def _yaml_like(text: str) -> YAML:
    """A reader and writer that indents lists as the text does."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    listed = re.search(r"^( *)[\w-]+:[ \t]*\n(?:[ \t]*(?:#.*)?\n)*( *)- ", text, re.MULTILINE)
    offset = 2 if listed is None else max(0, min(4, len(listed[2]) - len(listed[1])))
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _not_a_pubspec(got: str) -> ConfigError:
    return ConfigError(
        "The app's pubspec cannot be read.",
        where="pubspec.yaml",
        expected="a Flutter app's pubspec: a mapping with a name",
        got=got,
        remedy="mend it, or give another folder with -o",
    )
