"""`lp-pack flutter`: an app gets a persona, and keeps what its author wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from native_bridge import NativeBridge, library_path
from native_session import NativeSession, StatusError
from ruamel.yaml import YAML
from tiny_bundle import TinyBundle, build_tiny_bundle

from lp_pack.flutter_app import AppOptions, budget, write_app
from lp_runtime.bundle import Bundle

PLATFORMS = ("android", "ios", "macos", "linux")
WRITTEN_BY_HAND = """\
# My app.
name: shop
publish_to: 'none' # not yet

dependencies:
  flutter:
    sdk: flutter
  http: ^1.2.0

flutter:
  uses-material-design: true
  # Pictures first.
  assets:
  - assets/logo.png
  - path: assets/web.js
    platforms: [web]
  fonts:
  - family: "Inter"
"""


def pubspec(app: Path) -> dict:
    return YAML(typ="safe").load((app / "pubspec.yaml").read_text())


def snapshot(app: Path) -> dict[str, bytes]:
    return {
        path.relative_to(app).as_posix(): path.read_bytes()
        for path in app.rglob("*")
        if path.is_file()
    }


def index(app: Path) -> list[dict]:
    return json.loads((app / "assets/personas/personas.json").read_text())["personas"]


def test_a_new_app_has_code_assets_and_entries(
    run: Callable, pristine_tiny: Path, tmp_path: Path
) -> None:
    app = tmp_path / "My App"
    result = run("flutter", pristine_tiny, "-o", app, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [size["platform"] for size in report["platforms"]] == list(PLATFORMS)
    assert "lib/main.dart" in report["created"]
    spec = pubspec(app)
    assert spec["name"] == "my_app"
    package = app / spec["dependencies"]["lp_pack_flutter"]["path"]
    assert (package / "lib" / "lp_pack_flutter.dart").exists()
    assert "package:lp_pack_flutter" in (app / "lib" / "main.dart").read_text()
    assert (app / "assets/speech/hello.wav").read_bytes()[:4] == b"RIFF"
    (entry,) = index(app)
    assert entry["emotions"][4] == "happy"
    assert entry["bundles"] == dict.fromkeys(PLATFORMS, "assets/personas/tiny/onnx_fp32")


def test_every_file_of_the_persona_is_listed_and_every_listed_folder_exists(
    pristine_tiny: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    write_app(pristine_tiny, app, AppOptions(PLATFORMS, with_golden=True))
    listed = pubspec(app)["flutter"]["assets"]
    folders = {app / entry for entry in listed if entry.endswith("/")}
    assert all(folder.is_dir() for folder in folders)
    files = [path for path in (app / "assets").rglob("*") if path.is_file()]
    unlisted = [f for f in files if f.parent not in folders and f.name != "personas.json"]
    assert unlisted == []


@pytest.mark.parametrize("golden", [True, False])
def test_the_copy_is_a_bundle_for_every_runtime(
    pristine_tiny: Path, tmp_path: Path, golden: bool
) -> None:
    """Python checks schema, references and hashes; so does the bridge, which then plays it."""
    write_app(pristine_tiny, tmp_path / "app", AppOptions(("linux",), with_golden=golden))
    copy = tmp_path / "app/assets/personas/tiny/onnx_fp32"
    bundle = Bundle.open(copy)
    assert [(v.target, v.precision) for v in bundle.manifest.variants] == [("onnx", "fp32")]
    assert {f.precision for f in bundle.manifest.parity} == {"fp32"}
    assert len(bundle.manifest.golden) == (4 if golden else 0)
    with NativeSession(NativeBridge(library_path()), copy) as session:
        session.push(np.full(640, 0.1, np.float32))
        session.flush()
        assert len(session.render_all()) == 1
        if golden:
            assert session.self_check().failed == 0
        else:
            with pytest.raises(StatusError, match="no golden data"):
                session.self_check()


def test_a_second_run_changes_no_byte(run: Callable, pristine_tiny: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    assert run("flutter", pristine_tiny, "-o", app).exit_code == 0
    before = snapshot(app)
    result = run("flutter", pristine_tiny, "-o", app)
    assert result.exit_code == 0
    assert "kept as they are: README.md" in result.stdout
    assert snapshot(app) == before


def test_what_the_author_wrote_stays(run: Callable, pristine_tiny: Path, tmp_path: Path) -> None:
    app = tmp_path / "shop"
    (app / "lib").mkdir(parents=True)
    (app / "pubspec.yaml").write_text(WRITTEN_BY_HAND)
    (app / "lib" / "main.dart").write_text("// mine\n")
    result = run("flutter", pristine_tiny, "-o", app, "--assets-only", "--platforms", "android")
    assert result.exit_code == 0, result.stderr
    assert (app / "lib" / "main.dart").read_text() == "// mine\n"
    assert not (app / "README.md").exists()
    written = (app / "pubspec.yaml").read_text().splitlines()
    ours = [line for line in written if "persona" in line or "lp_pack" in line]
    path = [line for line in written if line.startswith("    path: ")]
    assert [line for line in written if line not in ours + path] == WRITTEN_BY_HAND.splitlines()
    spec = pubspec(app)
    assert spec["dependencies"]["http"] == "^1.2.0"
    assert spec["flutter"]["assets"][0] == "assets/logo.png"


def test_a_dependency_that_is_there_is_not_touched(pristine_tiny: Path, tmp_path: Path) -> None:
    app = tmp_path / "shop"
    app.mkdir()
    own = WRITTEN_BY_HAND.replace("http: ^1.2.0", "lp_pack_flutter: ^9.0.0")
    (app / "pubspec.yaml").write_text(own)
    write_app(pristine_tiny, app, AppOptions(("ios",)))
    assert pubspec(app)["dependencies"]["lp_pack_flutter"] == "^9.0.0"


def test_platforms_may_get_different_variants(
    run: Callable, pristine_tiny: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    arguments = ("--platforms", "android,ios,linux", "--precision", "ios=fp16", "--json")
    result = run("flutter", pristine_tiny, "-o", app, *arguments)
    sizes = {size["platform"]: size for size in json.loads(result.stdout)["platforms"]}
    assert sizes["ios"]["variant"] == "onnx_fp16"
    assert sizes["ios"]["persona_bytes"] < sizes["android"]["persona_bytes"]
    entries = [e for e in pubspec(app)["flutter"]["assets"] if isinstance(e, dict)]
    only = {e["path"].split("/")[3]: e["platforms"] for e in entries}
    assert only == {"onnx_fp32": ["android", "linux"], "onnx_fp16": ["ios"]}
    # Back to one variant: nothing of the other stays.
    run("flutter", pristine_tiny, "-o", app, "--platforms", "android,ios,linux")
    assert not (app / "assets/personas/tiny/onnx_fp16").exists()
    assert all(isinstance(e, str) for e in pubspec(app)["flutter"]["assets"])


def test_an_app_may_have_several_personas(pristine_tiny: Path, tmp_path: Path) -> None:
    app = tmp_path / "app"
    for name in ("Ada L.", "bob", "Ada L."):
        report = write_app(pristine_tiny, app, AppOptions(("linux",), name=name))
    assert [entry["name"] for entry in index(app)] == ["ada_l", "bob"]
    (size,) = report.sizes
    assert size.total_bytes == 2 * size.persona_bytes


def test_a_large_persona_is_told_with_what_to_leave_out(
    run: Callable, pristine_tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "BUDGET_BYTES", 100_000)
    arguments = ("--platforms", "ios", "--with-golden")
    result = run("flutter", pristine_tiny, "-o", tmp_path / "app", *arguments)
    assert result.exit_code == 0
    assert "note: ios:" in result.stderr
    assert "--precision ios=fp16 saves" in result.stderr
    assert "without --with-golden" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--platforms", "amiga"), "'amiga' is none of android"),
        (("--platforms", ","), "at least one platform"),
        (("--precision", "fp8"), "'fp8' is none of"),
        (("--precision", "amiga=fp16"), "'amiga' is none of"),
        (("--precision", "w4"), "no variant that the bridge plays on android"),
        (("--package", "/nowhere"), "give its folder with --package"),
        (("--name", "!"), "The persona needs a name"),
    ],
)
def test_a_wrong_option_is_explained_and_nothing_is_written(
    run: Callable, pristine_tiny: Path, tmp_path: Path, arguments: tuple[str, str], message: str
) -> None:
    result = run("flutter", pristine_tiny, "-o", tmp_path / "app", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not (tmp_path / "app").exists()


@pytest.mark.parametrize(
    "text", ["", "- a list", "name: [", "name: x\nflutter: []", "name: x\nflutter:\n  assets: 1"]
)
def test_a_pubspec_that_is_none_is_refused_and_kept(
    run: Callable, pristine_tiny: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "pubspec.yaml").write_text(text or "\n")
    before = snapshot(tmp_path)
    result = run("flutter", pristine_tiny, "-o", tmp_path)
    assert result.exit_code == 1
    assert "The app's pubspec cannot be read." in result.stderr
    assert snapshot(tmp_path) == before


def test_a_damaged_bundle_or_index_changes_nothing(
    run: Callable, tiny: TinyBundle, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    assert run("flutter", tiny.path, "-o", app).exit_code == 0
    before = snapshot(app)
    graph = next(tiny.path.rglob("generator.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    assert "was changed" in run("flutter", tiny.path, "-o", app).stderr
    assert snapshot(app) == before
    (app / "assets/personas/personas.json").write_text('{"format": 2}')
    result = run("flutter", build_tiny_bundle(tmp_path / "b").path, "-o", app)
    assert "list of personas cannot be read" in result.stderr


@pytest.mark.parametrize("folder", ["class", "2fast", "..."])
def test_a_folder_that_cannot_name_a_package_is_refused(
    run: Callable, pristine_tiny: Path, tmp_path: Path, folder: str
) -> None:
    result = run("flutter", pristine_tiny, "-o", tmp_path / folder)
    assert result.exit_code == 1
    assert "cannot name a Dart package" in result.stderr
