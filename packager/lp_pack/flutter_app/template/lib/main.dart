import 'dart:async';
import 'dart:io';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';

import 'persona_list.dart';
import 'sound_output.dart';
import 'speech.dart';

void main() => runApp(const PersonaApp());

/// Opens the bundle of an entry; a test gives its own.
typedef PersonaOpener = Future<Persona> Function(PersonaEntry, AssetBundle);

/// The app. [assets] is where bundles and sentences are, by default the app's own.
class PersonaApp extends StatelessWidget {
  const PersonaApp({super.key, this.assets, this.open = openPersona});

  final AssetBundle? assets;
  final PersonaOpener open;

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: 'Persona',
    theme: ThemeData(colorSchemeSeed: Colors.indigo),
    home: PersonaPage(assets: assets ?? rootBundle, open: open),
  );
}

/// One persona and what can be asked of it.
class PersonaPage extends StatefulWidget {
  const PersonaPage({super.key, required this.assets, required this.open});

  final AssetBundle assets;
  final PersonaOpener open;

  @override
  State<PersonaPage> createState() => _PersonaPageState();
}

const _backgrounds = {
  'Original': Background.original(),
  'White': Background.color(255, 255, 255),
  'Blue': Background.color(40, 80, 160),
  'None': Background.color(0, 0, 0, 0),
};

class _PersonaPageState extends State<PersonaPage> {
  final _text = TextEditingController(text: 'Hello. How are you today?');
  final _sound = SoundOutput();
  List<PersonaEntry> _entries = const [];
  PersonaEntry? _entry;
  Persona? _persona;
  String? _emotion;
  double _intensity = 1;
  String _background = _backgrounds.keys.first;
  bool _speaking = false;
  String? _problem;
  int _opening = 0;

  @override
  void initState() {
    super.initState();
    unawaited(_begin());
  }

  @override
  void dispose() {
    _opening++;
    _sound.stop();
    _persona?.close();
    _text.dispose();
    super.dispose();
  }

  Future<void> _begin() => _try(() async {
    final entries = await loadPersonas(widget.assets);
    if (!mounted) return;
    setState(() => _entries = entries);
    if (entries.isEmpty) {
      throw StateError('No persona for $platform: run lp-pack flutter.');
    }
    await _choose(entries.first);
  });

  /// Does it, and shows what went wrong.
  Future<void> _try(Future<void> Function() action) async {
    setState(() => _problem = null);
    try {
      await action();
    } on Exception catch (error) {
      if (mounted) setState(() => _problem = '$error');
    } on StateError catch (error) {
      if (mounted) setState(() => _problem = error.message);
    }
  }

  Future<void> _choose(PersonaEntry entry) async {
    final mine = ++_opening;
    final before = _persona;
    _sound.stop();
    setState(() {
      _entry = entry;
      _persona = null;
      _emotion = null;
      _speaking = false;
    });
    before?.close();
    final persona = await widget.open(entry, widget.assets);
    // Another one may have been chosen meanwhile.
    if (mine != _opening || !mounted) return persona.close();
    if (persona.info.hasPlainBackground) {
      persona.setBackground(_backgrounds[_background]!);
    }
    setState(() => _persona = persona);
  }

  void _feel(String? emotion, double intensity) {
    setState(() {
      _emotion = emotion;
      _intensity = intensity;
    });
    if (emotion != null) _persona?.setEmotion(emotion, intensity: intensity);
  }

  void _putBehind(String name) {
    setState(() => _background = name);
    _persona?.setBackground(_backgrounds[name]!);
  }

  Future<void> _sayText() async => _say(await speakText(_text.text));

  Future<void> _sayFile() async {
    final path = _text.text.trim();
    if (path.endsWith('.wav') && File(path).existsSync()) {
      return _say(await File(path).readAsBytes());
    }
    final wav = await widget.assets.load('assets/speech/hello.wav');
    return _say(Uint8List.sublistView(wav));
  }

  Future<void> _say(Uint8List wav) async {
    final persona = _persona;
    if (persona == null) return;
    final speech = Speech.fromWav(wav);
    _hush();
    setState(() => _speaking = true);
    try {
      await _sound.play(wav);
      await persona.speak(speech.pcm(persona.info.sampleRate));
    } finally {
      if (mounted) setState(() => _speaking = false);
    }
  }

  /// Barge-in: at once.
  void _hush() {
    _sound.stop();
    if (_speaking) _persona?.interrupt();
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    body: SafeArea(
      child: Column(
        children: [
          Expanded(child: _face()),
          if (_problem case final problem?)
            Padding(
              padding: const EdgeInsets.all(8),
              child: Text(problem, key: const ValueKey('problem')),
            ),
          Padding(padding: const EdgeInsets.all(12), child: _controls()),
        ],
      ),
    ),
  );

  Widget _face() {
    final persona = _persona;
    if (persona == null) {
      return Center(
        child: _problem == null ? const CircularProgressIndicator() : null,
      );
    }
    return PersonaView(
      persona,
      semanticLabel: _entry!.title,
      errorBuilder: (_, error) => Center(child: Text('$error')),
    );
  }

  Widget _controls() => Wrap(
    spacing: 12,
    runSpacing: 8,
    crossAxisAlignment: WrapCrossAlignment.center,
    children: [
      DropdownButton<PersonaEntry>(
        key: const ValueKey('persona'),
        value: _entry,
        items: [
          for (final entry in _entries)
            DropdownMenuItem(
              value: entry,
              child: Text(
                entry.trained ? entry.title : '${entry.title} (untrained)',
              ),
            ),
        ],
        onChanged: (entry) => unawaited(_try(() => _choose(entry!))),
      ),
      DropdownButton<String>(
        key: const ValueKey('emotion'),
        hint: const Text('emotion'),
        value: _emotion,
        items: [
          for (final emotion in _entry?.emotions ?? const <String>[])
            DropdownMenuItem(value: emotion, child: Text(emotion)),
        ],
        onChanged: (emotion) => _feel(emotion, _intensity),
      ),
      SizedBox(
        width: 160,
        child: Slider(
          value: _intensity,
          onChanged: (value) => _feel(_emotion, value),
        ),
      ),
      if (_persona?.info.hasPlainBackground ?? false)
        DropdownButton<String>(
          key: const ValueKey('background'),
          value: _background,
          items: [
            for (final name in _backgrounds.keys)
              DropdownMenuItem(value: name, child: Text(name)),
          ],
          onChanged: (name) => _putBehind(name!),
        ),
      SizedBox(
        width: 320,
        child: TextField(
          controller: _text,
          decoration: const InputDecoration(
            labelText: 'A text, or the path of a WAV file',
          ),
        ),
      ),
      FilledButton(
        onPressed: _speaking ? null : () => unawaited(_try(_sayText)),
        child: const Text('Say it'),
      ),
      OutlinedButton(
        onPressed: _speaking ? null : () => unawaited(_try(_sayFile)),
        child: const Text('Play a recording'),
      ),
      TextButton(
        onPressed: _speaking ? _hush : null,
        child: const Text('Stop'),
      ),
    ],
  );
}
