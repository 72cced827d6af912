import 'dart:ffi';
import 'dart:isolate';

import 'package:ffi/ffi.dart';

import 'bindings.g.dart';
import 'native_library.dart';
import 'persona_types.dart';

/// Opens a bundle and returns the session's ticket as a number, which another isolate may use.
int openSession(String? libraryPath, String bundle, PersonaOptions options) {
  final library = NativeLibrary.open(libraryPath);
  return using((arena) {
    Pointer<Char> text(String? value) =>
        value == null
            ? nullptr
            : value.toNativeUtf8(allocator: arena).cast<Char>();
    final given = arena<LpOpenOptions>();
    given.ref
      ..structSize = sizeOf<LpOpenOptions>()
      ..abiVersion = lpAbiVersion
      ..target = text(options.target)
      ..precision = text(options.precision)
      ..executionProvider = text(options.executionProvider)
      ..engineLibrary = text(options.engineLibrary)
      ..threadCount = options.threadCount
      ..frameCapacity = options.frameCapacity
      ..soundCapacityMs = options.soundCapacityMs
      ..pacing =
          options.pacing == Pacing.realTime ? lpPacingRealTime : lpPacingNone
      ..picture = options.pasteBack ? lpPicturePortrait : lpPictureFrame
      ..skipHashes = options.checkHashes ? 0 : 1;
    final session = arena<Pointer<LpSession>>();
    library.check(
      library.bindings.lpOpen(text(bundle), given, session),
      'Persona.open',
    );
    return session.value.address;
  });
}

/// What lp_get_info says.
PersonaInfo readInfo(NativeLibrary library, Pointer<LpSession> session) =>
    using((arena) {
      final info = arena<LpInfo>();
      info.ref.structSize = sizeOf<LpInfo>();
      library.check(library.bindings.lpGetInfo(session, info), 'Persona.open');
      return PersonaInfo(
        width: info.ref.widthPx,
        height: info.ref.heightPx,
        sampleRate: info.ref.sampleRateHz,
        frameRate: info.ref.frameRateHz,
        lookAheadFrames: info.ref.lookAheadFrames,
        isTrained: info.ref.isTrained != 0,
        hasPlainBackground: info.ref.hasPlainBackground != 0,
      );
    });

/// [checkSession] on an isolate of its own, because it takes seconds. A function of its own, so that
/// nothing but its arguments is sent there.
Future<(int, int, double)> checkElsewhere(String? libraryPath, int ticket) =>
    Isolate.run(() => checkSession(libraryPath, ticket));

/// Runs the golden cases: tensors compared, failed, and the largest difference.
(int, int, double) checkSession(String? libraryPath, int ticket) {
  final library = NativeLibrary.open(libraryPath);
  return using((arena) {
    final result = arena<LpSelfCheckResult>();
    result.ref.structSize = sizeOf<LpSelfCheckResult>();
    library.check(
      library.bindings.lpSelfCheck(Pointer.fromAddress(ticket), result),
      'Persona.selfCheck',
    );
    return (result.ref.compared, result.ref.failed, result.ref.worstMaxAbs);
  });
}
