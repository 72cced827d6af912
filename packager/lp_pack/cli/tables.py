"""The one look of the command line's tables."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from lp_pack.cli.common import output


def make_table(title: str, *columns: str) -> Table:
    """A table whose cells are folded, never cut off, where the terminal is narrow."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table) -> None:
    """Print on standard output; brackets in a bundle's texts are not markup."""
    output.print(table, markup=False)
