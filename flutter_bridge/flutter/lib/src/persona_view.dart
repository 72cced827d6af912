import 'package:flutter/widgets.dart';
import 'package:lp_pack/lp_pack.dart';

import 'persona_texture.dart';

/// Shows a persona: the portrait at rest, its frames as they come due while it speaks.
///
/// Native code draws into a texture; no pixel passes through Dart. Several views of one persona
/// show the same texture. While a view is mounted [Persona.frames] cannot be listened to. The
/// persona stays the caller's to close.
class PersonaView extends StatefulWidget {
  /// Shows [persona], which must be open.
  const PersonaView(
    this.persona, {
    super.key,
    this.fit = BoxFit.contain,
    this.placeholder = const SizedBox.shrink(),
    this.semanticLabel,
    this.errorBuilder,
  });

  /// Whom it shows.
  final Persona persona;

  /// How the picture fills the view.
  final BoxFit fit;

  /// Shown until the texture is there.
  final Widget placeholder;

  /// What a screen reader says of it.
  final String? semanticLabel;

  /// Shown instead when the platform cannot make a texture; the default shows [placeholder].
  final Widget Function(BuildContext context, Object error)? errorBuilder;

  @override
  State<PersonaView> createState() => _PersonaViewState();
}

class _PersonaViewState extends State<PersonaView> {
  late PersonaTexture _texture = PersonaTexture.of(widget.persona);

  @override
  void initState() {
    super.initState();
    // Attached with the view, not when it is first built.
    _texture;
  }

  @override
  void didUpdateWidget(PersonaView old) {
    super.didUpdateWidget(old);
    if (identical(old.persona, widget.persona)) return;
    _texture.release();
    _texture = PersonaTexture.of(widget.persona);
  }

  @override
  void dispose() {
    _texture.release();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final info = widget.persona.info;
    return Semantics(
      image: true,
      label: widget.semanticLabel,
      child: ClipRect(
        child: FittedBox(
          fit: widget.fit,
          child: SizedBox(
            width: info.width.toDouble(),
            height: info.height.toDouble(),
            child: ListenableBuilder(
              listenable: Listenable.merge([_texture.id, _texture.error]),
              builder: (context, _) => _picture(context),
            ),
          ),
        ),
      ),
    );
  }

  Widget _picture(BuildContext context) {
    final id = _texture.id.value;
    if (id != null) return Texture(textureId: id);
    final error = _texture.error.value;
    final build = widget.errorBuilder;
    return error != null && build != null
        ? build(context, error)
        : widget.placeholder;
  }
}
