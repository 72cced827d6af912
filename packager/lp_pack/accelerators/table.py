"""The table of accelerators, parsed once and checked."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, Literal

import msgspec

from lp_runtime.manifest import Target

TABLE_NAME = "table.toml"
Url = Annotated[str, msgspec.Meta(pattern="^https://")]


class Accelerator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one accelerator takes."""

    name: str
    # The format whose operator names are meant.
    target: Target
    # "listed": only `operators` run there; "refused": all others do.
    rule: Literal["listed", "refused"]
    operators: frozenset[str]
    # Limits that operator names alone do not show.
    remarks: tuple[str, ...]
    sources: Annotated[tuple[Url, ...], msgspec.Meta(min_length=1)]

    # Why an operator is left although the graphs need it: (type, a clause).
    reasons: tuple[tuple[str, str], ...] = ()

    def takes(self, operator: str) -> bool:
        """Whether an operator of this type may run there."""
        return (operator in self.operators) == (self.rule == "listed")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    accelerator: tuple[Accelerator, ...]


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """Every accelerator of the table, in its order."""
    text = resources.files(__package__).joinpath(TABLE_NAME).read_bytes()
    return msgspec.toml.decode(text, type=_Table).accelerator
