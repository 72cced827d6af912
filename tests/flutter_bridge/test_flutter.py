"""The Flutter package: format, analysis, and its widget tests in Flutter's headless engine."""

from __future__ import annotations

from pathlib import Path

from flutter_tools import (
    FLUTTER_PACKAGE,
    compile_kernel,
    resolve,
    run_flutter_dart,
    run_widget_tests,
)
from native_bridge import engine_library, library_path


def test_format_and_analysis(tmp_path: Path) -> None:
    resolve(FLUTTER_PACKAGE)
    check = ("format", "--output=none", "--set-exit-if-changed", "lib", "test")
    formatted = run_flutter_dart(*check, folder=FLUTTER_PACKAGE, home=tmp_path)
    assert formatted.returncode == 0, formatted.stdout
    analysed = run_flutter_dart("analyze", "--fatal-infos", folder=FLUTTER_PACKAGE, home=tmp_path)
    assert analysed.returncode == 0, analysed.stdout


def test_widgets_in_the_headless_engine(pristine: Path, tmp_path: Path) -> None:
    packages = resolve(FLUTTER_PACKAGE)
    kernel = tmp_path / "persona_view_test.dill"
    compile_kernel(FLUTTER_PACKAGE / "test" / "persona_view_test.dart", packages, kernel)
    environment = {
        "LP_BRIDGE_LIBRARY": str(library_path()),
        "LP_ONNXRUNTIME_LIBRARY": str(engine_library()),
        "LP_BUNDLE": str(pristine),
    }
    printed = run_widget_tests(kernel, packages, tmp_path / "assets", environment)
    assert "All tests passed!" in printed, printed


def test_a_failing_widget_test_is_noticed(tmp_path: Path) -> None:
    """flutter_tester exits with 0 whatever happens; the runner must not be fooled by that."""
    source = tmp_path / "failing_test.dart"
    source.write_text(
        "import 'package:flutter_test/flutter_test.dart';\n"
        "void main() => testWidgets('fails', (_) async => expect(1, 2));\n"
    )
    packages = resolve(tmp_path)
    compile_kernel(source, packages, tmp_path / "failing.dill")
    printed = run_widget_tests(tmp_path / "failing.dill", packages, tmp_path / "assets", {})
    assert "All tests passed!" not in printed
    assert "Some tests failed." in printed
