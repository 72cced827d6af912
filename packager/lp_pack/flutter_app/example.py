"""The example app: its files as they are written into a new app's folder."""

from __future__ import annotations

import io
import re
import wave
from pathlib import Path

import numpy as np

from lp_pack.errors import ConfigError
from lp_runtime.audio import read_audio

TEMPLATE = Path(__file__).parent / "template"
SPEECH = Path(__file__).parents[1] / "demo" / "speech" / "hello.flac"
SPEECH_ASSET = "assets/speech/hello.wav"
SAMPLE_RATE = 16000
PACKAGE_FOLDER = Path("flutter_bridge", "flutter")
# Words that Dart keeps for itself; a package cannot have such a name.
RESERVED = (
    " assert break case catch class const continue default do else enum extends false final "
    "finally for if in is new null rethrow return super switch this throw true try var void "
    "while with "
)


def find_package(given: Path | None) -> Path:
    """The folder of package lp_pack_flutter: the one given, or the one of this checkout.

    Raises:
        ConfigError: there is none.
    """
    checkouts = [parent / PACKAGE_FOLDER for parent in Path(__file__).resolve().parents]
    for folder in [given] if given is not None else checkouts:
        if (folder / "pubspec.yaml").exists() and (folder / "lib/lp_pack_flutter.dart").exists():
            return folder.resolve()
    raise ConfigError(
        "The Flutter package of lp-pack is not here.",
        where=given,
        expected=f"the folder {PACKAGE_FOLDER} of a checkout of lp-pack",
        got="another folder" if given is not None else "an installation without it",
        remedy="give its folder with --package",
    )


def example_files(app: Path, package: Path, example: bool) -> dict[str, bytes]:
    """Relative path -> content of the files that a new app begins with.

    Without `example` a new app begins with its pubspec alone.

    Raises:
        ConfigError: no package name can be made of the folder's name.
    """
    name = app_name(app)
    files = {}
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file() and (example or path.name == "pubspec.yaml"):
            text = path.read_text(encoding="utf-8").replace("persona_app", name)
            files[path.relative_to(TEMPLATE).as_posix()] = text.encode()
    if example:
        files[SPEECH_ASSET] = _spoken_wave()
    return files


def app_name(app: Path) -> str:
    """A Dart package name made of the folder's name: `My App` -> `my_app`."""
    folder = app.resolve().name
    name = re.sub(r"[^a-z0-9]+", "_", folder.lower()).strip("_")
    if not name or name[0].isdigit() or f" {name} " in RESERVED:
        raise ConfigError(
            "The app's folder cannot name a Dart package.",
            where=app,
            expected="a name that begins with a letter and is no word of Dart's own",
            got=folder,
            remedy="choose another folder with -o",
        )
    return name


def _spoken_wave() -> bytes:
    """The demo's sentence as 16-bit mono WAV at 16 kHz."""
    samples = read_audio(SPEECH, SAMPLE_RATE)
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()
