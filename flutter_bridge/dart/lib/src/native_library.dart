import 'dart:ffi';
import 'dart:io';

import 'package:ffi/ffi.dart';

import 'bindings.g.dart';
import 'persona_exception.dart';

/// The loaded liblp_bridge and what every call on it needs.
final class NativeLibrary {
  NativeLibrary._(this.path, this._library) : bindings = LpBindings(_library) {
    final version = bindings.lpAbiVersion();
    if (version != lpAbiVersion) {
      throw PersonaException(
        PersonaErrorCode.abi,
        'Persona.open',
        'The native library has ABI version $version, this package needs '
            '$lpAbiVersion.\n  next:     ship the library that belongs to the '
            'package',
      );
    }
  }

  /// Loads the library: from [path], or as Flutter bundles it.
  factory NativeLibrary.open(String? path) {
    final name = path ?? _bundledName;
    try {
      final library =
          name == null ? DynamicLibrary.process() : DynamicLibrary.open(name);
      return NativeLibrary._(path, library);
    } on ArgumentError catch (error) {
      throw PersonaException(
        PersonaErrorCode.unsupported,
        'Persona.open',
        'The native library cannot be loaded.\n  where:    ${name ?? 'this '
                    'process'}\n  got:      ${error.message}\n  next:     build '
            'flutter_bridge, or give libraryPath',
      );
    }
  }

  /// Where it was loaded from; null: as Flutter bundles it.
  final String? path;

  final DynamicLibrary _library;

  /// The raw C ABI.
  final LpBindings bindings;

  /// On iOS and macOS the library is linked into the app.
  static String? get _bundledName =>
      Platform.isIOS || Platform.isMacOS ? null : 'liblp_bridge.so';

  /// lp_close as a finalizer.
  late final NativeFinalizer closer = NativeFinalizer(
    _library.lookup<NativeFunction<Void Function(Pointer<Void>)>>('lp_close'),
  );

  /// Throws [PersonaException] when [status] is an error; returns it otherwise.
  int check(int status, String operation) {
    if (status >= lpOk) return status;
    throw PersonaException(
      PersonaErrorCode.of(status),
      operation,
      _lastError(),
    );
  }

  String _lastError() => using((arena) {
    final needed = arena<Uint64>();
    bindings.lpLastError(nullptr, 0, needed);
    final text = arena<Char>(needed.value);
    bindings.lpLastError(text, needed.value, nullptr);
    return text.cast<Utf8>().toDartString();
  });

  /// The text that `write` makes after it was asked for its size.
  String readText(
    int Function(Pointer<Char>, int, Pointer<Uint64>) write,
    String operation,
  ) => using((arena) {
    final needed = arena<Uint64>();
    final status = write(nullptr, 0, needed);
    if (status != lpErrorBufferTooSmall) check(status, operation);
    final text = arena<Char>(needed.value);
    check(write(text, needed.value, nullptr), operation);
    return text.cast<Utf8>().toDartString();
  });
}
