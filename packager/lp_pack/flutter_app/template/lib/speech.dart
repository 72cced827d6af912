import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

/// Mono samples in [-1, 1].
final class Speech {
  const Speech(this.samples, this.sampleRate);

  /// Reads a WAV file with 16-bit samples; channels are averaged.
  ///
  /// Throws [FormatException] when it is none.
  factory Speech.fromWav(Uint8List bytes) {
    final data = ByteData.sublistView(bytes);
    String tag(int at) => latin1.decode(bytes.sublist(at, at + 4));
    if (bytes.length < 12 || tag(0) != 'RIFF' || tag(8) != 'WAVE') {
      throw const FormatException('This is not a WAV file.');
    }
    var channels = 0;
    var rate = 0;
    for (var at = 12; at + 8 <= bytes.length;) {
      final left = bytes.length - at - 8;
      // A program that writes to a pipe does not know the size; it says 0 or too much.
      final said = data.getUint32(at + 4, Endian.little);
      final size = said > left ? left : said;
      if (tag(at) == 'fmt ' && size >= 16) {
        final format = data.getUint16(at + 8, Endian.little);
        channels = data.getUint16(at + 10, Endian.little);
        rate = data.getUint32(at + 12, Endian.little);
        final bits = data.getUint16(at + 22, Endian.little);
        if ((format != 1 && format != 0xfffe) || bits != 16 || channels == 0) {
          throw FormatException('16-bit samples are needed, not $bits bits.');
        }
      } else if (tag(at) == 'data' && rate > 0) {
        final part = ByteData.sublistView(bytes, at + 8, at + 8 + size);
        return Speech(_mono(part, channels), rate);
      }
      at += 8 + size + (size & 1);
    }
    throw const FormatException('The WAV file holds no sound.');
  }

  final Float32List samples;
  final int sampleRate;

  static Float32List _mono(ByteData data, int channels) {
    final frames = data.lengthInBytes ~/ (2 * channels);
    final mono = Float32List(frames);
    for (var i = 0; i < frames; i++) {
      var sum = 0;
      for (var channel = 0; channel < channels; channel++) {
        sum += data.getInt16(2 * (i * channels + channel), Endian.little);
      }
      mono[i] = sum / (32768 * channels);
    }
    return mono;
  }

  /// The 16-bit little-endian samples that `Persona.speak` takes, at its rate, in steps of 0.1 s.
  Stream<Uint8List> pcm(int rate) async* {
    final count = samples.length * rate ~/ sampleRate;
    final step = rate ~/ 10;
    for (var start = 0; start < count; start += step) {
      final end = start + step < count ? start + step : count;
      final bytes = ByteData(2 * (end - start));
      for (var i = start; i < end; i++) {
        final value = (_at(i * sampleRate / rate) * 32767).round();
        bytes.setInt16(
          2 * (i - start),
          value.clamp(-32768, 32767),
          Endian.little,
        );
      }
      yield bytes.buffer.asUint8List();
    }
  }

  /// The sample at a place between two, on the line through them.
  double _at(double place) {
    final before = place.floor();
    if (before + 1 >= samples.length) return samples.last;
    final share = place - before;
    return samples[before] * (1 - share) + samples[before + 1] * share;
  }
}

/// The server that speaks typed text; without one, `espeak-ng` does.
const speechUrl = String.fromEnvironment('SPEECH_URL');

/// Speaks a text into WAV bytes. Throws [StateError] when nothing here can.
Future<Uint8List> speakText(String text) =>
    speechUrl.isEmpty ? _espeak(text) : _ask(Uri.parse(speechUrl), text);

Future<Uint8List> _espeak(String text) async {
  const help = 'Typed text needs espeak-ng, or a server: see README.md.';
  if (Platform.isAndroid || Platform.isIOS) throw StateError(help);
  try {
    // "--" ends the options: a text may begin with a dash.
    final done = await Process.run('espeak-ng', [
      '--stdout',
      '--',
      text,
    ], stdoutEncoding: null);
    if (done.exitCode != 0) throw StateError('espeak-ng: ${done.stderr}');
    return Uint8List.fromList(done.stdout as List<int>);
  } on ProcessException {
    throw StateError(help);
  }
}

Future<Uint8List> _ask(Uri address, String text) async {
  final client = HttpClient();
  try {
    final request = await client.postUrl(address);
    request.headers.contentType = ContentType.json;
    request.write(
      jsonEncode({
        'model': 'tts-1',
        'voice': 'alloy',
        'input': text,
        'response_format': 'wav',
      }),
    );
    final response = await request.close();
    final bytes = BytesBuilder(copy: false);
    await response.forEach(bytes.add);
    if (response.statusCode != 200) {
      throw StateError('$address answers ${response.statusCode}.');
    }
    return bytes.takeBytes();
  } finally {
    client.close(force: true);
  }
}
