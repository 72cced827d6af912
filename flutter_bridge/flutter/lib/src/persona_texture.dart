import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:lp_pack/lp_pack.dart';

import 'platform_channel.dart';

/// The native texture of one persona, shared by all views of it; it ends with the last of them.
final class PersonaTexture {
  PersonaTexture._(this._persona) : _session = _persona.lend() {
    unawaited(_attach());
  }

  /// The persona's texture, which [release] gives back. StateError when the persona is closed or
  /// its frames are taken otherwise.
  factory PersonaTexture.of(Persona persona) {
    final texture = _textures[persona] ??= PersonaTexture._(persona);
    return texture.._views += 1;
  }

  static final _textures = Expando<PersonaTexture>('textures');
  static const _channel = PlatformChannel();

  final Persona _persona;
  final int _session;
  int _views = 0;
  StreamSubscription<void>? _changes;

  /// The texture's id once the platform has made it.
  ValueListenable<int?> get id => _id;
  final _id = ValueNotifier<int?>(null);

  /// Why the platform could not make it.
  ValueListenable<Object?> get error => _error;
  final _error = ValueNotifier<Object?>(null);

  /// Ends one view's use.
  void release() {
    _views -= 1;
    if (_views > 0) return;
    _textures[_persona] = null;
    _persona.takeBack();
    final id = _id.value;
    if (id != null) unawaited(_detach(id));
  }

  Future<void> _attach() async {
    try {
      final id = await _channel.attach(_session);
      // All views may have gone meanwhile.
      if (_views == 0) return await _detach(id);
      _id.value = id;
      _changes = _persona.pictureChanges.listen((_) => _channel.redraw(id));
    } on Exception catch (error) {
      _error.value = error;
    }
  }

  Future<void> _detach(int id) {
    unawaited(_changes?.cancel());
    return _channel.detach(id);
  }
}
