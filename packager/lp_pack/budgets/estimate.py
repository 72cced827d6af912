"""Estimated milliseconds of a bundle's graphs on a device class. Estimates, never measurements.

Each operator takes the longer of its arithmetic at the device's sustained rate and its memory
traffic at the sustained bandwidth (the roofline model: Williams, Waterman, Patterson 2009), and a
fixed time to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lp_pack.accelerators.report import Placement, placements
from lp_pack.budgets.devices import DeviceClass
from lp_pack.budgets.graph_cost import GraphCost, graph_cost
from lp_runtime.bundle import Bundle
from lp_runtime.manifest import Precision, Target

ASSUMPTIONS = (
    "estimates from public figures, not measurements: expect a factor of two either way",
    "each operator takes the longer of arithmetic and memory traffic; nothing is fused or cached",
    "the sustained shares in the table of device classes are assumptions, yours to correct",
    "every operator is taken to run on the engine named; an operator that falls back costs extra",
)
# Graphs of other targets are estimated from the ONNX graph that they were made beside.
COSTED_TARGET: Target = "onnx"


@dataclass(frozen=True)
class GraphEstimate:
    """One graph on one device class."""

    graph: str
    milliseconds: float
    # Share of the time in which memory, not arithmetic, is the limit.
    memory_bound_share: float


@dataclass(frozen=True)
class DeviceEstimate:
    """One variant on one device class."""

    device: str
    title: str
    engine: str
    target: Target
    precision: Precision
    graphs: tuple[GraphEstimate, ...]
    deadline_ms: float

    @property
    def milliseconds(self) -> float:
        """Of a whole frame: every graph once."""
        return sum(graph.milliseconds for graph in self.graphs)

    @property
    def meets_deadline(self) -> bool:
        """Whether the estimate lies within one frame's time."""
        return self.milliseconds <= self.deadline_ms


@dataclass(frozen=True)
class Budget:
    """What a bundle costs, and the estimates."""

    # (precision, graph) -> cost of the ONNX graph.
    costs: Mapping[tuple[Precision, str], GraphCost]
    estimates: tuple[DeviceEstimate, ...]
    devices: Mapping[str, DeviceClass]
    # Which operators of each graph fall off which accelerator.
    placements: tuple[Placement, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; everything under "estimates" is one."""
        return {
            "assumptions": list(ASSUMPTIONS),
            "graphs": [
                {
                    "precision": precision,
                    "graph": graph,
                    "gflop": cost.gflop,
                    "megabytes_moved": cost.megabytes,
                    "operators": {
                        name: {"count": count, "gflop": gflop, "megabytes_moved": moved}
                        for name, (count, gflop, moved) in cost.by_type().items()
                    },
                }
                for (precision, graph), cost in self.costs.items()
            ],
            "estimates": [
                {
                    **{k: v for k, v in vars(one).items() if k != "graphs"},
                    "estimated_milliseconds": one.milliseconds,
                    "meets_deadline": one.meets_deadline,
                    "graphs": [vars(graph) for graph in one.graphs],
                    "sources": list(self.devices[one.device].sources),
                }
                for one in self.estimates
            ],
            "accelerators": [placement.as_dict() for placement in self.placements],
        }


def estimate_bundle(bundle: Bundle, devices: Mapping[str, DeviceClass]) -> Budget:
    """Cost of every ONNX graph of the bundle, and estimates for every device class.

    Other targets are estimated from the ONNX graphs of the same precision, and left out where the
    bundle has none. Raises LpPackError when a graph cannot be read.
    """
    costs = {
        (variant.precision, name): graph_cost(bundle.graph_path(graph))
        for variant in bundle.manifest.variants
        if variant.target == COSTED_TARGET
        for name, graph in variant.graphs.items()
    }
    deadline = 1000.0 / bundle.manifest.pipeline.frame_rate
    estimates = []
    for name, device in devices.items():
        for precision in device.peak_gflops:
            graphs = _graphs(costs, precision)
            if graphs:
                estimates.append(
                    DeviceEstimate(
                        device=name,
                        title=device.title,
                        engine=device.engine,
                        target=device.target,
                        precision=precision,
                        graphs=tuple(
                            estimate_graph(graph, cost, device, precision)
                            for graph, cost in graphs.items()
                        ),
                        deadline_ms=deadline,
                    )
                )
    return Budget(costs, tuple(estimates), devices, placements(bundle.manifest))


def estimate_graph(
    name: str, cost: GraphCost, device: DeviceClass, precision: Precision
) -> GraphEstimate:
    """The roofline estimate of one graph."""
    flop_per_ms = device.sustained_gflops(precision) * 1e6
    bytes_per_ms = device.sustained_gb_s * 1e6
    total = memory_bound = 0.0
    for operator in cost.operators:
        arithmetic, traffic = operator.flop / flop_per_ms, operator.bytes / bytes_per_ms
        total += max(arithmetic, traffic)
        memory_bound += traffic if traffic > arithmetic else 0.0
        if operator.bytes:
            total += device.operator_us / 1e3
    return GraphEstimate(name, total, memory_bound / total if total else 0.0)


def _graphs(
    costs: Mapping[tuple[Precision, str], GraphCost], precision: Precision
) -> dict[str, GraphCost]:
    """The graphs of the precision itself; nothing is inferred for one that was not built."""
    return {graph: cost for (built, graph), cost in costs.items() if built == precision}
