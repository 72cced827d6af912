/// Shows lp-pack's personas in Flutter apps.
///
/// ```dart
/// final folder = await PersonaAssets().folder('assets/personas/demo');
/// final persona = await Persona.open(folder);
/// // In a build method: PersonaView(persona)
/// await persona.speak(pcm);
/// ```
library;

export 'package:lp_pack/lp_pack.dart';

export 'src/persona_assets.dart' show PersonaAssets;
export 'src/persona_view.dart' show PersonaView;
