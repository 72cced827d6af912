"""Writes flutter/darwin/Classes/bridge: one line for each source of the C++ runtime.

    python3 flutter_bridge/tools/generate_darwin_sources.py           # rewrite the folder
    python3 flutter_bridge/tools/generate_darwin_sources.py --check   # exit 1 if it is out of date

CocoaPods compiles only what lies inside a pod's folder, so each file there includes the one that
CMakeLists.txt compiles elsewhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

BRIDGE = Path(__file__).resolve().parents[1]
FOLDER = BRIDGE / "flutter" / "darwin" / "Classes" / "bridge"
HEAD = "// Made by tools/generate_darwin_sources.py; see there.\n"


def wanted() -> dict[str, str]:
    """File name -> content: the runtime's sources by CMakeLists.txt, and the feed of textures."""
    cmake = (BRIDGE / "CMakeLists.txt").read_text(encoding="utf-8")
    sources = sorted(set(re.findall(r"\bsrc/\w+\.(?:cpp|mm)\b", cmake)))
    paths = [Path(source) for source in [*sources, "flutter/src/texture_feed.cpp"]]
    return {path.name: f'{HEAD}#include "../../../../{path.as_posix()}"\n' for path in paths}


def main() -> int:
    present = {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*")}
    if present == wanted():
        return 0
    if "--check" in sys.argv:
        print(f"{FOLDER.name} does not fit CMakeLists.txt; run {Path(__file__).name}")
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name in present.keys() - wanted().keys():
        (FOLDER / name).unlink()
    for name, content in wanted().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
