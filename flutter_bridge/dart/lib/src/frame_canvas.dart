import 'dart:ffi';
import 'dart:typed_data';

import 'package:ffi/ffi.dart';

import 'bindings.g.dart';
import 'native_library.dart';
import 'persona_types.dart';

/// Native memory for one picture, reused for every frame.
final class FrameCanvas {
  /// Allocates; [free] it.
  FrameCanvas(PersonaInfo info, PixelFormat format)
    : _bytes = info.width * info.height * 4,
      _surface = calloc<LpSurface>(),
      _frame = calloc<LpFrameInfo>() {
    _surface.ref
      ..structSize = sizeOf<LpSurface>()
      ..format = format == PixelFormat.bgra8 ? lpFormatBgra8 : lpFormatRgba8
      ..widthPx = info.width
      ..heightPx = info.height
      ..strideBytes = info.width * 4
      ..capacityBytes = _bytes
      ..pixels = calloc<Uint8>(_bytes);
    _frame.ref.structSize = sizeOf<LpFrameInfo>();
  }

  final int _bytes;
  final Pointer<LpSurface> _surface;
  final Pointer<LpFrameInfo> _frame;
  final Set<String> _watched = {};

  /// Keeps this value with every frame that is made from now on.
  void watch(NativeLibrary library, Pointer<LpSession> session, String name) =>
      using((arena) {
        final text = name.toNativeUtf8(allocator: arena).cast<Char>();
        library.check(library.bindings.lpWatch(session, text), 'Persona.watch');
        _watched.add(name);
      });

  /// The next frame that is due, or null.
  PersonaFrame? next(NativeLibrary library, Pointer<LpSession> session) {
    final status = library.check(
      library.bindings.lpRender(session, _surface, 0, _frame),
      'Persona.frames',
    );
    if (status == lpNoFrame) return null;
    final info = _frame.ref;
    return PersonaFrame(
      pixels: Uint8List.fromList(_surface.ref.pixels.asTypedList(_bytes)),
      width: _surface.ref.widthPx,
      height: _surface.ref.heightPx,
      utterance: info.utterance,
      index: info.index,
      time: Duration(microseconds: info.timeUs),
      isLast: info.isLast != 0,
      droppedBefore: info.droppedBefore,
      values: {
        for (final name in _watched)
          if (_value(library, session, name) case final numbers?) name: numbers,
      },
    );
  }

  /// The numbers of a watched value; null for a frame made before it was watched.
  Float32List? _value(
    NativeLibrary library,
    Pointer<LpSession> session,
    String name,
  ) => using((arena) {
    final text = name.toNativeUtf8(allocator: arena).cast<Char>();
    final count = arena<Uint64>();
    final read = library.bindings.lpReadValue;
    // Asking with no room tells how many numbers there are.
    if (read(session, text, nullptr, 0, count) != lpErrorBufferTooSmall) {
      return null;
    }
    final numbers = arena<Float>(count.value);
    library.check(
      read(session, text, numbers, count.value, count),
      'Persona.frames',
    );
    return Float32List.fromList(numbers.asTypedList(count.value));
  });

  /// The picture shown last, or the portrait; null where there is none.
  Uint8List? again(NativeLibrary library, Pointer<LpSession> session) {
    final status = library.check(
      library.bindings.lpRenderAgain(session, _surface),
      'Persona.currentPicture',
    );
    if (status == lpNoFrame) return null;
    return Uint8List.fromList(_surface.ref.pixels.asTypedList(_bytes));
  }

  /// Gives the memory back.
  void free() {
    calloc.free(_surface.ref.pixels);
    calloc.free(_surface);
    calloc.free(_frame);
  }
}
