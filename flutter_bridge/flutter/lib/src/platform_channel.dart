import 'package:flutter/services.dart';

/// The plugin's platform side; every folder of this package implements these five methods.
class PlatformChannel {
  /// There is one channel; the object holds nothing.
  const PlatformChannel();

  static const _channel = MethodChannel('lp_pack_flutter');

  /// Begins to show the session of this ticket; returns the id of its texture.
  Future<int> attach(int session) async =>
      (await _channel.invokeMethod<int>('attach', {'session': session}))!;

  /// Draws the texture's current frame again.
  Future<void> redraw(int texture) =>
      _channel.invokeMethod('redraw', {'texture': texture});

  /// Ends the texture.
  Future<void> detach(int texture) =>
      _channel.invokeMethod('detach', {'texture': texture});

  /// Where an asset lies as a plain file; null where assets are packed.
  Future<String?> assetPath(String asset) =>
      _channel.invokeMethod('assetPath', {'asset': asset});

  /// A folder of the app's own, to unpack assets into; it may not exist yet.
  Future<String> storagePath() async =>
      (await _channel.invokeMethod<String>('storagePath'))!;
}
