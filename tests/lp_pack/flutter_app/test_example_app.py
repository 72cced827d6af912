"""The example app: its code is formatted, analysed, and used in two of Flutter's engines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flutter_tools import compile_kernel, resolve, run_flutter_dart, run_widget_tests
from linux_app import build_app, flutter_root, run_app
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


@pytest.mark.full_size
def test_used_on_a_virtual_screen(app: Path, tmp_path: Path) -> None:
    """The app as a user of Linux has it: assets beside the program, the plugin, a real texture."""
    root = flutter_root()
    package = tmp_path / "package"
    package.mkdir()
    program = package / "example_on_linux.dart"
    shutil.copyfile(Path(__file__).with_name(program.name), program)
    built = build_app(root, tmp_path / "app", program, resolve(package, talking=app))
    shutil.copytree(app / "assets", built / "data" / "flutter_assets" / "assets")
    engine = engine_library()
    environment = {"LP_ONNXRUNTIME_LIBRARY": str(engine)}
    printed = run_app(root, built, environment, [engine.parent])
    assert "All tests passed!" in printed, printed
