// The package against the real library and a real bundle, without a test framework, so that it
// runs wherever Dart runs, on the JIT and compiled ahead of time:
//
//   dart test/persona_test.dart LIBLP_BRIDGE ENGINE_LIBRARY SCENARIO_FOLDER
//
// The folder holds `bundle.lpbundle`, `speech.pcm` (16-bit samples), and what the Python runtime
// makes of it: pictures in `frames.rgba`, values in `motion.f32`, `keypoints.f32` and `frame.f32`.
import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

import 'package:lp_pack/lp_pack.dart';

late final String libraryPath;
late final String engine;
late final Directory scenario;
int checks = 0;

void check(bool condition, String what) {
  checks++;
  if (!condition) throw StateError('failed: $what');
}

Future<Persona> open({
  String? bundle,
  Pacing pacing = Pacing.none,
  int threadCount = 1,
}) => Persona.open(
  bundle ?? '${scenario.path}/bundle.lpbundle',
  libraryPath: libraryPath,
  options: PersonaOptions(
    engineLibrary: engine,
    pacing: pacing,
    threadCount: threadCount,
  ),
);

Stream<Uint8List> speech({int chunk = 1000}) async* {
  final bytes = File('${scenario.path}/speech.pcm').readAsBytesSync();
  for (var i = 0; i < bytes.length; i += chunk) {
    yield Uint8List.sublistView(
      bytes,
      i,
      i + chunk < bytes.length ? i + chunk : bytes.length,
    );
  }
}

Future<PersonaException> refused(Future<Object?> Function() call) async {
  try {
    await call();
  } on PersonaException catch (error) {
    check(error.explanation.isNotEmpty, 'an explanation');
    return error;
  }
  throw StateError('failed: no exception');
}

void throwsStateError(void Function() call, String what) {
  try {
    call();
  } on StateError {
    checks++;
    return;
  }
  throw ArgumentError('failed: no StateError: $what');
}

Future<void> framesAreThoseOfPython() async {
  final expected = File('${scenario.path}/frames.rgba').readAsBytesSync();
  // Chunks of odd length cut samples in two.
  for (final chunk in [999, 1280, 1 << 20]) {
    final persona = await open();
    final frames = <PersonaFrame>[];
    persona.frames.listen(frames.add);
    check(await persona.speak(speech(chunk: chunk)), 'spoken to the end');
    await Future<void>.delayed(Duration.zero);
    final size = persona.info.width * persona.info.height * 4;
    check(frames.length * size == expected.length, 'as many frames');
    var worst = 0;
    for (final frame in frames) {
      for (var i = 0; i < size; i++) {
        final difference =
            (frame.pixels[i] - expected[frame.index * size + i]).abs();
        if (difference > worst) worst = difference;
      }
    }
    check(worst <= 1, 'pictures within 1 of 255, not $worst');
    check(frames.last.isLast, 'the last frame says so');
    check(frames[1].time == const Duration(milliseconds: 40), 'time');
    persona.close();
  }
}

Future<void> tensorsAreThoseOfPython() async {
  final persona = await open();
  final frames = <PersonaFrame>[];
  for (final name in ['motion', 'keypoints', 'frame']) {
    persona.watch(name);
  }
  persona.frames.listen(frames.add);
  await persona.speak(speech());
  await Future<void>.delayed(Duration.zero);
  var worst = 0.0;
  for (final name in ['motion', 'keypoints', 'frame']) {
    final bytes = File('${scenario.path}/$name.f32').readAsBytesSync();
    final expected = bytes.buffer.asFloat32List();
    final got = [for (final frame in frames) ...frame.values[name]!];
    check(got.length == expected.length, 'as many numbers in $name');
    for (var i = 0; i < got.length; i++) {
      final difference = (got[i] - expected[i]).abs();
      // Not "<=": a NaN must fail.
      if (!(difference < worst)) worst = difference;
    }
  }
  check(worst <= 1e-5, 'tensors within 1e-5, not $worst');
  stdout.writeln('tensors differ by $worst at most');
  persona.close();
}

Future<void> displaysBorrowTheSession() async {
  final persona = await open();
  check(persona.lend() != 0, 'a ticket');
  throwsStateError(persona.lend, 'lend twice');
  throwsStateError(() => persona.frames, 'frames while lent');
  var changes = 0;
  persona.pictureChanges.listen((_) => changes++);
  persona
    ..setBackground(const Background.color(1, 2, 3))
    ..takeBack();
  check(changes == 1, 'a display learns of the background');
  persona.frames.listen((_) {});
  throwsStateError(persona.lend, 'lend while listened to');
  persona.close();
  throwsStateError(persona.lend, 'lend after close');
}

Future<void> utterancesFollowEachOther() async {
  final persona = await open();
  final frames = <PersonaFrame>[];
  persona.frames.listen(frames.add);
  await persona.speak(speech());
  final first = persona.speak(speech());
  Object? second;
  await persona
      .speak(speech())
      .then<void>((_) {}, onError: (Object e) => second = e);
  check(second is StateError, 'one utterance at a time');
  await first;
  check(frames.last.utterance == 1, 'utterances are numbered');
  check(
    await persona.speak(const Stream<Uint8List>.empty()),
    'nothing to say is said',
  );
  persona.close();
}

Future<void> interruptionStopsAtOnce() async {
  final persona = await open();
  final frames = <PersonaFrame>[];
  final listening = persona.frames.listen(frames.add);
  final stalled = StreamController<Uint8List>();
  final speaking = persona.speak(stalled.stream);
  stalled.add(Uint8List(64000));
  listening.pause();
  await Future<void>.delayed(const Duration(milliseconds: 50));
  persona.interrupt();
  check(!await speaking, 'an interrupted utterance completes with false');
  listening.resume();
  frames.clear();
  check(await persona.speak(speech()), 'speaks again');
  await Future<void>.delayed(Duration.zero);
  check(frames.first.index == 0 && frames.first.utterance > 0, 'anew');
  await listening.cancel();
  persona.close();
}

Future<void> realTimeKeepsTime() async {
  final persona = await open(pacing: Pacing.realTime);
  final frames = <PersonaFrame>[];
  final ended = Completer<void>();
  // From before the first frame: on a busy machine this isolate may learn late of what was taken.
  final watch = Stopwatch()..start();
  persona.frames.listen((frame) {
    frames.add(frame);
    if (frame.isLast) ended.complete();
  });
  check(await persona.speak(speech()), 'spoken');
  await ended.future;
  final due = frames.last.time - frames.first.time;
  check(watch.elapsed >= due, 'not early');
  final dropped = frames.fold(0, (sum, frame) => sum + frame.droppedBefore);
  check(frames.length + dropped == frames.last.index + 1, 'drops are counted');
  check(persona.statistics().framesDropped == dropped, 'in statistics too');
  persona.close();
}

Future<void> describesAndChecksItself() async {
  final persona = await open();
  check(persona.info.sampleRate == 16000, 'sample rate');
  check(!persona.info.isTrained, 'untrained');
  check(persona.describe()['name'] == 'tiny', 'name');
  final result = await persona.selfCheck();
  check(result.compared > 0 && result.failed == 0, 'golden data');
  check(result.report.length == result.compared, 'report');
  check(
    persona.currentPicture()!.length ==
        persona.info.width * persona.info.height * 4,
    'portrait',
  );
  persona
    ..setEmotion('happy', intensity: 0.5)
    ..setControl('reference_motion', List.filled(70, 0))
    ..setBackground(const Background.color(10, 20, 30));
  final picture = persona.currentPicture()!;
  check(picture[0] == 10 && picture[1] == 20 && picture[2] == 30, 'background');
  persona.setBackground(
    Background.picture(Uint8List.fromList([1, 2, 3, 255]), 1, 1),
  );
  check(persona.currentPicture()![1] == 2, 'picture behind');
  persona.setBackground(const Background.original());
  check(persona.currentPicture()![1] == 200, 'original');
  persona.close();
}

Future<void> mistakesAreExplained() async {
  var error = await refused(() => open(bundle: '${scenario.path}/none'));
  check(error.code == PersonaErrorCode.bundle, 'code');
  check(error.operation == 'Persona.open', 'operation');
  error = await refused(() => open(threadCount: 100000));
  check(error.code == PersonaErrorCode.argument, 'argument');
  error = await refused(() => Persona.open('x', libraryPath: '/nowhere.so'));
  check(error.explanation.contains('/nowhere.so'), 'library');
  final persona = await open();
  error = await refused(() async => persona.setEmotion('hungry'));
  check(error.explanation.contains('happy'), 'emotions');
  error = await refused(() async => persona.setControl('mouth', []));
  check(error.code == PersonaErrorCode.argument, 'control');
  persona
    ..close()
    ..close();
  throwsStateError(persona.interrupt, 'interrupt');
  throwsStateError(persona.describe, 'describe');
  throwsStateError(persona.statistics, 'statistics');
  throwsStateError(() => persona.setEmotion('happy'), 'setEmotion');
  throwsStateError(persona.currentPicture, 'currentPicture');
}

Future<void> closingWhileSpeaking() async {
  for (var i = 0; i < 20; i++) {
    final persona = await open();
    persona.frames.listen((_) {});
    final speaking = persona.speak(speech());
    await Future<void>.delayed(Duration(milliseconds: i));
    persona.close();
    await speaking;
    checks++;
  }
}

Future<void> main(List<String> arguments) async {
  libraryPath = arguments[0];
  engine = arguments[1];
  scenario = Directory(arguments[2]);
  final tests = {
    'frames are those of Python': framesAreThoseOfPython,
    'tensors are those of Python': tensorsAreThoseOfPython,
    'displays borrow the session': displaysBorrowTheSession,
    'utterances follow each other': utterancesFollowEachOther,
    'interruption stops at once': interruptionStopsAtOnce,
    'real time keeps time': realTimeKeepsTime,
    'describes and checks itself': describesAndChecksItself,
    'mistakes are explained': mistakesAreExplained,
    'closing while speaking': closingWhileSpeaking,
  };
  for (final MapEntry(:key, :value) in tests.entries) {
    await value().timeout(const Duration(minutes: 2));
    stdout.writeln('ok: $key');
  }
  stdout.writeln('All ${tests.length} tests passed, $checks checks.');
}
