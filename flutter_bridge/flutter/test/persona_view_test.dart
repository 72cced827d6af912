// PersonaView and PersonaAssets with a real persona in Flutter's headless engine. Only the platform
// side of the plugin is played: that engine has none. The environment says where things are:
//
//   LP_BRIDGE_LIBRARY, LP_ONNXRUNTIME_LIBRARY, LP_BUNDLE
import 'dart:io';

import 'package:flutter/services.dart';
import 'package:flutter/widgets.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';

String setting(String name) => Platform.environment[name]!;

/// What a platform folder does, with no pixels: hands out ids and remembers what was asked.
final class PlatformSide {
  PlatformSide(WidgetTester tester) {
    tester.binding.defaultBinaryMessenger.setMockMethodCallHandler(
      const MethodChannel('lp_pack_flutter'),
      (call) async {
        final arguments = (call.arguments as Map?) ?? const {};
        calls.add('${call.method} ${arguments['texture'] ?? ''}'.trim());
        switch (call.method) {
          case 'attach':
            if (refuses) throw PlatformException(code: 'closed');
            sessions.add(arguments['session'] as int);
            return sessions.length;
          case 'storagePath':
            return storage;
          case 'assetPath':
            return assetPath;
        }
        return null;
      },
    );
  }

  final calls = <String>[];
  final sessions = <int>[];
  bool refuses = false;
  String? storage;
  String? assetPath;
}

Future<Persona> open(WidgetTester tester) async =>
    (await tester.runAsync(
      () => Persona.open(
        setting('LP_BUNDLE'),
        libraryPath: setting('LP_BRIDGE_LIBRARY'),
        options: PersonaOptions(
          engineLibrary: setting('LP_ONNXRUNTIME_LIBRARY'),
          threadCount: 1,
        ),
      ),
    ))!;

/// Assets as an app has them, from a folder.
final class FolderAssets extends CachingAssetBundle {
  FolderAssets(this.folder, this.prefix);

  final Directory folder;
  final String prefix;

  Iterable<File> get files =>
      folder.listSync(recursive: true).whereType<File>();

  @override
  Future<ByteData> load(String key) async {
    if (key == 'AssetManifest.bin') {
      final entries = {
        for (final file in files)
          '$prefix${file.path.substring(folder.path.length)}': [
            {'asset': '$prefix${file.path.substring(folder.path.length)}'},
          ],
      };
      return const StandardMessageCodec().encodeMessage(entries)!;
    }
    final file = File('${folder.path}${key.substring(prefix.length)}');
    if (!file.existsSync()) throw FlutterError('no asset $key');
    return ByteData.sublistView(file.readAsBytesSync());
  }
}

void main() {
  testWidgets('shows the texture that the platform makes', (tester) async {
    final platform = PlatformSide(tester);
    final persona = await open(tester);
    await tester.pumpWidget(
      Directionality(
        textDirection: TextDirection.ltr,
        child: Center(
          child: SizedBox(
            width: 200,
            height: 400,
            child: PersonaView(persona, semanticLabel: 'A face'),
          ),
        ),
      ),
    );
    expect(find.byType(Texture), findsNothing);
    await tester.pump();
    expect(tester.widget<Texture>(find.byType(Texture)).textureId, 1);
    // The whole picture, in its own proportions.
    final shown = tester.getRect(find.byType(Texture));
    expect(
      shown.width / shown.height,
      closeTo(persona.info.width / persona.info.height, 1e-6),
    );
    expect(shown.width <= 200.001 && shown.height <= 400.001, isTrue);
    expect(
      () => persona.frames,
      throwsStateError,
      reason: 'the view takes the frames',
    );

    await tester.pumpWidget(const SizedBox());
    await tester.pump();
    expect(platform.calls, ['attach', 'detach 1']);
    expect(persona.frames, isNotNull);
    persona.close();
  });

  testWidgets('two views share one texture', (tester) async {
    final platform = PlatformSide(tester);
    final persona = await open(tester);
    Widget row(int views) => Directionality(
      textDirection: TextDirection.ltr,
      child: Row(
        children: [
          for (var i = 0; i < views; i++)
            Expanded(child: PersonaView(persona, key: ValueKey(i))),
        ],
      ),
    );
    await tester.pumpWidget(row(2));
    await tester.pump();
    expect(find.byType(Texture), findsNWidgets(2));
    await tester.pumpWidget(row(1));
    await tester.pump();
    expect(platform.calls, ['attach']);
    await tester.pumpWidget(row(0));
    await tester.pump();
    expect(platform.calls, ['attach', 'detach 1']);
    persona.close();
  });

  testWidgets('a change of persona changes the texture', (tester) async {
    final platform = PlatformSide(tester);
    final first = await open(tester);
    final second = await open(tester);
    await tester.pumpWidget(PersonaView(first));
    await tester.pump();
    await tester.pumpWidget(PersonaView(second));
    await tester.pump();
    expect(platform.sessions.toSet(), hasLength(2));
    expect(platform.calls, ['attach', 'detach 1', 'attach']);
    expect(tester.widget<Texture>(find.byType(Texture)).textureId, 2);
    await tester.pumpWidget(const SizedBox());
    first.close();
    second.close();
  });

  testWidgets('a new background is drawn at once', (tester) async {
    final platform = PlatformSide(tester);
    final persona = await open(tester);
    await tester.pumpWidget(PersonaView(persona));
    await tester.pump();
    persona.setBackground(const Background.color(10, 20, 30));
    await tester.pump();
    expect(platform.calls, ['attach', 'redraw 1']);
    await tester.pumpWidget(const SizedBox());
    persona.close();
  });

  testWidgets('a view that goes before its texture came leaves none', (
    tester,
  ) async {
    final platform = PlatformSide(tester);
    final persona = await open(tester);
    await tester.pumpWidget(PersonaView(persona));
    await tester.pumpWidget(const SizedBox());
    await tester.pump();
    expect(platform.calls, ['attach', 'detach 1']);
    persona.close();
  });

  testWidgets('says why there is no texture', (tester) async {
    PlatformSide(tester).refuses = true;
    final persona = await open(tester);
    await tester.pumpWidget(
      Directionality(
        textDirection: TextDirection.ltr,
        child: PersonaView(persona, errorBuilder: (_, error) => Text('$error')),
      ),
    );
    await tester.pump();
    expect(find.textContaining('closed'), findsOneWidget);
    await tester.pumpWidget(const SizedBox());
    persona.close();
  });

  testWidgets('a closed persona cannot be shown', (tester) async {
    final persona = await open(tester);
    persona.close();
    await tester.pumpWidget(PersonaView(persona));
    expect(tester.takeException(), isStateError);
  });

  testWidgets('packed assets are unpacked once, and open', (tester) async {
    final platform = PlatformSide(tester);
    await tester.runAsync(() async {
      final storage = Directory.systemTemp.createTempSync('lp_pack');
      platform.storage = storage.path;
      final source = Directory(setting('LP_BUNDLE'));
      final assets = PersonaAssets(FolderAssets(source, 'assets/tiny'));
      final folder = await assets.folder('assets/tiny');
      final persona = await Persona.open(
        folder,
        libraryPath: setting('LP_BRIDGE_LIBRARY'),
        options: PersonaOptions(
          engineLibrary: setting('LP_ONNXRUNTIME_LIBRARY'),
        ),
      );
      expect(persona.describe()['name'], 'tiny');
      persona.close();

      // A second time nothing is written; a damaged manifest is.
      final mark = File('$folder/mark')..writeAsStringSync('mine');
      expect(await assets.folder('assets/tiny'), folder);
      expect(mark.existsSync(), isTrue);
      File('$folder/manifest.json').writeAsStringSync('{}');
      await assets.folder('assets/tiny');
      expect(mark.existsSync(), isFalse);
      expect(
        Directory('${storage.path}/personas').listSync(),
        hasLength(1),
        reason: 'no half-written folder stays',
      );
      await expectLater(
        assets.folder('assets/nobody'),
        throwsA(isA<FlutterError>()),
      );
      storage.deleteSync(recursive: true);
    });
  });

  testWidgets('assets that are files are opened in place', (tester) async {
    final platform = PlatformSide(tester)
      ..assetPath = '${setting('LP_BUNDLE')}/manifest.json';
    final folder = await tester.runAsync(() => PersonaAssets().folder('any'));
    expect(folder, setting('LP_BUNDLE'));
    expect(platform.calls, ['assetPath']);
  });
}
