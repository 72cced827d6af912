"""The Dart SDK for tests, wherever it is; tests skip and say so where there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from native_bridge import BRIDGE

PACKAGE = BRIDGE / "dart"


def dart() -> Path:
    """The `dart` command: LP_DART, or on the PATH."""
    found = os.environ.get("LP_DART") or shutil.which("dart")
    if not found:
        pytest.skip("no Dart SDK: set LP_DART to the `dart` command, or put it on the PATH")
    return Path(found)


def ffi_package() -> Path:
    """package:ffi, as Debian's dart-ffi installs it or as pub cached it."""
    cache = Path(os.environ.get("PUB_CACHE", Path.home() / ".pub-cache"))
    candidates = [
        *[parent / "share/dart/packages/ffi" for parent in dart().resolve().parents],
        *sorted(cache.glob("hosted/*/ffi-2.*"), reverse=True),
    ]
    for candidate in candidates:
        if (candidate / "lib" / "ffi.dart").exists():
            return candidate
    pytest.skip("package:ffi is not here: `dart pub get` needs a network, or install dart-ffi")


def resolve_packages() -> Path:
    """What `dart pub get` writes, without the network; returns that file."""
    return write_packages(PACKAGE, [("lp_pack", PACKAGE, "3.7"), ("ffi", ffi_package(), "3.7")])


def write_packages(folder: Path, packages: list[tuple[str, Path, str]]) -> Path:
    """The package configuration of `folder`: name, place and language version of each package.

    Replaced in one step: tests that run at the same time write the same.
    """
    config = {
        "configVersion": 2,
        "packages": [
            {"name": n, "rootUri": p.as_uri(), "packageUri": "lib/", "languageVersion": v}
            for n, p, v in packages
        ],
    }
    file = folder / ".dart_tool" / "package_config.json"
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(config))
    partial.replace(file)
    return file


def run_dart(*arguments: Any, home: Path) -> subprocess.CompletedProcess[str]:
    """Run `dart` in the package's folder; its settings and caches go to `home`."""
    resolve_packages()
    return subprocess.run(
        [str(word) for word in (dart(), *arguments)],
        capture_output=True,
        text=True,
        cwd=PACKAGE,
        env=os.environ | {"HOME": str(home), "DART_DISABLE_ANALYTICS": "1"},
        timeout=900,
    )
