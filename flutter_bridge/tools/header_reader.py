"""Reads lp_bridge.h: the one place where the C ABI is written down.

A small parser for exactly the C that the header uses; anything else raises, so that a change of
style is noticed rather than skipped. The Dart bindings and the tests' ctypes bindings are made
from what it returns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HEADER = Path(__file__).resolve().parents[1] / "include" / "lp_bridge.h"


@dataclass(frozen=True)
class Variable:
    """A field or a parameter: its C type without the name, e.g. "const lp_surface *"."""

    type: str
    name: str
    comment: str = ""


@dataclass(frozen=True)
class Constant:
    name: str
    value: int
    comment: str


@dataclass(frozen=True)
class Struct:
    name: str
    fields: tuple[Variable, ...]
    comment: str


@dataclass(frozen=True)
class Function:
    name: str
    result: str
    parameters: tuple[Variable, ...]
    prototype: str
    comment: str


@dataclass(frozen=True)
class Header:
    constants: tuple[Constant, ...]
    structs: tuple[Struct, ...]
    # Types of functions that the library calls.
    callbacks: tuple[Function, ...]
    functions: tuple[Function, ...]


class HeaderError(Exception):
    """The header holds something that this reader does not know."""


_COMMENT = r"(?:/\*(?P<comment>(?:(?!\*/).)*)\*/\s*)?"
_PATTERNS = {
    "constant": re.compile(_COMMENT + r"#define (?P<name>LP_\w+) (?P<value>-?\d+)$", re.M | re.S),
    "struct": re.compile(_COMMENT + r"typedef struct (?P<name>\w+) \{(?P<body>[^}]*)\} \w+;", re.S),
    "callback": re.compile(
        _COMMENT + r"typedef (?P<result>\w+) \(\*(?P<name>\w+)\)\((?P<parameters>[^)]*)\);", re.S
    ),
    "function": re.compile(
        _COMMENT
        + r"LP_API (?P<prototype>(?P<result>(?:const )?\w+ \*?)(?P<name>lp_\w+)"
        + r"\((?P<parameters>[^)]*)\);)",
        re.S,
    ),
}
_FIELD = re.compile(_COMMENT + r"(?P<variable>[^;/]+);", re.S)


def read_header(path: Path = HEADER) -> Header:
    """Everything that the header declares; raises HeaderError where it cannot be understood."""
    text = path.read_text(encoding="utf-8")
    # The head comment holds example code.
    text = text[text.index("*/") + 2 :]
    header = Header(
        constants=tuple(
            Constant(m["name"], int(m["value"]), _words(m["comment"]))
            for m in _PATTERNS["constant"].finditer(text)
        ),
        structs=tuple(
            Struct(m["name"], _fields(m["body"]), _words(m["comment"]))
            for m in _PATTERNS["struct"].finditer(text)
        ),
        callbacks=tuple(_function(m, "") for m in _PATTERNS["callback"].finditer(text)),
        functions=tuple(_function(m, m["prototype"]) for m in _PATTERNS["function"].finditer(text)),
    )
    _check_complete(text, header)
    return header


def _check_complete(text: str, header: Header) -> None:
    """Count by a cruder rule, so that a declaration which a pattern misses is not lost."""
    expected = {
        "constants": len(re.findall(r"^#define LP_\w+ -?\d", text, re.M)),
        "structs": len(re.findall(r"^typedef struct \w+ \{", text, re.M)),
        "functions": len(re.findall(r"^LP_API ", text, re.M)),
    }
    for kind, count in expected.items():
        if len(getattr(header, kind)) != count:
            raise HeaderError(f"{kind}: read {len(getattr(header, kind))} of {count}")


def _function(match: re.Match[str], prototype: str) -> Function:
    inside = match["parameters"].strip()
    parameters = () if inside == "void" else tuple(_variable(p) for p in inside.split(","))
    return Function(
        match["name"],
        match["result"].strip(),
        parameters,
        " ".join(prototype.split()),
        _words(match["comment"]),
    )


def _fields(body: str) -> tuple[Variable, ...]:
    if rest := _FIELD.sub("", body).strip():
        raise HeaderError(f"not a field: {rest!r}")
    return tuple(_variable(m["variable"], _words(m["comment"])) for m in _FIELD.finditer(body))


def _variable(text: str, comment: str = "") -> Variable:
    match = re.fullmatch(r"(?P<type>(?:const )?\w+ \**)(?P<name>\w+)", " ".join(text.split()))
    if match is None:
        raise HeaderError(f"not a variable: {text!r}")
    return Variable(match["type"].strip(), match["name"], comment)


def _words(comment: str | None) -> str:
    """A comment as one line; the last one where several stand before a declaration."""
    if comment is None:
        return ""
    lines = (re.sub(r"^\s*\* ?", "", line) for line in comment.splitlines())
    return " ".join(" ".join(lines).split())
