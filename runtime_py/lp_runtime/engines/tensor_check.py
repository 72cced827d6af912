"""What every engine holds against the manifest when it loads a graph."""

from __future__ import annotations

from collections.abc import Mapping

from lp_runtime.errors import EngineError
from lp_runtime.manifest import TensorSpec


def check_tensors(
    seen: Mapping[str, tuple[str, object]], wanted: tuple[TensorSpec, ...], where: str
) -> None:
    """Compare {name: (dtype, shape as a list)} with the manifest; the order does not matter.

    Raises EngineError when a name, type or shape differs.
    """
    declared = {spec.name: (spec.dtype, list(spec.shape)) for spec in wanted}
    if seen != declared:
        raise EngineError(
            "A graph's tensors are not those that the manifest lists.",
            where=where,
            expected=_describe(declared),
            got=_describe(seen),
            remedy="build the bundle again",
        )


def first_line(error: Exception) -> str:
    """The part of an engine's message that says what happened."""
    return str(error).strip().split("\n", 1)[0]


def _describe(tensors: Mapping[str, tuple[str, object]]) -> str:
    return ", ".join(f"{name}: {dtype} {shape}" for name, (dtype, shape) in sorted(tensors.items()))
