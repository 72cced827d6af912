"""JSON Patch (RFC 6902) without its tests: applies the fuzzer's kept inputs to a manifest."""

from __future__ import annotations

import copy
from typing import Any


def apply_patch(document: Any, operations: list[dict[str, Any]]) -> Any:
    """A changed copy of `document`. Raises KeyError, IndexError or ValueError where it misfits."""
    root = {"": copy.deepcopy(document)}
    for operation in operations:
        kind, path = operation["op"], _steps(operation["path"])
        if kind in ("copy", "move"):
            origin = _steps(operation["from"])
            value = copy.deepcopy(_at(root, origin))
            if kind == "move":
                _remove(root, origin)
            _add(root, path, value)
        elif kind == "add":
            _add(root, path, operation["value"])
        elif kind in ("remove", "replace"):
            _remove(root, path)
            if kind == "replace":
                _add(root, path, operation["value"])
        else:
            raise ValueError(kind)
    return root[""]


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]


def _at(root: Any, steps: list[str]) -> Any:
    for step in steps:
        root = root[int(step)] if isinstance(root, list) else root[step]
    return root


def _add(root: Any, steps: list[str], value: Any) -> None:
    parent, last = _at(root, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        parent[last] = value


def _remove(root: Any, steps: list[str]) -> None:
    parent, last = _at(root, steps[:-1]), steps[-1]
    del parent[int(last) if isinstance(parent, list) else last]
