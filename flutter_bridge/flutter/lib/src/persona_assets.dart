import 'dart:io';

import 'package:flutter/services.dart';

import 'platform_channel.dart';

/// Bundles among an app's assets, as folders that `Persona.open` takes.
///
/// Where assets are packed into one file (Android) a bundle is unpacked once into the app's own
/// folder; elsewhere it is opened where it lies.
final class PersonaAssets {
  /// Looks into [assets], by default the app's.
  PersonaAssets([AssetBundle? assets]) : _assets = assets ?? rootBundle;

  final AssetBundle _assets;
  static const _channel = PlatformChannel();
  static final _unpacking = <String, Future<String>>{};

  /// The folder of the bundle whose assets begin with `[key]/`.
  ///
  /// Throws [FlutterError] when there is no such bundle among the assets, [FileSystemException]
  /// when it cannot be written.
  Future<String> folder(String key) async {
    final manifest = await _channel.assetPath('$key/manifest.json');
    if (manifest != null) return File(manifest).parent.path;
    // A block, not an arrow: whenComplete would wait for the future that remove returns.
    return _unpacking[key] ??= _unpack(key).whenComplete(() {
      _unpacking.remove(key);
    });
  }

  Future<String> _unpack(String key) async {
    final manifest = await _assets.load('$key/manifest.json');
    final target = Directory(
      '${await _channel.storagePath()}/personas/${key.replaceAll('/', '.')}',
    );
    // The manifest vouches for every other file; a folder gets its name when it is complete.
    if (_holds(File('${target.path}/manifest.json'), manifest)) {
      return target.path;
    }
    final partial = Directory('${target.path}.partial');
    if (partial.existsSync()) partial.deleteSync(recursive: true);
    final names = await AssetManifest.loadFromAssetBundle(_assets);
    for (final name in names.listAssets()) {
      if (!name.startsWith('$key/')) continue;
      final data = await _assets.load(name);
      final file = File('${partial.path}/${name.substring(key.length + 1)}');
      await file.create(recursive: true);
      await file.writeAsBytes(Uint8List.sublistView(data));
    }
    if (target.existsSync()) target.deleteSync(recursive: true);
    await partial.rename(target.path);
    return target.path;
  }

  static bool _holds(File file, ByteData data) {
    if (!file.existsSync() || file.lengthSync() != data.lengthInBytes) {
      return false;
    }
    final found = file.readAsBytesSync();
    for (var i = 0; i < found.length; i++) {
      if (found[i] != data.getUint8(i)) return false;
    }
    return true;
  }
}
