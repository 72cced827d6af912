"""What a bundle holds, as data: the facts behind `lp-pack inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from lp_runtime.bundle import Bundle
from lp_runtime.manifest import GraphFile, Manifest


@dataclass(frozen=True)
class GraphSummary:
    """One graph of one variant."""

    target: str
    precision: str
    graph: str
    bytes: int
    operators: int
    # The most frequent operator types, most frequent first.
    common_operators: tuple[tuple[str, int], ...]
    # "opset 13", "iOS16", or empty.
    requires: str


@dataclass(frozen=True)
class BundleSummary:
    """The manifest, and the sums that a reader would otherwise make by hand."""

    path: Path
    manifest: Manifest
    graphs: tuple[GraphSummary, ...]

    @property
    def total_bytes(self) -> int:
        """Size of all recorded files."""
        records = {
            record.path: record.bytes for record in Bundle(self.path, self.manifest).records()
        }
        return sum(records.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the whole manifest under "manifest"."""
        return {
            "path": str(self.path),
            "total_bytes": self.total_bytes,
            "graphs": [
                {
                    "target": graph.target,
                    "precision": graph.precision,
                    "graph": graph.graph,
                    "bytes": graph.bytes,
                    "operators": graph.operators,
                    "requires": graph.requires,
                }
                for graph in self.graphs
            ],
            "manifest": msgspec.to_builtins(self.manifest),
        }


def inspect_bundle(path: Path) -> BundleSummary:
    """Read a bundle's manifest; files are not hashed (`lp-pack verify` does that).

    Raises BundleError when there is no bundle or its manifest contradicts itself.
    """
    manifest = Bundle.open(path, verify=False).manifest
    graphs = tuple(
        _summary(variant.target, variant.precision, name, graph)
        for variant in manifest.variants
        for name, graph in variant.graphs.items()
    )
    return BundleSummary(path, manifest, graphs)


def _summary(target: str, precision: str, name: str, graph: GraphFile) -> GraphSummary:
    by_count = sorted(graph.operators.items(), key=lambda item: (-item[1], item[0]))
    requires = graph.minimum_os or (f"opset {graph.opset}" if graph.opset is not None else "")
    return GraphSummary(
        target=target,
        precision=precision,
        graph=name,
        bytes=sum(record.bytes for record in graph.files),
        operators=sum(graph.operators.values()),
        common_operators=tuple(by_count[:6]),
        requires=requires,
    )
