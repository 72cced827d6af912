// A persona on a real texture of Flutter's Linux engine: what is on the screen is compared with what
// the session draws. Prints a line for each thing that holds, and "All tests passed!" at the end.
import 'dart:async';
import 'dart:io';
import 'dart:typed_data';
import 'dart:ui' as ui;

import 'package:flutter/rendering.dart';
import 'package:flutter/widgets.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';

final boundary = GlobalKey();

void check(bool condition, String what) {
  if (!condition) throw StateError('failed: $what');
  stdout.writeln('ok: $what');
}

/// What is on the screen, four bytes a pixel, alpha premultiplied.
Future<Uint8List> screen() async {
  // The texture is composed with a later frame than the one that announced it.
  await Future<void>.delayed(const Duration(milliseconds: 500));
  final shown =
      boundary.currentContext!.findRenderObject()! as RenderRepaintBoundary;
  final image = await shown.toImage();
  final bytes = await image.toByteData(format: ui.ImageByteFormat.rawRgba);
  return bytes!.buffer.asUint8List();
}

int worst(Uint8List a, Uint8List b) {
  check(a.length == b.length, 'as many bytes: ${a.length}');
  var worst = 0;
  for (var i = 0; i < a.length; i++) {
    final difference = (a[i] - b[i]).abs();
    if (difference > worst) worst = difference;
  }
  return worst;
}

Uint8List premultiplied(Uint8List pixels) {
  final result = Uint8List.fromList(pixels);
  for (var i = 0; i < result.length; i++) {
    if (i % 4 != 3) result[i] = (pixels[i] * pixels[i | 3] / 255).round();
  }
  return result;
}

Widget app(Persona persona, int views) => Directionality(
  textDirection: TextDirection.ltr,
  child: Align(
    alignment: Alignment.topLeft,
    child: RepaintBoundary(
      key: boundary,
      child: Column(
        mainAxisSize: MainAxisSize.min,
        children: [
          for (var i = 0; i < views; i++)
            SizedBox(
              width: persona.info.width.toDouble(),
              height: persona.info.height.toDouble(),
              child: PersonaView(persona),
            ),
        ],
      ),
    ),
  ),
);

Future<void> scenario() async {
  final folder = await PersonaAssets().folder('assets/personas/tiny');
  check(
    folder.endsWith('data/flutter_assets/assets/personas/tiny'),
    'in place',
  );
  final persona = await Persona.open(
    folder,
    options: PersonaOptions(
      engineLibrary: Platform.environment['LP_ONNXRUNTIME_LIBRARY'],
      threadCount: 1,
    ),
  );
  runApp(app(persona, 1));
  final portrait = await screen();
  check(worst(portrait, persona.currentPicture()!) <= 1, 'the portrait first');

  final sound = Uint8List.fromList(
    List.generate(64000, (i) => (i * 7919) % 256),
  );
  check(await persona.speak(Stream.value(sound)), 'spoken to the end');
  await Future<void>.delayed(const Duration(milliseconds: 500));
  final statistics = persona.statistics();
  check(
    statistics.framesDrawn + statistics.framesDropped == 50,
    '50 frames: ${statistics.framesDrawn} drawn, ${statistics.framesDropped} late',
  );
  check(statistics.framesDrawn > 10, 'most of them drawn');
  final spoken = await screen();
  check(worst(spoken, persona.currentPicture()!) <= 1, 'the last frame stays');
  check(worst(spoken, portrait) > 20, 'the face has moved');

  persona.setBackground(const Background.color(200, 30, 90, 128));
  final behind = await screen();
  check(
    worst(behind, premultiplied(persona.currentPicture()!)) <= 2,
    'a background seen through, premultiplied',
  );

  runApp(app(persona, 2));
  final twice = await screen();
  final half = twice.length ~/ 2;
  check(
    worst(twice.sublist(0, half), twice.sublist(half)) == 0,
    'two views show the same',
  );

  runApp(const SizedBox());
  await Future<void>.delayed(const Duration(milliseconds: 300));
  final frames = <PersonaFrame>[];
  final listening = persona.frames.listen(frames.add);
  await persona.speak(Stream.value(sound));
  await Future<void>.delayed(const Duration(milliseconds: 300));
  check(frames.isNotEmpty, 'without a view Dart gets the frames');
  await listening.cancel();
  persona.close();
}

Future<void> main() async {
  WidgetsFlutterBinding.ensureInitialized();
  try {
    await scenario();
    stdout.writeln('All tests passed!');
  } on Object catch (error, trace) {
    stdout.writeln('$error\n$trace');
  }
  await stdout.flush();
  exit(0);
}
