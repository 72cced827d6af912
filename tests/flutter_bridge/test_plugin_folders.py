"""The plugin's platform folders, as far as they can be judged without their platforms."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from flutter_tools import FLUTTER_PACKAGE
from native_bridge import BRIDGE, dependencies, require_tools

METHODS = {"attach", "redraw", "detach", "assetPath", "storagePath"}
PLATFORM_SIDES = {
    "android": "android/src/main/kotlin/lp_pack/flutter/LpPackPlugin.kt",
    "darwin": "darwin/Classes/LpPackPlugin.mm",
    "linux": "linux/lp_pack_flutter_plugin.cc",
}


def test_dart_calls_what_is_documented() -> None:
    source = (FLUTTER_PACKAGE / "lib" / "src" / "platform_channel.dart").read_text()
    assert set(re.findall(r"invokeMethod(?:<\w+>)?\('(\w+)'", source)) == METHODS


@pytest.mark.parametrize("platform", PLATFORM_SIDES)
def test_every_platform_answers_every_call(platform: str) -> None:
    source = (FLUTTER_PACKAGE / PLATFORM_SIDES[platform]).read_text()
    compared = r'"(\w+)" ->|isEqualToString:@"(\w+)"|strcmp\(method, "(\w+)"\)'
    answered = {name for groups in re.findall(compared, source) for name in groups if name}
    assert answered == METHODS
    assert '"lp_pack_flutter"' in source


def test_kotlin_and_native_code_agree_on_names() -> None:
    folder = FLUTTER_PACKAGE / "android" / "src" / "main"
    kotlin = (folder / "kotlin" / "lp_pack" / "flutter" / "PersonaTexture.kt").read_text()
    native = (folder / "cpp" / "persona_surface.cpp").read_text()
    declared = set(re.findall(r"external fun (\w+)\(", kotlin))
    assert declared
    assert set(re.findall(r"Java_lp_1pack_flutter_PersonaTexture_(\w+)\(", native)) == declared


def test_pod_compiles_the_sources_of_cmake() -> None:
    generator = BRIDGE / "tools" / "generate_darwin_sources.py"
    checked = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.full_size
@pytest.mark.parametrize(
    "source", ["manifest.cpp", "onnxruntime_engine.cpp", "stb_image.cpp", "texture_feed.cpp"]
)
def test_pod_finds_all_headers(source: str) -> None:
    """With this machine's compiler, and with the folders that the podspec names.

    These sources include between them every header of another project.
    """
    require_tools("c++")
    headers = dependencies()
    podspec = (FLUTTER_PACKAGE / "darwin" / "lp_pack_flutter.podspec").read_text()
    folders = re.findall(r'\\"#\{(bridge|headers)\}/([\w/]+)\\"', podspec)
    assert len(folders) == 7
    roots = {"bridge": BRIDGE, "headers": headers}
    includes = [f"-I{roots[root]}/{folder}" for root, folder in folders]
    command = ["c++", "-std=c++17", "-fsyntax-only", "-DLP_BRIDGE_BUILDING=1", *includes]
    path = FLUTTER_PACKAGE / "darwin" / "Classes" / "bridge" / source
    done = subprocess.run([*command, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
