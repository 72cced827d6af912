import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

/// Lets a WAV file be heard, with a command of the desktop. Silent where there is none: an app for
/// phones puts an audio player's package here.
final class SoundOutput {
  Process? _player;

  /// Begins to play.
  Future<void> play(Uint8List wav) async {
    stop();
    final command = Platform.isMacOS ? 'afplay' : 'aplay';
    if (!Platform.isMacOS && !Platform.isLinux) return;
    final folder = await Directory.systemTemp.createTemp('persona');
    final file = File('${folder.path}/speech.wav');
    await file.writeAsBytes(wav);
    try {
      final player = _player = await Process.start(command, [file.path]);
      unawaited(player.stdout.drain<void>());
      unawaited(player.stderr.drain<void>());
      unawaited(player.exitCode.then((_) => folder.delete(recursive: true)));
    } on ProcessException {
      await folder.delete(recursive: true);
    }
  }

  /// Stops at once.
  void stop() {
    _player?.kill();
    _player = null;
  }
}
