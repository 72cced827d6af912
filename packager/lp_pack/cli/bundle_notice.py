"""What a user must know about a bundle before believing its pictures."""

from __future__ import annotations

from pathlib import Path

from lp_pack.cli.common import notice
from lp_pack.target_engines import evaluates_programs
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Manifest


def say_what_it_is(manifest: Manifest) -> None:
    """Print the bundle's notes, and that it is untrained where no note says so."""
    said = any("untrained" in text.lower() for text in manifest.notes)
    if not manifest.trained and not said:
        notice(
            f"'{manifest.name}' is UNTRAINED: its networks are seeded, its pictures mean nothing."
        )
    for text in manifest.notes:
        notice(text)


def say_what_lies_at(path: Path) -> None:
    """The same for a bundle that has not been opened; raises BundleError when it cannot be."""
    say_what_it_is(Bundle.open(path, verify=False).manifest)


def say_how_it_runs(target: str) -> None:
    """Say so where this target's programs are evaluated by lp-pack and not run by their runtime."""
    if evaluates_programs(target):
        notice(
            "Core ML is not on this machine: lp-pack evaluates the programs with torch; pictures "
            "are those of the program, times say nothing about Apple's runtime"
        )
