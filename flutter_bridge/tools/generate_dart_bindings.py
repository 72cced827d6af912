"""Writes dart/lib/src/bindings.g.dart from lp_bridge.h.

    python3 flutter_bridge/tools/generate_dart_bindings.py           # rewrite the file
    python3 flutter_bridge/tools/generate_dart_bindings.py --check   # exit 1 if it is out of date

Standard library only, so that a change of the header needs no Dart toolchain.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from header_reader import Constant, Function, Header, Struct, read_header

OUTPUT = Path(__file__).resolve().parents[1] / "dart" / "lib" / "src" / "bindings.g.dart"
# C type -> (type in a native signature, type that Dart code sees).
NUMBERS = {
    "int16_t": ("ffi.Int16", "int"),
    "int32_t": ("ffi.Int32", "int"),
    "uint32_t": ("ffi.Uint32", "int"),
    "int64_t": ("ffi.Int64", "int"),
    "uint64_t": ("ffi.Uint64", "int"),
    "uint8_t": ("ffi.Uint8", "int"),
    "float": ("ffi.Float", "double"),
    "double": ("ffi.Double", "double"),
    "lp_status": ("ffi.Int32", "int"),
    "void": ("ffi.Void", "void"),
}
POINTED_AT = {"char": "ffi.Char", "void": "ffi.Void", "lp_session": "LpSession"}
HEAD = """\
// Generated from lp_bridge.h by tools/generate_dart_bindings.py. Do not edit.
//
// The C ABI as it is: numbers, pointers and statuses. persona.dart makes an API of it.
//
// dart format off

import 'dart:ffi' as ffi;
"""


def dart_name(name: str, capital: bool = False) -> str:
    """`lp_open_options` -> `lpOpenOptions` or `LpOpenOptions`."""
    first, *rest = name.lower().split("_")
    return (first.capitalize() if capital else first) + "".join(word.capitalize() for word in rest)


def types(c_type: str) -> tuple[str, str]:
    """The native and the Dart type of a C type."""
    if c_type in NUMBERS:
        return NUMBERS[c_type]
    base = c_type.removeprefix("const ")
    stars = len(base) - len(base.rstrip("*"))
    base = base.rstrip(" *")
    if stars == 0:
        pointer = f"ffi.Pointer<ffi.NativeFunction<{dart_name(base, capital=True)}>>"
        return pointer, pointer
    if base in NUMBERS and base != "void":
        inner = NUMBERS[base][0]
    else:
        inner = POINTED_AT.get(base, dart_name(base, capital=True))
    pointer = "ffi.Pointer<" * stars + inner + ">" * stars
    return pointer, pointer


def comment(text: str, indent: str = "") -> str:
    """Documentation lines, wrapped at 80 columns; empty for an empty text."""
    lines = textwrap.wrap(text.replace("[", r"\["), 76 - len(indent))
    return "".join(f"{indent}/// {line}\n" for line in lines)


def constant(item: Constant) -> str:
    return f"{comment(item.comment)}const int {dart_name(item.name)} = {item.value};\n"


def struct(item: Struct) -> str:
    fields = []
    for field in item.fields:
        native, dart = types(field.type)
        annotation = "" if "Pointer" in native else f"  @{native}()\n"
        name = dart_name(field.name)
        fields.append(f"{comment(field.comment, '  ')}{annotation}  external {dart} {name};\n")
    body = "\n".join(fields)
    name = dart_name(item.name, capital=True)
    return f"{comment(item.comment)}final class {name} extends ffi.Struct {{\n{body}}}\n"


def callback(item: Function) -> str:
    native = ", ".join(f"{types(p.type)[0]} {dart_name(p.name)}" for p in item.parameters)
    name = dart_name(item.name, capital=True)
    result = types(item.result)[0]
    return f"{comment(item.comment)}typedef {name} = {result} Function({native});\n"


def function(item: Function) -> str:
    native = ", ".join(types(p.type)[0] for p in item.parameters)
    dart = ", ".join(types(p.type)[1] for p in item.parameters)
    name = dart_name(item.name)
    prototype = comment(item.prototype, "  ")
    explanation = f"{comment(item.comment, '  ')}  ///\n" if item.comment else ""
    return (
        f"{explanation}  /// ```c\n{prototype}  /// ```\n"
        f"  late final {types(item.result)[1]} Function({dart}) {name} = _library\n"
        f"      .lookupFunction<{types(item.result)[0]} Function({native}),\n"
        f"          {types(item.result)[1]} Function({dart})>('{item.name}');\n"
    )


def generate(header: Header) -> str:
    """The whole file, before `dart format`."""
    bindings = "\n".join(function(item) for item in header.functions)
    parts = [
        HEAD,
        *(constant(item) for item in header.constants),
        "/// An open bundle. Opaque: a ticket, not an address.\n"
        "final class LpSession extends ffi.Opaque {}\n",
        *(struct(item) for item in header.structs),
        *(callback(item) for item in header.callbacks),
        "/// The functions of one loaded library.\n"
        "final class LpBindings {\n"
        "  /// Functions are looked up when they are first called.\n"
        "  LpBindings(this._library);\n\n"
        "  final ffi.DynamicLibrary _library;\n\n"
        f"{bindings}}}\n",
    ]
    return "\n".join(parts)


def main() -> int:
    text = generate(read_header())
    if "--check" in sys.argv:
        current = OUTPUT.read_text(encoding="utf-8") if OUTPUT.exists() else ""
        if current == text:
            return 0
        print(f"{OUTPUT.name} is not what lp_bridge.h says; run {Path(__file__).name}")
        return 1
    OUTPUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
