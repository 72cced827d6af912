import 'dart:convert';
import 'dart:io';

import 'package:flutter/services.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';

/// One persona of the app, as `lp-pack flutter` entered it.
final class PersonaEntry {
  const PersonaEntry({
    required this.title,
    required this.trained,
    required this.emotions,
    required this.bundles,
  });

  factory PersonaEntry.fromJson(Map<String, Object?> json) => PersonaEntry(
    title: json['title']! as String,
    trained: json['trained']! as bool,
    emotions: (json['emotions']! as List<Object?>).cast<String>(),
    bundles: (json['bundles']! as Map<String, Object?>).cast<String, String>(),
  );

  final String title;

  /// False: its pictures mean nothing.
  final bool trained;

  final List<String> emotions;

  /// Platform -> asset folder of the bundle.
  final Map<String, String> bundles;
}

/// The personas that this platform can show.
Future<List<PersonaEntry>> loadPersonas(AssetBundle assets) async {
  final text = await assets.loadString('assets/personas/personas.json');
  final json = jsonDecode(text) as Map<String, Object?>;
  return [
    for (final entry in json['personas']! as List<Object?>)
      PersonaEntry.fromJson(entry! as Map<String, Object?>),
  ].where((entry) => entry.bundles.containsKey(platform)).toList();
}

/// This platform's name in personas.json.
String get platform => Platform.operatingSystem;

/// Opens the persona's bundle of this platform.
Future<Persona> openPersona(PersonaEntry entry, AssetBundle assets) async {
  final folder = await PersonaAssets(assets).folder(entry.bundles[platform]!);
  return Persona.open(folder);
}
