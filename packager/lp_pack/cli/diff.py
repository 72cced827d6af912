"""`lp-pack diff`: what changed between two bundles."""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.cli.common import json_option, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.diff import Change, compare_manifests
from lp_runtime.bundle import Bundle


@click.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--exit-code", is_flag=True, help="End with exit code 1 where the bundles differ.")
@json_option
@click.pass_context
def command(ctx: click.Context, before: Path, after: Path, exit_code: bool, as_json: bool) -> None:
    """Say what the bundle AFTER has otherwise than the bundle BEFORE: graphs, sizes, operators,
    parity, inputs, versions, licences, measurements. Reads the manifests only.
    """
    manifests = [Bundle.open(path, verify=False).manifest for path in (before, after)]
    changes = compare_manifests(*manifests)
    if as_json:
        print_json({"equal": not changes, "changes": [change.as_dict() for change in changes]})
    elif not changes:
        output.print("Both hold the same.")
    else:
        _print(changes)
    if exit_code and changes:
        ctx.exit(1)


def _print(changes: list[Change]) -> None:
    for section in dict.fromkeys(change.section for change in changes):
        table = make_table(section, "what", "before", "after")
        for change in changes:
            if change.section == section:
                table.add_row(change.what, change.before, change.after)
        print_table(table)
