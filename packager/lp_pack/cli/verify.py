"""`lp-pack verify`: is this bundle intact, and does this machine agree with it?"""

from __future__ import annotations

from pathlib import Path

import click

from lp_pack.cli.bundle_notice import say_what_it_is
from lp_pack.cli.common import json_option, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.verify import VariantReport, VerifyReport, verify_bundle

STYLES = {"passed": "green", "failed": "bold red", "not runnable": "yellow"}


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--threads", type=click.IntRange(min=1), help="Worker threads of the engine.")
@json_option
@click.pass_context
def command(ctx: click.Context, bundle: Path, threads: int | None, as_json: bool) -> None:
    """Check BUNDLE: its manifest, the size and hash of every file, and whether this machine
    computes what torch computed when the bundle was built, for every variant that can run here.

    Exits with 1 when anything differs, or when no variant can run.
    """
    report = verify_bundle(bundle, threads)
    say_what_it_is(report.manifest)
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)
    if not report.passed:
        ctx.exit(1)


def _print(report: VerifyReport) -> None:
    output.print(f"{report.manifest.name}: {report.files_checked} files intact", markup=False)
    for variant in report.variants:
        output.print(f"{variant.target} {variant.precision}:", end=" ", markup=False)
        output.print(variant.status, style=STYLES[variant.status], end=" ")
        output.print(f"({variant.detail})", markup=False)
        if variant.figures:
            _print_figures(variant)
    if all(variant.status == "not runnable" for variant in report.variants):
        output.print("No variant can run on this machine, so nothing was compared.", style="yellow")


def _print_figures(variant: VariantReport) -> None:
    table = make_table("", "graph", "tensor", "worst frame", "bound", "frames", "")
    for figure in variant.figures:
        sign = "<=" if figure.threshold.direction == "at_most" else ">="
        status = "passed" if figure.passed else "failed"
        table.add_row(
            figure.graph,
            figure.tensor,
            f"{figure.worst:.3g}",
            f"{figure.threshold.metric} {sign} {figure.threshold.bound:g}",
            str(figure.frames),
            status,
            style=None if figure.passed else STYLES["failed"],
        )
    print_table(table)
