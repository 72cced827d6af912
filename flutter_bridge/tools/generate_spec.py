"""Fills the tables of SPEC.md from lp_bridge.h.

    python3 flutter_bridge/tools/generate_spec.py           # rewrite the tables
    python3 flutter_bridge/tools/generate_spec.py --check   # exit 1 if they are out of date

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; the text around it is written
by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from header_reader import Header, read_header

SPEC = Path(__file__).resolve().parents[1] / "SPEC.md"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in lines)


def constants(header: Header, prefix: tuple[str, ...]) -> str:
    rows = [
        (f"`{item.name}`", str(item.value), item.comment)
        for item in header.constants
        if item.name.startswith(prefix)
    ]
    return table(("name", "value", "meaning"), rows)


def structs(header: Header) -> str:
    parts = []
    for struct in header.structs:
        rows = [(f"`{f.name}`", f"`{f.type}`", f.comment) for f in struct.fields]
        parts.append(f"`{struct.name}`: {struct.comment}\n\n" + table(("field", "type", ""), rows))
    return "\n\n".join(parts)


def functions(header: Header) -> str:
    rows = [(f"`{f.prototype.removesuffix(';')}`", f.comment) for f in header.functions]
    return table(("function", "what it does"), rows)


def tables(header: Header) -> dict[str, str]:
    """Every generated table by the name of its place."""
    return {
        "statuses": constants(header, ("LP_OK", "LP_NO_FRAME", "LP_QUEUE", "LP_ERROR")),
        "choices": constants(header, ("LP_FORMAT", "LP_PACING", "LP_PICTURE", "LP_BACKGROUND")),
        "events": constants(header, ("LP_EVENT",)),
        "structs": structs(header),
        "functions": functions(header),
    }


def filled(text: str, header: Header) -> str:
    """The specification with its tables as the header has them."""
    for name, content in tables(header).items():
        pattern = rf"(<!-- begin {name} -->\n)(?:.*?\n)?(<!-- end {name} -->)"
        text, count = re.subn(
            pattern, lambda m, new=content: f"{m[1]}{new}\n{m[2]}", text, flags=re.S
        )
        if count != 1:
            raise ValueError(f"SPEC.md has {count} places for the table '{name}'")
    return text


def main() -> int:
    current = SPEC.read_text(encoding="utf-8")
    text = filled(current, read_header())
    if "--check" in sys.argv:
        if text == current:
            return 0
        print(f"the tables of {SPEC.name} are not what lp_bridge.h says")
        return 1
    SPEC.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
