"""Errors that a user can act on.

Every error answers five questions: what happened, where, what was expected, what was found, and
what to do next. The command line prints `str(error)` and nothing else.
"""

from __future__ import annotations


class LpRuntimeError(Exception):
    """A bundle cannot be opened or played; the text says what, where, expected, got, next step."""

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
        super().__init__(self.render())

    def render(self) -> str:
        """The message, one labelled line for each answer that is known."""
        lines = [self.what]
        labelled = (
            ("where", self.where),
            ("expected", self.expected),
            ("got", self.got),
            ("next", self.remedy),
        )
        lines += [f"  {label + ':':<10}{value}" for label, value in labelled if value is not None]
        return "\n".join(lines)


class BundleError(LpRuntimeError):
    """A bundle's files, hashes or manifest are not what they should be."""


class EngineError(LpRuntimeError):
    """An inference engine is absent, too old, or refused a graph."""


class InputError(LpRuntimeError):
    """What the caller passed in does not fit: wrong tensor, rate, template or file."""
