// Generated from lp_bridge.h by tools/generate_dart_bindings.py. Do not edit.
//
// The C ABI as it is: numbers, pointers and statuses. persona.dart makes an API of it.
//
// dart format off

import 'dart:ffi' as ffi;

/// Rises when a caller built against an older header would go wrong.
const int lpAbiVersion = 1;

/// Success.
const int lpOk = 0;

/// No frame is ready, or none is due yet. Nothing was drawn.
const int lpNoFrame = 1;

/// The queue of sound is full; nothing was taken. Push again after frames were
/// taken.
const int lpQueueFull = 2;

/// An argument is null, out of range, or does not fit the bundle.
const int lpErrorArgument = -1;

/// The session is closed, or was never opened.
const int lpErrorClosed = -2;

/// The caller's buffer is too small; the size needed is in the text or an out
/// parameter.
const int lpErrorBufferTooSmall = -3;

/// Struct size or abi_version belong to another version of this header.
const int lpErrorAbi = -4;

/// The bundle is missing, damaged, altered, or contradicts itself.
const int lpErrorBundle = -5;

/// The bundle was made by a newer lp-pack than this library.
const int lpErrorSchema = -6;

/// The inference engine's library is not there.
const int lpErrorEngineAbsent = -7;

/// The inference engine is older than this library needs.
const int lpErrorEngineTooOld = -8;

/// The inference engine refused a graph or failed while running it.
const int lpErrorEngine = -9;

/// The bundle or this build of the library cannot do what was asked.
const int lpErrorUnsupported = -10;

/// The sound has another sample rate than the bundle takes.
const int lpErrorSampleRate = -11;

/// Memory ran out.
const int lpErrorMemory = -12;

/// A mistake in this library; please report the text.
const int lpErrorInternal = -13;

/// Red, green, blue, alpha.
const int lpFormatRgba8 = 0;

/// Blue, green, red, alpha.
const int lpFormatBgra8 = 1;

/// Each frame once, as soon as it is ready; none is dropped.
const int lpPacingNone = 0;

/// At the bundle's frame rate from the first frame taken; late frames are
/// dropped and counted.
const int lpPacingRealTime = 1;

/// The portrait with the frame pasted back; the bare frame where a bundle has
/// no portrait.
const int lpPicturePortrait = 0;

/// The bare frame, as the generator makes it.
const int lpPictureFrame = 1;

/// The portrait's own background.
const int lpBackgroundOriginal = 0;

/// One colour; alpha below 255 makes the picture transparent there.
const int lpBackgroundColor = 1;

/// A picture, scaled to cover and cut about its centre.
const int lpBackgroundPicture = 2;

/// A frame can be taken; index is its number in the utterance.
const int lpEventFrameReady = 1;

/// The last frame of a flushed utterance was made; index is that utterance's
/// number.
const int lpEventUtteranceEnd = 2;

/// The worker stopped; index is the lp_status. lp_reset starts it again.
const int lpEventError = 3;

/// An open bundle. Opaque: a ticket, not an address.
final class LpSession extends ffi.Opaque {}

/// How to open a bundle.
final class LpOpenOptions extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// LP_ABI_VERSION of the header that the caller was built with.
  @ffi.Uint32()
  external int abiVersion;

  /// Format and precision: "onnx", "coreml" (Apple's systems) or "tflite", and
  /// e.g. "fp32". Null takes the first of these targets whose engine can be
  /// loaded, and fp32 where it has it.
  external ffi.Pointer<ffi.Char> target;

  external ffi.Pointer<ffi.Char> precision;

  /// "cpu", "xnnpack", "coreml" or "nnapi", and the engine must have it. Null:
  /// the first of the variant's that the engine has, else "cpu"; lp_describe
  /// says which and why. LiteRT has "cpu" alone, which is XNNPACK; Core ML
  /// takes "coreml" (any unit, the default) or "cpu".
  external ffi.Pointer<ffi.Char> executionProvider;

  /// Path of the shared library of the target's engine. Null: the environment's
  /// LP_ONNXRUNTIME_LIBRARY or LP_LITERT_LIBRARY, then a library already in the
  /// process, then the system's usual name. One library of each engine per
  /// process.
  external ffi.Pointer<ffi.Char> engineLibrary;

  /// Threads of the engine; 0: the processors this process may use, 8 at most.
  @ffi.Uint32()
  external int threadCount;

  /// Finished frames that may wait; 0: 4.
  @ffi.Uint32()
  external int frameCapacity;

  /// Sound that may wait; 0: 60000.
  @ffi.Uint32()
  external int soundCapacityMs;

  /// LP_PACING_... and LP_PICTURE_...
  @ffi.Int32()
  external int pacing;

  @ffi.Int32()
  external int picture;

  /// 1 skips the check of hashes, which reads the whole bundle once. Sizes are
  /// always checked.
  @ffi.Int32()
  external int skipHashes;
}

/// What a caller must know of a bundle to play it; lp_describe has the rest.
final class LpInfo extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// Size of the pictures that lp_render draws.
  @ffi.Uint32()
  external int widthPx;

  @ffi.Uint32()
  external int heightPx;

  /// Sound must be mono at this rate.
  @ffi.Uint32()
  external int sampleRateHz;

  @ffi.Uint32()
  external int samplesPerFrame;

  /// Frames by which the face trails the sound; lp_flush makes up for them.
  @ffi.Uint32()
  external int lookAheadFrames;

  @ffi.Double()
  external double frameRateHz;

  /// 0: seeded networks, whose pictures mean nothing.
  @ffi.Int32()
  external int isTrained;

  /// 1: the background can be replaced.
  @ffi.Int32()
  external int hasPlainBackground;
}

/// Where a picture is drawn.
final class LpSurface extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// LP_FORMAT_...
  @ffi.Int32()
  external int format;

  /// Must be lp_info's.
  @ffi.Uint32()
  external int widthPx;

  @ffi.Uint32()
  external int heightPx;

  /// From one row to the next; at least 4 * width_px, any multiple or none.
  @ffi.Uint32()
  external int strideBytes;

  @ffi.Uint32()
  external int reserved;

  /// Bytes at pixels; the last row needs only 4 * width_px of them.
  @ffi.Uint64()
  external int capacityBytes;

  external ffi.Pointer<ffi.Uint8> pixels;
}

/// Which frame was drawn.
final class LpFrameInfo extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// 1: the last frame of a flushed utterance.
  @ffi.Int32()
  external int isLast;

  /// Number of the utterance since lp_open, and of the frame within it, both
  /// from 0.
  @ffi.Int64()
  external int utterance;

  @ffi.Int64()
  external int index;

  /// index / frame rate: where in the utterance's sound this frame belongs.
  @ffi.Int64()
  external int timeUs;

  /// How long the graphs took to make it.
  @ffi.Int64()
  external int engineUs;

  /// Frames dropped between the one drawn before and this one.
  @ffi.Uint32()
  external int droppedBefore;

  @ffi.Uint32()
  external int reserved;
}

/// What is behind the figure.
final class LpBackground extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// LP_BACKGROUND_...
  @ffi.Int32()
  external int kind;

  /// For LP_BACKGROUND_COLOR, each 0 to 255.
  @ffi.Uint8()
  external int red;

  @ffi.Uint8()
  external int green;

  @ffi.Uint8()
  external int blue;

  @ffi.Uint8()
  external int alpha;

  /// For LP_BACKGROUND_PICTURE: opaque pixels in `format`.
  @ffi.Int32()
  external int format;

  @ffi.Uint32()
  external int widthPx;

  @ffi.Uint32()
  external int heightPx;

  @ffi.Uint32()
  external int strideBytes;

  @ffi.Uint32()
  external int reserved;

  @ffi.Uint64()
  external int capacityBytes;

  external ffi.Pointer<ffi.Uint8> pixels;
}

/// Agreement with the bundle's golden data.
final class LpSelfCheckResult extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  /// Tensors compared, and those beyond their threshold.
  @ffi.Uint32()
  external int compared;

  @ffi.Uint32()
  external int failed;

  @ffi.Uint32()
  external int reserved;

  /// Largest absolute difference of any value in a compared tensor.
  @ffi.Double()
  external double worstMaxAbs;
}

/// What a session has done since lp_open. Times are over the last 1024 frames.
final class LpStatistics extends ffi.Struct {
  @ffi.Uint32()
  external int structSize;

  @ffi.Uint32()
  external int framesWaiting;

  /// Made by the worker; handed out; dropped because they were late; thrown
  /// away by lp_reset.
  @ffi.Uint64()
  external int framesMade;

  @ffi.Uint64()
  external int framesDrawn;

  @ffi.Uint64()
  external int framesDropped;

  @ffi.Uint64()
  external int framesDiscarded;

  /// Number of the utterance that sound pushed now would belong to.
  @ffi.Int64()
  external int utterance;

  @ffi.Uint32()
  external int soundWaitingMs;

  @ffi.Uint32()
  external int reserved;

  /// The engine's part of a frame: the first, then percentiles of the rest.
  @ffi.Double()
  external double engineFirstMs;

  @ffi.Double()
  external double engineP50Ms;

  @ffi.Double()
  external double engineP95Ms;

  @ffi.Double()
  external double engineP99Ms;

  @ffi.Double()
  external double engineWorstMs;

  /// The rest of a frame: moving tensors, conversion, compositing.
  @ffi.Double()
  external double overheadP50Ms;

  @ffi.Double()
  external double overheadP95Ms;

  @ffi.Double()
  external double overheadP99Ms;
}

/// Reports an event as plain numbers, so that nothing must be kept alive for
/// it.
typedef LpEventCallback = ffi.Void Function(ffi.Int64 userData, ffi.Int32 event, ffi.Int64 index);

/// The functions of one loaded library.
final class LpBindings {
  /// Functions are looked up when they are first called.
  LpBindings(this._library);

  final ffi.DynamicLibrary _library;

  /// The LP_ABI_VERSION that this library was built with.
  ///
  /// ```c
  /// uint32_t lp_abi_version(void);
  /// ```
  late final int Function() lpAbiVersion = _library
      .lookupFunction<ffi.Uint32 Function(),
          int Function()>('lp_abi_version');

  /// A status as a word, e.g. "LP_ERROR_CLOSED"; never null. Static text.
  ///
  /// ```c
  /// const char *lp_status_name(lp_status status);
  /// ```
  late final ffi.Pointer<ffi.Char> Function(int) lpStatusName = _library
      .lookupFunction<ffi.Pointer<ffi.Char> Function(ffi.Int32),
          ffi.Pointer<ffi.Char> Function(int)>('lp_status_name');

  /// Text of the last call on this thread that returned an error; empty after
  /// lp_open of the process. Cut to fit, always ended by a zero; `needed_bytes`
  /// (may be null) includes that zero. `text` may be null when `capacity_bytes`
  /// is 0. Does not change the text.
  ///
  /// ```c
  /// lp_status lp_last_error(char *text, uint64_t capacity_bytes, uint64_t
  /// *needed_bytes);
  /// ```
  late final int Function(ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>) lpLastError = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<ffi.Char>, ffi.Uint64, ffi.Pointer<ffi.Uint64>),
          int Function(ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>)>('lp_last_error');

  /// Open the bundle in this folder: check schema, cross-references and hashes,
  /// load its graphs. Takes as long as reading the bundle; call it off the UI
  /// thread. `options` may be null.
  ///
  /// ```c
  /// lp_status lp_open(const char *bundle_path, const lp_open_options *options,
  /// lp_session **session);
  /// ```
  late final int Function(ffi.Pointer<ffi.Char>, ffi.Pointer<LpOpenOptions>, ffi.Pointer<ffi.Pointer<LpSession>>) lpOpen = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<ffi.Char>, ffi.Pointer<LpOpenOptions>, ffi.Pointer<ffi.Pointer<LpSession>>),
          int Function(ffi.Pointer<ffi.Char>, ffi.Pointer<LpOpenOptions>, ffi.Pointer<ffi.Pointer<LpSession>>)>('lp_open');

  /// Stop the worker and free everything; no callback runs after it returns
  /// (except the one that called it). Null, and closing twice, do nothing. The
  /// type fits Dart's NativeFinalizer.
  ///
  /// ```c
  /// void lp_close(void *session);
  /// ```
  late final void Function(ffi.Pointer<ffi.Void>) lpClose = _library
      .lookupFunction<ffi.Void Function(ffi.Pointer<ffi.Void>),
          void Function(ffi.Pointer<ffi.Void>)>('lp_close');

  /// Sizes and rates.
  ///
  /// ```c
  /// lp_status lp_get_info(lp_session *session, lp_info *info);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpInfo>) lpGetInfo = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpInfo>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpInfo>)>('lp_get_info');

  /// JSON: name, notes, pipeline, chosen variant, engine. Ended by a zero;
  /// LP_ERROR_BUFFER_TOO_SMALL writes only `needed_bytes` (may be null), which
  /// includes that zero.
  ///
  /// ```c
  /// lp_status lp_describe(lp_session *session, char *json, uint64_t
  /// capacity_bytes, uint64_t *needed_bytes);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>) lpDescribe = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Uint64, ffi.Pointer<ffi.Uint64>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>)>('lp_describe');

  /// Report events to `callback` from now on; null ends it, and then none runs
  /// after the return.
  ///
  /// ```c
  /// lp_status lp_set_callback(lp_session *session, lp_event_callback callback,
  /// int64_t user_data);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.NativeFunction<LpEventCallback>>, int) lpSetCallback = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.NativeFunction<LpEventCallback>>, ffi.Int64),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.NativeFunction<LpEventCallback>>, int)>('lp_set_callback');

  /// Append mono samples in \[-1, 1], any number from 1. All are taken or none.
  ///
  /// ```c
  /// lp_status lp_push_pcm(lp_session *session, const float *samples, uint64_t
  /// sample_count, uint32_t sample_rate_hz);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Float>, int, int) lpPushPcm = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Float>, ffi.Uint64, ffi.Uint32),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Float>, int, int)>('lp_push_pcm');

  /// The same from signed 16-bit samples.
  ///
  /// ```c
  /// lp_status lp_push_pcm16(lp_session *session, const int16_t *samples,
  /// uint64_t sample_count, uint32_t sample_rate_hz);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Int16>, int, int) lpPushPcm16 = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Int16>, ffi.Uint64, ffi.Uint32),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Int16>, int, int)>('lp_push_pcm16');

  /// End the utterance: its last frames are made with silence, then all state
  /// starts over. Sound pushed later is the next utterance. Without sound since
  /// the last flush it does nothing.
  ///
  /// ```c
  /// lp_status lp_flush(lp_session *session);
  /// ```
  late final int Function(ffi.Pointer<LpSession>) lpFlush = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>),
          int Function(ffi.Pointer<LpSession>)>('lp_flush');

  /// Barge-in: forget all waiting sound and frames, start over. Also ends the
  /// state of error.
  ///
  /// ```c
  /// lp_status lp_reset(lp_session *session);
  /// ```
  late final int Function(ffi.Pointer<LpSession>) lpReset = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>),
          int Function(ffi.Pointer<LpSession>)>('lp_reset');

  /// Feel this emotion (a label of the bundle's input "emotion") with intensity
  /// 0 to 1.
  ///
  /// ```c
  /// lp_status lp_set_emotion(lp_session *session, const char *label, float
  /// intensity);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, double) lpSetEmotion = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Float),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, double)>('lp_set_emotion');

  /// Set any control or reference of the pipeline, e.g. "style", to these
  /// numbers in C order.
  ///
  /// ```c
  /// lp_status lp_set_control(lp_session *session, const char *name, const
  /// float *values, uint64_t value_count);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, int) lpSetControl = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, ffi.Uint64),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, int)>('lp_set_control');

  /// Replace what is behind the figure, in every picture drawn from now on.
  ///
  /// ```c
  /// lp_status lp_set_background(lp_session *session, const lp_background
  /// *background);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpBackground>) lpSetBackground = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpBackground>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpBackground>)>('lp_set_background');

  /// Draw the next frame, waiting up to `timeout_ms` for it. `frame` may be
  /// null. LP_NO_FRAME leaves the surface alone. A surface that does not fit is
  /// an error and takes no frame.
  ///
  /// ```c
  /// lp_status lp_render(lp_session *session, const lp_surface *surface,
  /// uint32_t timeout_ms, lp_frame_info *frame);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>, int, ffi.Pointer<LpFrameInfo>) lpRender = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>, ffi.Uint32, ffi.Pointer<LpFrameInfo>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>, int, ffi.Pointer<LpFrameInfo>)>('lp_render');

  /// Draw again what lp_render drew last, with the background of now; the
  /// untouched portrait before the first frame (LP_NO_FRAME where the bundle
  /// has none).
  ///
  /// ```c
  /// lp_status lp_render_again(lp_session *session, const lp_surface *surface);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>) lpRenderAgain = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSurface>)>('lp_render_again');

  /// Keep this value of the pipeline, e.g. "motion", with every frame that is
  /// made from now on.
  ///
  /// ```c
  /// lp_status lp_watch(lp_session *session, const char *name);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>) lpWatch = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>)>('lp_watch');

  /// The watched value of the frame that lp_render drew last, as float32 in C
  /// order. `value_count` is always written when `name` is watched: how many
  /// numbers there are.
  ///
  /// ```c
  /// lp_status lp_read_value(lp_session *session, const char *name, float
  /// *values, uint64_t capacity_values, uint64_t *value_count);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, int, ffi.Pointer<ffi.Uint64>) lpReadValue = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, ffi.Uint64, ffi.Pointer<ffi.Uint64>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Pointer<ffi.Float>, int, ffi.Pointer<ffi.Uint64>)>('lp_read_value');

  /// Run the bundle's golden cases on this device. Takes seconds; the session
  /// may go on meanwhile. LP_OK whether or not tensors failed: look at
  /// `failed`.
  ///
  /// ```c
  /// lp_status lp_self_check(lp_session *session, lp_self_check_result
  /// *result);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSelfCheckResult>) lpSelfCheck = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSelfCheckResult>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpSelfCheckResult>)>('lp_self_check');

  /// JSON of the last self-check: one object a tensor. Sized as lp_describe.
  ///
  /// ```c
  /// lp_status lp_self_check_report(lp_session *session, char *json, uint64_t
  /// capacity_bytes, uint64_t *needed_bytes);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>) lpSelfCheckReport = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, ffi.Uint64, ffi.Pointer<ffi.Uint64>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<ffi.Char>, int, ffi.Pointer<ffi.Uint64>)>('lp_self_check_report');

  /// ```c
  /// lp_status lp_get_statistics(lp_session *session, lp_statistics
  /// *statistics);
  /// ```
  late final int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpStatistics>) lpGetStatistics = _library
      .lookupFunction<ffi.Int32 Function(ffi.Pointer<LpSession>, ffi.Pointer<LpStatistics>),
          int Function(ffi.Pointer<LpSession>, ffi.Pointer<LpStatistics>)>('lp_get_statistics');
}
