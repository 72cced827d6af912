import 'dart:async';
import 'dart:convert';
import 'dart:ffi';
import 'dart:isolate';
import 'dart:typed_data';

import 'package:ffi/ffi.dart';

import 'bindings.g.dart';
import 'frame_canvas.dart';
import 'native_library.dart';
import 'persona_exception.dart';
import 'persona_types.dart';
import 'session_opening.dart';

/// An open bundle: a face that speaks.
///
/// Graphs run on a native thread; the isolate that opened it only receives events. All methods
/// throw [StateError] after [close], and [PersonaException] when the native library refuses.
final class Persona implements Finalizable {
  Persona._(this._library, int ticket, PersonaOptions options)
    : _session = Pointer.fromAddress(ticket) {
    _library.closer.attach(this, _session.cast(), detach: this);
    info = readInfo(_library, _session);
    _pacing = options.pacing;
    _canvas = FrameCanvas(info, options.format);
    _frames = StreamController<PersonaFrame>(
      onListen: _drain,
      onResume: _drain,
    );
    // Weak, so that the callback does not keep a forgotten persona from its finalizer.
    final self = WeakReference(this);
    _callback = NativeCallable<LpEventCallback>.listener(
      (int userData, int event, int index) =>
          self.target?._onEvent(event, index),
    )..keepIsolateAlive = false;
    _library.check(
      _library.bindings.lpSetCallback(_session, _callback.nativeFunction, 0),
      'Persona.open',
    );
  }

  /// Opens the bundle in the folder [bundlePath], on another isolate.
  ///
  /// [libraryPath] is liblp_bridge where Flutter did not bundle it.
  static Future<Persona> open(
    String bundlePath, {
    PersonaOptions options = const PersonaOptions(),
    String? libraryPath,
  }) async {
    final library = NativeLibrary.open(libraryPath);
    final ticket = await Isolate.run(
      () => openSession(libraryPath, bundlePath, options),
    );
    return Persona._(library, ticket, options);
  }

  final NativeLibrary _library;
  final Pointer<LpSession> _session;
  late final Pacing _pacing;
  late final FrameCanvas _canvas;
  late final StreamController<PersonaFrame> _frames;
  late final NativeCallable<LpEventCallback> _callback;
  Timer? _clock;
  bool _closed = false;

  // The utterance that `speak` feeds, and what its waiting places wait for.
  Completer<bool>? _speaking;
  int _utterance = 0;
  Completer<void>? _room;
  int _interruptions = 0;

  bool _lent = false;
  final StreamController<void> _pictureChanges = StreamController.broadcast(
    sync: true,
  );

  /// Sizes and rates.
  late final PersonaInfo info;

  /// The frames, in order, for one listener. With [Pacing.none] a paused listener holds the native
  /// worker back; with [Pacing.realTime] frames go by.
  ///
  /// StateError while a display has the session ([lend]): it takes the frames.
  Stream<PersonaFrame> get frames {
    if (_lent) throw StateError('Persona.frames: a display takes the frames.');
    return _frames.stream;
  }

  /// Lends the session to native code that takes and draws the frames itself, such as the texture
  /// of a Flutter view: the `lp_session *` of lp_bridge.h. It stays this persona's, and native code
  /// that uses it after [close] is told so. StateError while [frames] has a listener, or while it
  /// is lent already; [takeBack] ends it.
  int lend() {
    _requireOpen();
    if (_lent || _frames.hasListener) {
      throw StateError('Persona.lend: its frames are being taken already.');
    }
    _lent = true;
    return _session.address;
  }

  /// Ends [lend].
  void takeBack() => _lent = false;

  /// Fires when the picture shown would look different drawn again: after [setBackground].
  Stream<void> get pictureChanges => _pictureChanges.stream;

  /// Keeps the pipeline's value [name], e.g. `motion`, in [PersonaFrame.values] of every frame that
  /// is made from now on.
  void watch(String name) {
    _requireOpen();
    _canvas.watch(_library, _session, name);
  }

  /// Name, notes, pipeline, variant and engine of the open bundle.
  Map<String, Object?> describe() {
    _requireOpen();
    final text = _library.readText(
      (json, capacity, needed) =>
          _library.bindings.lpDescribe(_session, json, capacity, needed),
      'Persona.describe',
    );
    return jsonDecode(text) as Map<String, Object?>;
  }

  /// Speaks this sound: 16-bit little-endian mono samples at [PersonaInfo.sampleRate], in chunks
  /// of any length. Needs a listener to [frames] or a display: frames that nobody takes hold the
  /// worker back.
  ///
  /// Completes when the last frame was made: with true, or with false when [interrupt] or [close]
  /// came first. One utterance at a time: StateError while another one is spoken.
  Future<bool> speak(Stream<Uint8List> pcm) async {
    _requireOpen();
    if (_speaking != null) {
      throw StateError('Persona.speak: another utterance is being spoken.');
    }
    final done = _speaking = Completer<bool>();
    final interruptions = _interruptions;
    bool interrupted() => _closed || _interruptions != interruptions;
    // Events of an utterance that was interrupted may still be on their way.
    _utterance = _readStatistics((native) => native.utterance);
    _callback.keepIsolateAlive = true;
    final chunks = StreamIterator(pcm);
    final stopped = done.future.then((_) => false);
    try {
      var spoke = false;
      var half = Uint8List(0);
      while (await Future.any([chunks.moveNext(), stopped])) {
        if (interrupted()) return false;
        final chunk = chunks.current;
        // A chunk may end in the middle of a sample.
        final bytes = half.isEmpty ? chunk : Uint8List.fromList(half + chunk);
        final whole = bytes.length & ~1;
        half = Uint8List.sublistView(bytes, whole);
        if (whole == 0) continue;
        spoke = true;
        if (!await _push(Uint8List.sublistView(bytes, 0, whole), interrupted)) {
          return false;
        }
      }
      if (interrupted()) return false;
      if (!spoke) return true;
      _library.check(_library.bindings.lpFlush(_session), 'Persona.speak');
      return await done.future;
    } finally {
      unawaited(chunks.cancel());
      if (identical(_speaking, done)) _speaking = null;
      if (!_closed) _callback.keepIsolateAlive = false;
    }
  }

  /// Pushes whole samples in pieces that the queue takes; false when interrupted.
  Future<bool> _push(Uint8List bytes, bool Function() interrupted) async {
    const piece = 3200;
    final samples = bytes.length ~/ 2;
    final data = ByteData.sublistView(bytes);
    for (var start = 0; start < samples; start += piece) {
      final count = samples - start < piece ? samples - start : piece;
      while (true) {
        if (interrupted()) return false;
        final status = using((arena) {
          final native = arena<Int16>(count);
          for (var i = 0; i < count; i++) {
            native[i] = data.getInt16(2 * (start + i), Endian.little);
          }
          return _library.check(
            _library.bindings.lpPushPcm16(
              _session,
              native,
              count,
              info.sampleRate,
            ),
            'Persona.speak',
          );
        });
        if (status == lpOk) break;
        // Full: a frame that is made frees the room of its sound.
        await (_room ??= Completer<void>()).future;
      }
    }
    return true;
  }

  /// Barge-in: forgets all sound and frames that wait, at once.
  void interrupt() {
    _requireOpen();
    _library.check(_library.bindings.lpReset(_session), 'Persona.interrupt');
    _interruptions++;
    _finishSpeaking(false);
  }

  /// Feels this emotion, with an intensity from 0 to 1.
  void setEmotion(String label, {double intensity = 1}) {
    _requireOpen();
    using((arena) {
      final text = label.toNativeUtf8(allocator: arena).cast<Char>();
      _library.check(
        _library.bindings.lpSetEmotion(_session, text, intensity),
        'Persona.setEmotion',
      );
    });
  }

  /// Sets any control of the pipeline to these numbers in C order.
  void setControl(String name, List<double> values) {
    _requireOpen();
    using((arena) {
      final native = arena<Float>(values.isEmpty ? 1 : values.length);
      native.asTypedList(values.length).setAll(0, values);
      _library.check(
        _library.bindings.lpSetControl(
          _session,
          name.toNativeUtf8(allocator: arena).cast(),
          native,
          values.length,
        ),
        'Persona.setControl',
      );
    });
  }

  /// Replaces what is behind the figure.
  void setBackground(Background background) {
    _requireOpen();
    using((arena) {
      final native = arena<LpBackground>();
      final fields = native.ref..structSize = sizeOf<LpBackground>();
      switch (background) {
        case OriginalBackground():
          fields.kind = lpBackgroundOriginal;
        case ColorBackground(:final red, :final green, :final blue):
          fields
            ..kind = lpBackgroundColor
            ..red = red
            ..green = green
            ..blue = blue
            ..alpha = background.alpha;
        case PictureBackground(:final rgba, :final width, :final height):
          final pixels = arena<Uint8>(rgba.isEmpty ? 1 : rgba.length);
          pixels.asTypedList(rgba.length).setAll(0, rgba);
          fields
            ..kind = lpBackgroundPicture
            ..format = lpFormatRgba8
            ..widthPx = width
            ..heightPx = height
            ..strideBytes = width * 4
            ..capacityBytes = rgba.length
            ..pixels = pixels;
      }
      _library.check(
        _library.bindings.lpSetBackground(_session, native),
        'Persona.setBackground',
      );
    });
    _pictureChanges.add(null);
  }

  /// What is shown now: the last frame, or the portrait before the first; null where a bundle has
  /// no portrait.
  Uint8List? currentPicture() {
    _requireOpen();
    return _canvas.again(_library, _session);
  }

  /// Runs the bundle's golden cases on this device, on another isolate.
  Future<SelfCheck> selfCheck() async {
    _requireOpen();
    final path = _library.path;
    final ticket = _session.address;
    final (compared, failed, worst) = await checkElsewhere(path, ticket);
    _requireOpen();
    final report = _library.readText(
      (json, capacity, needed) =>
          _library.bindings.lpSelfCheckReport(_session, json, capacity, needed),
      'Persona.selfCheck',
    );
    final entries =
        (jsonDecode(report) as List<Object?>).cast<Map<String, Object?>>();
    return SelfCheck(compared, failed, worst, entries);
  }

  /// What the session has done since it was opened.
  PersonaStatistics statistics() {
    _requireOpen();
    return _readStatistics(
      (native) => PersonaStatistics(
        framesMade: native.framesMade,
        framesDrawn: native.framesDrawn,
        framesDropped: native.framesDropped,
        framesDiscarded: native.framesDiscarded,
        soundWaiting: Duration(milliseconds: native.soundWaitingMs),
        engineMedianMs: native.engineP50Ms,
        engineP95Ms: native.engineP95Ms,
        engineP99Ms: native.engineP99Ms,
        overheadMedianMs: native.overheadP50Ms,
      ),
    );
  }

  T _readStatistics<T>(T Function(LpStatistics) read) => using((arena) {
    final native = arena<LpStatistics>();
    native.ref.structSize = sizeOf<LpStatistics>();
    _library.check(
      _library.bindings.lpGetStatistics(_session, native),
      'Persona.statistics',
    );
    return read(native.ref);
  });

  /// Stops the worker and frees everything; closing again does nothing.
  void close() {
    if (_closed) return;
    _closed = true;
    _clock?.cancel();
    _library.closer.detach(this);
    _library.bindings.lpClose(_session.cast());
    // No event can come any more.
    _callback.close();
    _canvas.free();
    unawaited(_frames.close());
    unawaited(_pictureChanges.close());
    _finishSpeaking(false);
  }

  void _requireOpen() {
    if (_closed) throw StateError('The persona is closed.');
  }

  void _finishSpeaking(bool completed) {
    final speaking = _speaking;
    _speaking = null;
    if (speaking != null && !speaking.isCompleted) speaking.complete(completed);
    _makeRoom();
  }

  void _makeRoom() {
    final room = _room;
    _room = null;
    room?.complete();
  }

  /// Events arrive later than they happened; what they announce may be gone.
  void _onEvent(int event, int index) {
    if (_closed) return;
    if (event == lpEventError) {
      _failed(index);
      return;
    }
    _makeRoom();
    _drain();
    if (event == lpEventUtteranceEnd && index == _utterance) {
      _finishSpeaking(true);
    }
  }

  void _failed(int status) {
    PersonaException error;
    try {
      // Any call on the stopped worker tells what stopped it.
      _canvas.next(_library, _session);
      error = PersonaException(
        PersonaErrorCode.of(status),
        'Persona.frames',
        'The worker stopped.',
      );
    } on PersonaException catch (found) {
      error = found;
    }
    _frames.addError(error);
    _interruptions++;
    _finishSpeaking(false);
  }

  /// Hands out every frame that is due, and comes back for those that will be.
  void _drain() {
    if (_closed || !_frames.hasListener || _frames.isPaused) return;
    try {
      PersonaFrame? frame;
      while (!_closed &&
          !_frames.isPaused &&
          (frame = _canvas.next(_library, _session)) != null) {
        _frames.add(frame!);
        _makeRoom();
      }
    } on PersonaException catch (error) {
      _frames.addError(error);
    }
    if (_pacing == Pacing.realTime && _clock == null && !_closed) {
      final half = Duration(microseconds: (5e5 / info.frameRate).round());
      _clock = Timer.periodic(half, (_) => _tick());
    }
  }

  void _tick() {
    _drain();
    if (_closed || _speaking != null) return;
    final idle = _readStatistics(
      (native) => native.framesWaiting == 0 && native.soundWaitingMs == 0,
    );
    if (!idle) return;
    _clock?.cancel();
    _clock = null;
  }
}
