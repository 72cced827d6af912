"""A persona in a real Flutter app for Linux: plugin, texture, engine; the screen is virtual."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flutter_tools import resolve
from linux_app import SOURCES, build_app, flutter_root, run_app
from native_bridge import engine_library


@pytest.mark.full_size
def test_what_is_on_the_screen_is_what_the_session_draws(pristine: Path, tmp_path: Path) -> None:
    root = flutter_root()
    package = tmp_path / "package"
    package.mkdir()
    shutil.copyfile(SOURCES / "main.dart", package / "main.dart")
    app = build_app(root, tmp_path / "app", package / "main.dart", resolve(package))
    shutil.copytree(pristine, app / "data/flutter_assets/assets/personas/tiny")
    engine = engine_library()
    environment = {"LP_ONNXRUNTIME_LIBRARY": str(engine)}
    printed = run_app(root, app, environment, [engine.parent])
    assert "All tests passed!" in printed, printed
