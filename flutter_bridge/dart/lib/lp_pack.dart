/// Plays lp-pack bundles: sound goes in, pictures of a talking face come out.
///
/// ```dart
/// final persona = await Persona.open('persona.lpbundle');
/// persona.frames.listen((frame) => show(frame.pixels));
/// await persona.speak(pcm);
/// persona.close();
/// ```
library;

export 'src/persona.dart' show Persona;
export 'src/persona_exception.dart' show PersonaException, PersonaErrorCode;
export 'src/persona_types.dart'
    show
        Background,
        Pacing,
        PersonaFrame,
        PersonaInfo,
        PersonaOptions,
        PersonaStatistics,
        PixelFormat,
        SelfCheck;
