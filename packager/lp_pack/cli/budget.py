"""`lp-pack budget`: what the graphs cost, and estimates for device classes."""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.budgets.devices import read_devices
from lp_pack.budgets.estimate import ASSUMPTIONS, Budget, estimate_bundle
from lp_pack.cli.common import json_option, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_runtime.bundle import Bundle

MOST_OPERATORS = 6


@click.command("budget")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--devices",
    type=click.Path(path_type=Path),
    help="TOML table of device classes.  [default: the one that comes with lp-pack]",
)
@json_option
def command(bundle: Path, devices: Path | None, as_json: bool) -> None:
    """Count the arithmetic and memory traffic of BUNDLE's graphs, and estimate their time on
    device classes. Nothing is measured: figures come from a table of public sources, with the
    assumptions printed below it.
    """
    budget = estimate_bundle(Bundle.open(bundle), read_devices(devices))
    if as_json:
        print_json(budget.as_dict())
        return
    _print_costs(budget)
    _print_estimates(budget)
    _print_placements(budget)
    for text in ASSUMPTIONS:
        output.print(f"- {text}", markup=False)


def _print_costs(budget: Budget) -> None:
    table = make_table("cost of one frame", "precision", "graph", "GFLOP", "MB moved", "operators")
    for (precision, graph), cost in budget.costs.items():
        most = list(cost.by_type().items())[:MOST_OPERATORS]
        table.add_row(
            precision,
            graph,
            f"{cost.gflop:.4g}",
            f"{cost.megabytes:.4g}",
            ", ".join(f"{count} {name} {gflop:.3g} GFLOP" for name, (count, gflop, _) in most),
        )
    print_table(table)


def _print_estimates(budget: Budget) -> None:
    table = make_table(
        "ESTIMATES, milliseconds", "device class", "precision", "frame", "slowest", "deadline"
    )
    for one in budget.estimates:
        verdict = "within" if one.meets_deadline else "over"
        slowest = max(one.graphs, key=lambda graph: graph.milliseconds)
        table.add_row(
            f"{one.title} ({one.engine})",
            one.precision,
            f"~ {one.milliseconds:.3g}",
            f"{slowest.graph} ~ {slowest.milliseconds:.3g}, memory-bound for "
            f"{slowest.memory_bound_share * 100:.0f} %",
            f"{verdict} {one.deadline_ms:g}",
        )
    print_table(table)


def _print_placements(budget: Budget) -> None:
    title = "operators that fall off, by the accelerators' public lists"
    table = make_table(title, "accelerator", "variant", "graph", "falls off")
    for one in budget.placements:
        left = ", ".join(f"{count} {name}" for name, count in one.left.items())
        total = one.taken + sum(one.left.values())
        table.add_row(
            one.accelerator.name,
            f"{one.target} {one.precision}",
            one.graph,
            f"{total - one.taken} of {total}: {left}" if left else "none",
        )
    print_table(table)
