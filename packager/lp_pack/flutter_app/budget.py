"""What a persona adds to an app's size, and what could be left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lp_pack.flutter_app.selection import Choice
from lp_runtime.manifest import Manifest, Variant

# Stores ask before a download over mobile data is larger; users hesitate long before.
BUDGET_BYTES = 150_000_000


@dataclass(frozen=True)
class PlatformSize:
    """The share of one platform."""

    platform: str
    label: str
    reason: str
    # All personas of the app together, and this one.
    total_bytes: int
    persona_bytes: int
    # What to leave out; empty within the budget.
    advice: tuple[str, ...]

    @property
    def over_budget(self) -> bool:
        """Whether the personas of this platform exceed BUDGET_BYTES."""
        return self.total_bytes > BUDGET_BYTES


def graph_bytes(variant: Variant) -> int:
    """Bytes of all graph files of a variant."""
    return sum(file.bytes for graph in variant.graphs.values() for file in graph.files)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def advice(manifest: Manifest, choice: Choice, golden: bool, others: int) -> tuple[str, ...]:
    """What would make the app smaller on this platform, the largest saving first.

    `others` is how many bytes the app's other personas take there.
    """
    chosen = choice.variant
    savings = []
    for variant in manifest.variants:
        saved = graph_bytes(chosen) - graph_bytes(variant)
        if variant.target == chosen.target and saved > 0:
            option = f"--precision {choice.platform}={variant.precision}"
            savings.append((saved, f"{option} saves {saved / 1e6:.0f} MB"))
    if golden and (saved := sum(case.file.bytes for case in manifest.golden)):
        savings.append((saved, f"without --with-golden it is {saved / 1e6:.0f} MB less"))
    if others:
        savings.append((others, f"the app's other personas take {others / 1e6:.0f} MB"))
    if manifest.tier == "full":
        size = graph_bytes(chosen)
        savings.append((size, "a lite generator (lp-pack distill) replaces most of it"))
    return tuple(text for _, text in sorted(savings, key=lambda item: -item[0]))
