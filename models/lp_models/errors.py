"""Errors of the network definitions: what, where, expected, got, next step.

The same five answers as `lp_runtime.errors`; the two packages do not import each other
(docs/decisions/0003-three-packages.md).
"""

from __future__ import annotations


class LpModelError(Exception):
    """A network cannot be built, loaded or baked; the text says what to do about it."""

    def __init__(
        self,
        what: str,
        *,
        where: object | None = None,
        expected: object | None = None,
        got: object | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.remedy = remedy
        answers = {"where": where, "expected": expected, "got": got, "next": remedy}
        known = {label: text for label, text in answers.items() if text is not None}
        lines = [f"  {label + ':':<10}{text}" for label, text in known.items()]
        super().__init__("\n".join([what, *lines]))


class CheckpointError(LpModelError):
    """A checkpoint file is absent, broken, hostile, or of another network."""


class BakingError(LpModelError):
    """A portrait could not be turned into constants."""
