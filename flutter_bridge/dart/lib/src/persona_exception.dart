import 'bindings.g.dart' as c;

/// Why a call failed, as lp_bridge.h numbers it.
enum PersonaErrorCode {
  /// An argument is out of range or does not fit the bundle.
  argument(c.lpErrorArgument),

  /// The session was closed during the call.
  closed(c.lpErrorClosed),

  /// A buffer is too small.
  bufferTooSmall(c.lpErrorBufferTooSmall),

  /// Package and native library belong to different versions.
  abi(c.lpErrorAbi),

  /// The bundle is missing, damaged, altered, or contradicts itself.
  bundle(c.lpErrorBundle),

  /// The bundle was made by a newer lp-pack.
  schema(c.lpErrorSchema),

  /// The inference engine's library is not there.
  engineAbsent(c.lpErrorEngineAbsent),

  /// The inference engine is too old.
  engineTooOld(c.lpErrorEngineTooOld),

  /// The inference engine refused a graph or failed while running it.
  engine(c.lpErrorEngine),

  /// The bundle or this build cannot do what was asked.
  unsupported(c.lpErrorUnsupported),

  /// The sound has another sample rate than the bundle takes.
  sampleRate(c.lpErrorSampleRate),

  /// Memory ran out.
  memory(c.lpErrorMemory),

  /// A mistake in the library.
  internal(c.lpErrorInternal);

  const PersonaErrorCode(this.status);

  /// The lp_status.
  final int status;

  /// The code of a status; [internal] for one that this package does not know.
  static PersonaErrorCode of(int status) => values.firstWhere(
    (code) => code.status == status,
    orElse: () => internal,
  );
}

/// The one exception of this package: which operation failed, why, and what to do about it.
final class PersonaException implements Exception {
  /// Made by this package only.
  const PersonaException(this.code, this.operation, this.explanation);

  /// Why it failed.
  final PersonaErrorCode code;

  /// The operation, e.g. `Persona.open`.
  final String operation;

  /// What happened, where, what was expected, what was found, what to do next.
  final String explanation;

  @override
  String toString() => '$operation: ${code.name}: $explanation';
}
