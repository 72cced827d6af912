"""lp_bridge.h keeps its promises: layouts, exported names, and C that any compiler takes."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from native_bridge import BRIDGE, NativeBridge, library_path, load_tool, require_tools

HEADER = load_tool("header_reader").read_header()
HEADER_FOLDER = BRIDGE / "include"
# Sizes and alignments of the fields' types, where they differ between the platforms.
POINTER_BYTES = {"x86_64": 8, "aarch64": 8, "arm": 4}
TARGETS = {
    "x86_64": "x86_64-linux-gnu",
    "aarch64": "aarch64-linux-gnu",
    "arm": "arm-linux-gnueabihf",
}
NUMBER_BYTES = {"int32_t": 4, "uint32_t": 4, "uint8_t": 1, "uint64_t": 8, "int64_t": 8, "double": 8}


def cross_compiler(target: str) -> list[str]:
    """A compiler for this target that needs no headers but its own; skips where there is none."""
    for clang in ("clang", "clang-14", "clang-16", "clang-19"):
        if shutil.which(clang):
            return [clang, f"--target={TARGETS[target]}"]
    zig = subprocess.run([sys.executable, "-m", "ziglang", "version"], capture_output=True)
    if zig.returncode == 0:
        return [sys.executable, "-m", "ziglang", "cc", f"-target={TARGETS[target]}"]
    if target == "x86_64":
        require_tools("cc")
        return ["cc"]
    pytest.skip(f"neither clang nor ziglang is installed to compile for {target}")


def compiled_layout(target: str, folder: Path) -> dict[str, int]:
    """sizeof and offsetof of everything, read from the assembly the compiler writes."""
    entries = []
    for struct in HEADER.structs:
        entries.append((struct.name, f"sizeof({struct.name})"))
        entries += [
            (f"{struct.name}.{field.name}", f"offsetof({struct.name}, {field.name})")
            for field in struct.fields
        ]
    source = folder / f"layout_{target}.c"
    numbers = ", ".join(expression for _, expression in entries)
    source.write_text(
        f'#include "lp_bridge.h"\nconst uint32_t layout[] = {{0x5eed, {numbers}, 0x5eee}};\n'
    )
    assembly = folder / f"layout_{target}.s"
    command = [*cross_compiler(target), "-ffreestanding", "-I", HEADER_FOLDER, "-S", source]
    subprocess.run([*command, "-o", assembly], check=True)
    words: list[int] = []
    directives = r"^\s*\.(?:long|word|4byte|zero|space)\s+(\d+)"
    for line in assembly.read_text().splitlines():
        if match := re.match(directives, line):
            is_gap = ".zero" in line or ".space" in line
            words += [0] * (int(match[1]) // 4) if is_gap else [int(match[1])]
    start = words.index(0x5EED)
    values = words[start + 1 : words.index(0x5EEE, start)]
    return dict(zip((name for name, _ in entries), values, strict=True))


def natural_layout(target: str) -> dict[str, int]:
    """Every field at a multiple of its own size: the layout that Dart's FFI and ctypes use."""
    layout = {}
    for struct in HEADER.structs:
        offset, widest = 0, 1
        for field in struct.fields:
            size = POINTER_BYTES[target] if "*" in field.type else NUMBER_BYTES[field.type]
            offset = -(-offset // size) * size
            layout[f"{struct.name}.{field.name}"] = offset
            offset, widest = offset + size, max(widest, size)
        layout[struct.name] = -(-offset // widest) * widest
    return layout


@pytest.mark.parametrize("target", list(TARGETS))
def test_compilers_lay_structs_out_naturally(target: str, tmp_path: Path) -> None:
    assert compiled_layout(target, tmp_path) == natural_layout(target)


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="this Python is not 64-bit")
def test_ctypes_lays_structs_out_naturally(bridge: NativeBridge) -> None:
    layout = {}
    for name, kind in bridge.structs.items():
        layout[name] = ctypes.sizeof(kind)
        for field, _ in kind._fields_:
            layout[f"{name}.{field}"] = getattr(kind, field).offset
    assert layout == natural_layout("x86_64")


def test_every_struct_begins_with_its_size() -> None:
    for struct in HEADER.structs:
        assert (struct.fields[0].type, struct.fields[0].name) == ("uint32_t", "struct_size")


def test_no_type_whose_width_varies() -> None:
    """size_t, long, int, bool and enum differ between platforms and bindings."""
    variables = [field for struct in HEADER.structs for field in struct.fields]
    variables += [item for function in HEADER.functions for item in function.parameters]
    known = {*NUMBER_BYTES, "float", "int16_t", "char", "void", "lp_status", "lp_event_callback"}
    known |= {struct.name for struct in HEADER.structs} | {"lp_session"}
    assert {item.type.removeprefix("const ").rstrip(" *") for item in variables} <= known


def test_every_declaration_is_explained() -> None:
    # Sound's second form and plain getters are explained by their neighbours or names.
    named = {"lp_get_statistics"}
    assert [f.name for f in HEADER.functions if not f.comment and f.name not in named] == []
    assert [s.name for s in HEADER.structs if not s.comment] == []


def test_library_exports_the_header_and_nothing_else() -> None:
    require_tools("nm")
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", library_path()], capture_output=True, text=True, check=True
    ).stdout
    exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
    exported = {name for name in exported if not name.startswith("LP_BRIDGE")}
    assert exported == {function.name for function in HEADER.functions}


@pytest.mark.parametrize("language", ["c11", "c++17"])
def test_header_stands_alone(language: str, tmp_path: Path) -> None:
    require_tools("cc", "c++")
    compiler, suffix = ("c++", "cpp") if "+" in language else ("cc", "c")
    source = tmp_path / f"alone.{suffix}"
    source.write_text('#include "lp_bridge.h"\n')
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-std={language}", "-fsyntax-only"]
    subprocess.run([compiler, *strict, "-I", HEADER_FOLDER, source], check=True)


def test_specification_has_the_tables_of_the_header() -> None:
    generator = BRIDGE / "tools" / "generate_spec.py"
    checked = subprocess.run(
        [sys.executable, generator, "--check"], capture_output=True, text=True, cwd=generator.parent
    )
    assert checked.returncode == 0, checked.stdout
