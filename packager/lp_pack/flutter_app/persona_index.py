"""assets/personas/personas.json: the personas of an app, and which folder each platform opens."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lp_pack.errors import ConfigError

FORMAT = 1
INDEX = "assets/personas/personas.json"
MAX_INDEX_BYTES = 1 << 20


class PersonaEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One persona of the app."""

    # The folder's name under assets/personas; identifies the persona.
    name: str
    title: str
    # False: the pictures mean nothing.
    trained: bool
    notes: tuple[str, ...]
    # What `Persona.setEmotion` takes.
    emotions: tuple[str, ...]
    # Platform -> asset folder of the bundle that it opens.
    bundles: dict[str, str]


class PersonaIndex(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    format: int = FORMAT
    personas: tuple[PersonaEntry, ...] = ()

    def with_persona(self, entry: PersonaEntry) -> PersonaIndex:
        """The index with `entry` in the place of the one of its name, or at the end."""
        names = [persona.name for persona in self.personas]
        if entry.name not in names:
            return PersonaIndex(personas=(*self.personas, entry))
        return PersonaIndex(
            personas=tuple(entry if p.name == entry.name else p for p in self.personas)
        )


def read_index(app: Path) -> PersonaIndex:
    """The app's index; an empty one where there is none.

    Raises:
        ConfigError: it was not written by this version of lp-pack.
    """
    path = app / INDEX
    if not path.exists():
        return PersonaIndex()
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        index = msgspec.json.decode(path.read_bytes(), type=PersonaIndex)
        if index.format != FORMAT:
            raise ValueError(f"format {index.format}")
    except (msgspec.MsgspecError, ValueError) as error:
        raise ConfigError(
            "The app's list of personas cannot be read.",
            where=path,
            expected=f"a list of format {FORMAT}, as lp-pack flutter writes it",
            got=error,
            remedy="remove the file and run lp-pack flutter for each persona again",
        ) from error
    return index


def encode_index(index: PersonaIndex) -> bytes:
    """Deterministic, human-readable JSON."""
    return msgspec.json.format(msgspec.json.encode(index), indent=2) + b"\n"
