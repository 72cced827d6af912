"""What of a bundle falls off which accelerator, by operator type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lp_pack.accelerators.table import Accelerator, accelerators
from lp_runtime.manifest import Manifest, Variant


@dataclass(frozen=True)
class Placement:
    """One graph of one variant on one accelerator."""

    target: str
    precision: str
    graph: str
    accelerator: Accelerator
    # How many operators it takes.
    taken: int
    # Those it does not: type -> how many.
    left: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to the processor."""
        return not self.left

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "target": self.target,
            "precision": self.precision,
            "graph": self.graph,
            "accelerator": self.accelerator.name,
            "taken": self.taken,
            "left": self.left,
            "remarks": list(self.accelerator.remarks),
            "sources": list(self.accelerator.sources),
        }


def placements(manifest: Manifest) -> tuple[Placement, ...]:
    """Every graph of every variant on every accelerator of its target."""
    return tuple(
        _placement(variant, graph, accelerator)
        for variant in manifest.variants
        for accelerator in accelerators()
        if accelerator.target == variant.target
        for graph in variant.graphs
    )


def _placement(variant: Variant, graph: str, accelerator: Accelerator) -> Placement:
    operators = variant.graphs[graph].operators
    left = {name: n for name, n in operators.items() if not accelerator.takes(name)}
    return Placement(
        target=variant.target,
        precision=variant.precision,
        graph=graph,
        accelerator=accelerator,
        taken=sum(operators.values()) - sum(left.values()),
        left=left,
    )
