import 'dart:typed_data';

/// When frames are handed out.
enum Pacing {
  /// Each frame once, as soon as it is ready.
  none,

  /// At the bundle's frame rate; late frames are dropped and counted.
  realTime,
}

/// Order of a pixel's four bytes.
enum PixelFormat {
  /// Red, green, blue, alpha.
  rgba8,

  /// Blue, green, red, alpha.
  bgra8,
}

/// How to open a bundle. Null chooses what this device can run.
final class PersonaOptions {
  /// All have defaults.
  const PersonaOptions({
    this.target,
    this.precision,
    this.executionProvider,
    this.engineLibrary,
    this.threadCount = 0,
    this.frameCapacity = 0,
    this.soundCapacityMs = 0,
    this.pacing = Pacing.realTime,
    this.pasteBack = true,
    this.format = PixelFormat.rgba8,
    this.checkHashes = true,
  });

  /// Format of the graphs, e.g. `onnx`.
  final String? target;

  /// Precision of the graphs, e.g. `fp32`.
  final String? precision;

  /// `cpu`, `xnnpack`, `coreml` or `nnapi`.
  final String? executionProvider;

  /// Path of the inference engine's shared library.
  final String? engineLibrary;

  /// Threads of the engine; 0 uses the processors at hand.
  final int threadCount;

  /// Finished frames that may wait; 0 is the library's default.
  final int frameCapacity;

  /// Sound that may wait, in ms; 0 is the library's default.
  final int soundCapacityMs;

  /// When frames are handed out.
  final Pacing pacing;

  /// Whether frames return into the portrait.
  final bool pasteBack;

  /// Order of the bytes in [PersonaFrame.pixels].
  final PixelFormat format;

  /// Whether opening reads the whole bundle once to check it.
  final bool checkHashes;
}

/// What must be known of a bundle to play it.
final class PersonaInfo {
  /// Made by this package only.
  const PersonaInfo({
    required this.width,
    required this.height,
    required this.sampleRate,
    required this.frameRate,
    required this.lookAheadFrames,
    required this.isTrained,
    required this.hasPlainBackground,
  });

  /// Width of the pictures in pixels.
  final int width;

  /// Height of the pictures in pixels.
  final int height;

  /// Samples a second that `speak` takes.
  final int sampleRate;

  /// Pictures a second.
  final double frameRate;

  /// Frames by which the face trails the sound.
  final int lookAheadFrames;

  /// False: the pictures mean nothing.
  final bool isTrained;

  /// Whether the background can be replaced.
  final bool hasPlainBackground;
}

/// One picture and where it belongs.
final class PersonaFrame {
  /// Made by this package only.
  const PersonaFrame({
    required this.pixels,
    required this.width,
    required this.height,
    required this.utterance,
    required this.index,
    required this.time,
    required this.isLast,
    required this.droppedBefore,
    this.values = const {},
  });

  /// Four bytes a pixel, rows without gaps; a copy that is the listener's.
  final Uint8List pixels;

  /// Width in pixels.
  final int width;

  /// Height in pixels.
  final int height;

  /// Number of the utterance since the bundle was opened.
  final int utterance;

  /// Number of the frame in its utterance.
  final int index;

  /// Where in the utterance's sound it belongs.
  final Duration time;

  /// Whether it is the utterance's last.
  final bool isLast;

  /// Frames dropped since the one before.
  final int droppedBefore;

  /// The values that `Persona.watch` asked for, in C order; a frame made before lacks them.
  final Map<String, Float32List> values;
}

/// What lies behind the figure.
sealed class Background {
  const Background();

  /// The portrait's own.
  const factory Background.original() = OriginalBackground;

  /// One colour, each part 0 to 255; alpha below 255 is transparent.
  const factory Background.color(int red, int green, int blue, [int alpha]) =
      ColorBackground;

  /// An opaque RGBA picture, scaled to cover.
  const factory Background.picture(Uint8List rgba, int width, int height) =
      PictureBackground;
}

/// See [Background.original].
final class OriginalBackground extends Background {
  /// See [Background.original].
  const OriginalBackground();
}

/// See [Background.color].
final class ColorBackground extends Background {
  /// See [Background.color].
  const ColorBackground(this.red, this.green, this.blue, [this.alpha = 255]);

  /// 0 to 255.
  final int red, green, blue, alpha;
}

/// See [Background.picture].
final class PictureBackground extends Background {
  /// See [Background.picture].
  const PictureBackground(this.rgba, this.width, this.height);

  /// Four bytes a pixel, rows without gaps.
  final Uint8List rgba;

  /// In pixels.
  final int width, height;
}

/// Agreement with the bundle's golden data.
final class SelfCheck {
  /// Made by this package only.
  const SelfCheck(this.compared, this.failed, this.worstMaxAbs, this.report);

  /// Tensors compared.
  final int compared;

  /// Tensors beyond their threshold.
  final int failed;

  /// Largest absolute difference of any value.
  final double worstMaxAbs;

  /// One entry a tensor: case, graph, tensor, threshold, worst, passed ...
  final List<Map<String, Object?>> report;
}

/// What a session has done since it was opened.
final class PersonaStatistics {
  /// Made by this package only.
  const PersonaStatistics({
    required this.framesMade,
    required this.framesDrawn,
    required this.framesDropped,
    required this.framesDiscarded,
    required this.soundWaiting,
    required this.engineMedianMs,
    required this.engineP95Ms,
    required this.engineP99Ms,
    required this.overheadMedianMs,
  });

  /// Counts of frames: made, handed out, dropped as late, thrown away by an interruption.
  final int framesMade, framesDrawn, framesDropped, framesDiscarded;

  /// Sound that was pushed and not yet used.
  final Duration soundWaiting;

  /// The engine's part of a frame.
  final double engineMedianMs, engineP95Ms, engineP99Ms;

  /// The rest of a frame.
  final double overheadMedianMs;
}
