"""Writing or updating an app's folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lp_pack.atomic_folder import publish, unfinished_folder
from lp_pack.errors import ConfigError
from lp_pack.flutter_app.budget import PlatformSize, advice, folder_bytes
from lp_pack.flutter_app.example import example_files, find_package
from lp_pack.flutter_app.persona_index import (
    INDEX,
    PersonaEntry,
    PersonaIndex,
    encode_index,
    read_index,
)
from lp_pack.flutter_app.pubspec import updated_pubspec
from lp_pack.flutter_app.selection import Choice, choose_variants
from lp_pack.flutter_app.trimmed_bundle import write_trimmed
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Manifest

PERSONAS = "assets/personas"
SPEECH = "assets/speech/"


@dataclass(frozen=True)
class AppOptions:
    """What the app should get."""

    platforms: tuple[str, ...]
    # By platform; the table of selection.py decides where there is none.
    precisions: Mapping[str, str] = field(default_factory=dict)
    # The persona's name in the app; None: the bundle's.
    name: str | None = None
    with_golden: bool = False
    # Without: only assets and pubspec entries, no example code.
    example: bool = True
    # The folder of package lp_pack_flutter; None: the one of this checkout.
    package: Path | None = None


@dataclass(frozen=True)
class AppReport:
    """What was written."""

    app: Path
    persona: str
    manifest: Manifest
    sizes: tuple[PlatformSize, ...]
    # Files of the example that were made, and those of the user that were kept.
    created: tuple[str, ...]
    kept: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "app": str(self.app),
            "persona": self.persona,
            "trained": self.manifest.trained,
            "created": list(self.created),
            "kept": list(self.kept),
            "platforms": [
                {
                    "platform": size.platform,
                    "variant": size.label,
                    "reason": size.reason,
                    "persona_bytes": size.persona_bytes,
                    "total_bytes": size.total_bytes,
                    "over_budget": size.over_budget,
                    "advice": list(size.advice),
                }
                for size in self.sizes
            ],
        }


def write_app(bundle_path: Path, app: Path, options: AppOptions) -> AppReport:
    """Give the Flutter app in `app` this persona; makes the app where there is none.

    Nothing is written before bundle, options, pubspec and index were understood. The persona's
    folder appears whole; index and pubspec follow it, each replaced in one step.

    Raises:
        BundleError: the bundle is damaged.
        ConfigError: an option, the pubspec or the index cannot be used.
        OSError: the folder cannot be written.
    """
    bundle = Bundle.open(bundle_path)
    package = find_package(options.package)
    choices = choose_variants(bundle.manifest, options.platforms, options.precisions)
    name = persona_name(options.name or bundle.manifest.name)
    files = example_files(app, package, options.example)
    index = read_index(app).with_persona(_entry(bundle.manifest, name, choices))
    pubspec = updated_pubspec(
        _read_text(app / "pubspec.yaml") or files["pubspec.yaml"].decode(),
        os.path.relpath(package, app.resolve()),
        f"{PERSONAS}/{name}/",
        {INDEX: None, **({SPEECH: None} if options.example else {})}
        | _assets(bundle.manifest, name, choices, options.with_golden),
    )
    _write_persona(bundle, app / PERSONAS, name, choices, options.with_golden)
    _replace(app / INDEX, encode_index(index))
    files.pop("pubspec.yaml", None)
    created, kept = [], []
    if not (app / "pubspec.yaml").exists():
        created.append("pubspec.yaml")
    _replace(app / "pubspec.yaml", pubspec.encode())
    for relative, content in files.items():
        if (app / relative).exists():
            kept.append(relative)
            continue
        _replace(app / relative, content)
        created.append(relative)
    sizes = _sizes(bundle.manifest, app, name, index, choices, options.with_golden)
    return AppReport(app, name, bundle.manifest, sizes, tuple(created), tuple(kept))


def persona_name(text: str) -> str:
    """A folder's name made of `text`: lower-case letters, digits and underscores.

    Raises:
        ConfigError: nothing is left of it.
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64]
    if not name:
        raise ConfigError(
            "The persona needs a name.",
            expected="letters and digits",
            got=repr(text),
            remedy="give one with --name",
        )
    return name


def _entry(manifest: Manifest, name: str, choices: tuple[Choice, ...]) -> PersonaEntry:
    labels = [item.labels for item in manifest.pipeline.inputs if item.name == "emotion"]
    return PersonaEntry(
        name=name,
        title=manifest.name,
        trained=manifest.trained,
        notes=manifest.notes,
        emotions=labels[0] if labels else (),
        bundles={c.platform: f"{PERSONAS}/{name}/{c.label}" for c in choices},
    )


def _assets(
    manifest: Manifest, name: str, choices: tuple[Choice, ...], golden: bool
) -> dict[str, tuple[str, ...] | None]:
    """Every folder of the persona; Flutter takes a listed folder's files, not its folders.

    Where platforms get different variants each folder says which ones it is for (Flutter 3.41).
    """
    labels = {choice.label: choice.variant for choice in choices}
    folders: dict[str, tuple[str, ...] | None] = {}
    for label, variant in labels.items():
        only = tuple(choice.platform for choice in choices if choice.label == label)
        graphs = [f.path for graph in variant.graphs.values() for f in graph.files]
        names = graphs + [record.path for record in manifest.assets]
        names += [licence.file for licence in manifest.licences]
        names += [case.file.path for case in manifest.golden] if golden else []
        parents = {"", *(f"{name.rsplit('/', 1)[0]}/" for name in names if "/" in name)}
        for parent in sorted(parents):
            place = f"{PERSONAS}/{name}/{label}/{parent}"
            folders[place] = only if len(labels) > 1 else None
    return folders


def _write_persona(
    bundle: Bundle, personas: Path, name: str, choices: tuple[Choice, ...], golden: bool
) -> None:
    with unfinished_folder(personas, name) as folder:
        for choice in {choice.label: choice for choice in choices}.values():
            place = folder / choice.label
            place.mkdir()
            write_trimmed(bundle, choice.variant, golden, place)
        publish(folder, personas / name, replace=True)


def _sizes(
    manifest: Manifest,
    app: Path,
    name: str,
    index: PersonaIndex,
    choices: tuple[Choice, ...],
    golden: bool,
) -> tuple[PlatformSize, ...]:
    sizes = []
    for choice in choices:
        own = folder_bytes(app / PERSONAS / name / choice.label)
        others = sum(
            folder_bytes(app / persona.bundles[choice.platform])
            for persona in index.personas
            if persona.name != name and choice.platform in persona.bundles
        )
        size = PlatformSize(choice.platform, choice.label, choice.reason, own + others, own, ())
        if size.over_budget:
            hints = advice(manifest, choice, golden, others)
            size = PlatformSize(
                choice.platform, choice.label, choice.reason, own + others, own, hints
            )
        sizes.append(size)
    return tuple(sizes)


def _read_text(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "A file of the app is not UTF-8.", where=path, got=error, remedy="mend the file"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file in one step; a file that has this content already is left alone."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
