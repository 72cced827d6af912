"""The example app: its code is formatted, analysed, and used in Flutter's headless engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flutter_tools import compile_kernel, resolve, run_flutter_dart, run_widget_tests
from native_bridge import engine_library, library_path
from tiny_bundle import build_tiny_bundle

from lp_pack.flutter_app import AppOptions, write_app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with two personas, as the command writes it."""
    folder = tmp_path_factory.mktemp("example") / "talking"
    bundle = build_tiny_bundle(folder.parent / "tiny.lpbundle").path
    for name in ("Ada", "Bob"):
        write_app(bundle, folder, AppOptions(("linux",), name=name))
    return folder


def test_format_and_analysis(app: Path, tmp_path: Path) -> None:
    resolve(app, talking=app)
    check = ("format", "--output=none", "--set-exit-if-changed", "lib")
    formatted = run_flutter_dart(*check, folder=app, home=tmp_path)
    assert formatted.returncode == 0, formatted.stdout
    analysed = run_flutter_dart("analyze", "--fatal-infos", folder=app, home=tmp_path)
    assert analysed.returncode == 0, analysed.stdout


def test_used_by_hand_in_the_headless_engine(app: Path, tmp_path: Path) -> None:
    packages = resolve(app, talking=app)
    test = tmp_path / "example_app_test.dart"
    shutil.copyfile(Path(__file__).with_name("example_app_test.dart"), test)
    compile_kernel(test, packages, tmp_path / "app.dill")
    environment = {
        "LP_BRIDGE_LIBRARY": str(library_path()),
        "LP_ONNXRUNTIME_LIBRARY": str(engine_library()),
        "LP_APP": str(app),
    }
    assets = tmp_path / "assets"
    printed = run_widget_tests(tmp_path / "app.dill", packages, assets, environment)
    assert "All tests passed!" in printed, printed
