// Presses a button of the example app on Flutter's Linux engine and looks at the screen: assets,
// index, plugin, texture and speech together, with nothing played. Prints "All tests passed!".
import 'dart:async';
import 'dart:io';
import 'dart:typed_data';
import 'dart:ui' as ui;

import 'package:flutter/gestures.dart';
import 'package:flutter/material.dart';
import 'package:flutter/rendering.dart';
import 'package:lp_pack_flutter/lp_pack_flutter.dart';
import 'package:talking/main.dart';

final boundary = GlobalKey();

void check(bool condition, String what) {
  if (!condition) throw StateError('failed: $what');
  stdout.writeln('ok: $what');
}

Element? find(bool Function(Widget) condition) {
  Element? found;
  void visit(Element element) {
    if (found != null) return;
    if (condition(element.widget)) found = element;
    element.visitChildren(visit);
  }

  boundary.currentContext?.visitChildElements(visit);
  return found;
}

Rect placeOf(Element element) {
  final box = element.renderObject! as RenderBox;
  // Both corners: a picture is scaled to its view.
  return Rect.fromPoints(
    box.localToGlobal(Offset.zero),
    box.localToGlobal(box.size.bottomRight(Offset.zero)),
  );
}

/// The screen within the persona's view.
Future<Uint8List> face() async {
  final shown =
      boundary.currentContext!.findRenderObject()! as RenderRepaintBoundary;
  final image = await shown.toImage();
  final bytes = (await image.toByteData(format: ui.ImageByteFormat.rawRgba))!;
  final place = placeOf(find((widget) => widget is Texture)!);
  return Uint8List.fromList([
    for (var y = place.top.ceil(); y < place.bottom.floor(); y++)
      for (
        var i = 4 * (y * image.width + place.left.ceil());
        i < 4 * (y * image.width + place.right.floor());
        i++
      )
        bytes.getUint8(i),
  ]);
}

Future<void> until(bool Function() condition, String what) async {
  for (var i = 0; i < 300 && !condition(); i++) {
    await Future<void>.delayed(const Duration(milliseconds: 100));
  }
  check(condition(), what);
}

void press(String label) {
  final text = find((widget) => widget is Text && widget.data == label)!;
  final place = placeOf(text).center;
  GestureBinding.instance
    ..handlePointerEvent(PointerDownEvent(pointer: 1, position: place))
    ..handlePointerEvent(PointerUpEvent(pointer: 1, position: place));
}

Future<void> scenario() async {
  await until(
    () => find((widget) => widget is Texture) != null,
    'a persona is shown',
  );
  await Future<void>.delayed(const Duration(seconds: 1));
  final before = await face();
  check(before[1] == 200 && before[0] == 0, 'its portrait');
  final persona =
      (find((widget) => widget is PersonaView)!.widget as PersonaView).persona;
  press('Play a recording');
  await until(() => persona.statistics().framesDrawn > 10, 'it speaks');
  final during = await face();
  check(
    List.generate(before.length, (i) => before[i] != during[i]).contains(true),
    'the face moves',
  );
  press('Stop');
  await until(
    () => persona.statistics().soundWaiting == Duration.zero,
    'it can be interrupted',
  );
}

Future<void> main() async {
  WidgetsFlutterBinding.ensureInitialized();
  final errors = <String>[];
  FlutterError.onError = (details) => errors.add(details.exceptionAsString());
  runApp(RepaintBoundary(key: boundary, child: const PersonaApp()));
  try {
    await scenario();
    check(errors.isEmpty, 'no errors: $errors');
    stdout.writeln('All tests passed!');
  } on Object catch (error, trace) {
    stdout.writeln('$error\n$errors\n$trace');
  }
  await stdout.flush();
  exit(0);
}
