"""`lp-pack flutter`: a bundle in a Flutter app."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from lp_pack.cli.bundle_notice import say_what_it_is
from lp_pack.cli.common import json_option, notice, output, print_json
from lp_pack.cli.tables import make_table, print_table
from lp_pack.flutter_app import AppOptions, AppReport, write_app
from lp_pack.flutter_app.budget import BUDGET_BYTES
from lp_pack.flutter_app.selection import PLATFORM_NAMES
from lp_runtime.manifest import Precision

FOLDER = click.Path(path_type=Path)


def _platforms(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in PLATFORM_NAMES]:
        raise click.BadParameter(f"'{unknown[0]}' is none of {', '.join(PLATFORM_NAMES)}")
    if not names:
        raise click.BadParameter("name at least one platform")
    return names


def _precisions(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """`fp16` for all platforms, `ios=fp16` for one; what is said of one platform counts more."""
    everywhere: dict[str, str] = {}
    particular: dict[str, str] = {}
    for text in texts:
        platform, sign, precision = text.rpartition("=")
        if precision not in get_args(Precision):
            raise click.BadParameter(f"'{precision}' is none of {', '.join(get_args(Precision))}")
        if sign and platform not in PLATFORM_NAMES:
            raise click.BadParameter(f"'{platform}' is none of {', '.join(PLATFORM_NAMES)}")
        if sign:
            particular[platform] = precision
        else:
            everywhere = dict.fromkeys(PLATFORM_NAMES, precision)
    return everywhere | particular


@click.command("flutter")
@click.argument("bundle", type=FOLDER)
@click.option(
    "-o", "--output", "app", type=FOLDER, required=True, help="The app's folder, new or existing."
)
@click.option(
    "--platforms",
    default=",".join(PLATFORM_NAMES),
    show_default=True,
    callback=_platforms,
    help="Platforms of the app, separated by commas.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="[PLATFORM=]PRECISION",
    callback=_precisions,
    help="Take this precision, e.g. fp16, or for one platform ios=fp16. Can be given several "
    "times.  [default: fp32, else the next best]",
)
@click.option("--name", help="The persona's name in the app.  [default: the bundle's name]")
@click.option(
    "--with-golden", is_flag=True, help="Keep the golden data, for self-checks on devices."
)
@click.option("--assets-only", is_flag=True, help="Write no example code.")
@click.option(
    "--package",
    type=FOLDER,
    help="The folder of the package lp_pack_flutter.  [default: the one of this checkout]",
)
@json_option
def command(
    bundle: Path,
    app: Path,
    platforms: tuple[str, ...],
    precisions: dict[str, str],
    name: str | None,
    with_golden: bool,
    assets_only: bool,
    package: Path | None,
    as_json: bool,
) -> None:
    """Put BUNDLE into a Flutter app: copy the variants that its platforms play, enter them into
    pubspec.yaml, and give a new app an example to begin with.

    What you wrote stays: code, and everything in the pubspec that is not this persona's. Run it
    again for a newer bundle, or with another bundle for a second persona.
    """
    report = write_app(
        bundle,
        app,
        AppOptions(platforms, precisions, name, with_golden, not assets_only, package),
    )
    say_what_it_is(report.manifest)
    for size in report.sizes:
        if size.over_budget:
            hints = "; ".join(size.advice) or "nothing more can be left out of this bundle"
            notice(
                f"{size.platform}: {size.total_bytes / 1e6:.0f} MB of personas, over "
                f"{BUDGET_BYTES / 1e6:.0f} MB. What to leave out: {hints}"
            )
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)


def _print(report: AppReport) -> None:
    output.print(f"{report.app}: persona '{report.persona}'", markup=False)
    table = make_table("", "platform", "variant", "persona MB", "all personas MB", "why")
    for size in report.sizes:
        table.add_row(
            size.platform,
            size.label,
            f"{size.persona_bytes / 1e6:.1f}",
            f"{size.total_bytes / 1e6:.1f}",
            size.reason,
        )
    print_table(table)
    if report.created:
        output.print(f"made: {', '.join(report.created)}", markup=False)
    if report.kept:
        output.print(f"kept as they are: {', '.join(report.kept)}", markup=False)
    if len({size.label for size in report.sizes}) > 1:
        output.print("Assets for some platforms only need Flutter 3.41 or newer.")
    platforms = ",".join(size.platform for size in report.sizes)
    output.print(
        f"next: cd {report.app} && flutter create --platforms={platforms} . && flutter run",
        markup=False,
    )
