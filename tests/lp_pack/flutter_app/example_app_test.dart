// The example app that `lp-pack flutter` writes, used by hand: real personas, real sound, Flutter's
// headless engine. The platform side of the plugin is played, since that engine has none; it takes
// the frames as a texture would. LP_APP is the app's folder.
import 'dart:io';
import 'dart:typed_data';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';
import 'package:talking/main.dart';
import 'package:talking/persona_list.dart';
import 'package:talking/speech.dart';

// Android's ink is drawn by a shader that Flutter's tool compiles.
const desktop = TargetPlatformVariant({TargetPlatform.linux});

String setting(String name) => Platform.environment[name]!;

final class AppAssets extends CachingAssetBundle {
  @override
  Future<ByteData> load(String key) async =>
      ByteData.sublistView(File('${setting('LP_APP')}/$key').readAsBytesSync());
}

final opened = <Persona>[];

Future<Persona> open(PersonaEntry entry, AssetBundle assets) async {
  final persona = await Persona.open(
    '${setting('LP_APP')}/${entry.bundles[platform]}',
    libraryPath: setting('LP_BRIDGE_LIBRARY'),
    options: PersonaOptions(
      engineLibrary: setting('LP_ONNXRUNTIME_LIBRARY'),
      threadCount: 1,
    ),
  );
  opened.add(persona);
  return persona;
}

List<String> playPlatform(WidgetTester tester) {
  final calls = <String>[];
  tester.binding.defaultBinaryMessenger.setMockMethodCallHandler(
    const MethodChannel('lp_pack_flutter'),
    (call) async {
      calls.add(call.method);
      return call.method == 'attach' ? 7 : null;
    },
  );
  return calls;
}

/// Lets real time and isolates do their work until the condition holds.
Future<void> until(WidgetTester tester, bool Function() condition) async {
  for (var i = 0; i < 400 && !condition(); i++) {
    await tester.runAsync(
      () => Future<void>.delayed(const Duration(milliseconds: 25)),
    );
    await tester.pump(const Duration(milliseconds: 25));
  }
  expect(condition(), isTrue);
}

Future<void> start(WidgetTester tester) async {
  tester.view.physicalSize = const Size(1200, 1600);
  tester.view.devicePixelRatio = 1;
  addTearDown(tester.view.reset);
  await tester.pumpWidget(PersonaApp(assets: AppAssets(), open: open));
  await until(tester, () => find.byType(Texture).evaluate().isNotEmpty);
}

Future<void> leave(WidgetTester tester) async {
  await tester.pumpWidget(const SizedBox());
  await tester.pump();
}

Future<void> pick(WidgetTester tester, String key, String choice) async {
  await tester.tap(find.byKey(ValueKey(key)));
  await tester.pumpAndSettle();
  await tester.tap(find.text(choice).last);
  await tester.pumpAndSettle();
}

void main() {
  testWidgets('shows the first persona and says what it is', (tester) async {
    playPlatform(tester);
    await start(tester);
    expect(find.text('tiny (untrained)'), findsOneWidget);
    expect(find.byKey(const ValueKey('problem')), findsNothing);
    await leave(tester);
    expect(() => opened.last.describe(), throwsStateError, reason: 'closed');
  }, variant: desktop);

  testWidgets('plays a recording, stops at once', (tester) async {
    playPlatform(tester);
    await start(tester);
    final persona = opened.last;
    await tester.tap(find.text('Play a recording'));
    await until(
      tester,
      () =>
          persona.statistics().soundWaiting > Duration.zero ||
          persona.statistics().framesMade > 0,
    );
    await tester.tap(find.text('Stop'));
    await until(
      tester,
      () =>
          tester.widget<FilledButton>(find.byType(FilledButton)).onPressed !=
          null,
    );
    expect(persona.statistics().soundWaiting, Duration.zero);
    expect(find.byKey(const ValueKey('problem')), findsNothing);
    await leave(tester);
  }, variant: desktop);

  testWidgets('changes emotion, background and persona', (tester) async {
    final calls = playPlatform(tester);
    await start(tester);
    final first = opened.last;
    await pick(tester, 'emotion', 'happy');
    await pick(tester, 'background', 'Blue');
    expect(calls.last, 'redraw');
    expect(first.currentPicture()!.sublist(0, 4), [40, 80, 160, 255]);
    await tester.tap(find.byKey(const ValueKey('persona')));
    await tester.pumpAndSettle();
    await tester.tap(find.text('tiny (untrained)').last);
    await until(tester, () => opened.last != first);
    await until(tester, () => find.byType(Texture).evaluate().isNotEmpty);
    expect(() => first.describe(), throwsStateError);
    expect(opened.last.currentPicture()!.sublist(0, 3), [40, 80, 160]);
    await leave(tester);
  }, variant: desktop);

  testWidgets('says what went wrong', (tester) async {
    playPlatform(tester);
    await tester.pumpWidget(
      PersonaApp(
        assets: AppAssets(),
        open:
            (entry, assets) => Persona.open(
              '/nowhere',
              libraryPath: setting('LP_BRIDGE_LIBRARY'),
            ),
      ),
    );
    await until(
      tester,
      () => find.byKey(const ValueKey('problem')).evaluate().isNotEmpty,
    );
    expect(find.textContaining('/nowhere'), findsOneWidget);
    await leave(tester);
  }, variant: desktop);

  group('speech', () {
    Uint8List wav(int rate, int channels, List<int> samples, {int? size}) {
      final data = ByteData(44 + 2 * samples.length);
      void tag(int at, String text) =>
          data.buffer.asUint8List().setAll(at, text.codeUnits);
      tag(0, 'RIFF');
      tag(8, 'WAVEfmt ');
      data
        ..setUint32(16, 16, Endian.little)
        ..setUint16(20, 1, Endian.little)
        ..setUint16(22, channels, Endian.little)
        ..setUint32(24, rate, Endian.little)
        ..setUint16(34, 16, Endian.little)
        ..setUint32(40, size ?? 2 * samples.length, Endian.little);
      tag(36, 'data');
      for (var i = 0; i < samples.length; i++) {
        data.setInt16(44 + 2 * i, samples[i], Endian.little);
      }
      return data.buffer.asUint8List();
    }

    Future<List<int>> spoken(Uint8List bytes) async {
      final parts = await Speech.fromWav(bytes).pcm(16000).toList();
      final all = ByteData.sublistView(
        Uint8List.fromList(parts.expand((part) => part).toList()),
      );
      return [
        for (var i = 0; i < all.lengthInBytes; i += 2)
          all.getInt16(i, Endian.little),
      ];
    }

    test(
      'channels are averaged, a size that a pipe left out is no harm',
      () async {
        final samples = [1000, 3000, -2000, -4000];
        final heard = await spoken(wav(16000, 2, samples, size: 0xffffffff));
        expect(heard, [2000, -3000]);
      },
    );

    test('another rate is brought to the persona’s', () async {
      final slow = [for (var i = 0; i < 800; i++) 10 * i];
      final heard = await spoken(wav(8000, 1, slow));
      expect(heard, hasLength(1600));
      for (var i = 0; i < 1598; i++) {
        expect((heard[i] - 5 * i).abs() <= 1, isTrue, reason: 'sample $i');
      }
    });

    test('what is no WAV file is refused', () {
      for (final bytes in [
        Uint8List(0),
        Uint8List(100),
        wav(16000, 1, [1, 2]).sublist(0, 40),
      ]) {
        expect(() => Speech.fromWav(bytes), throwsFormatException);
      }
    });
  });
}
