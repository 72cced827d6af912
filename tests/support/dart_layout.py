"""Where Dart's FFI puts every field, found by writing fields and looking at the bytes."""

from __future__ import annotations

from types import ModuleType

HEAD = """\
import 'dart:ffi';
import 'dart:io';
import 'package:ffi/ffi.dart';
import 'package:lp_pack/src/bindings.g.dart';

void report(String name, Pointer<NativeType> struct, int size, void Function() write) {
  final bytes = struct.cast<Uint8>().asTypedList(size)..fillRange(0, size, 0);
  write();
  final offset = bytes.indexWhere((byte) => byte != 0);
  final width = bytes.lastIndexWhere((byte) => byte != 0) + 1 - offset;
  stdout.writeln('$name $offset $width');
}

void main() {
"""


def layout_probe(header: object, generator: ModuleType) -> str:
    """A Dart program that prints `struct size` and `struct.field offset bytes` for each."""
    lines = [HEAD]
    for struct in header.structs:  # type: ignore[attr-defined]
        kind = generator.dart_name(struct.name, capital=True)
        lines.append(f"  final {struct.name} = calloc<{kind}>();")
        lines.append(f"  stdout.writeln('{struct.name} ${{sizeOf<{kind}>()}}');")
        for field in struct.fields:
            _, dart = generator.types(field.type)
            # All bits set; a double whose first and last byte are not zero.
            value = {"int": "-1", "double": "-1.0000000000000002"}.get(
                dart, "Pointer.fromAddress(-1)"
            )
            lines.append(
                f"  report('{struct.name}.{field.name}', {struct.name}, sizeOf<{kind}>(), () => "
                f"{struct.name}.ref.{generator.dart_name(field.name)} = {value});"
            )
    return "\n".join([*lines, "}\n"])


def parse_probe(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """The printed sizes and offsets by name, and the width of every field in bytes."""
    layout: dict[str, int] = {}
    widths: dict[str, int] = {}
    for name, number, *width in (line.split() for line in text.splitlines()):
        layout[name] = int(number)
        if width:
            widths[name] = int(width[0])
    return layout, widths
