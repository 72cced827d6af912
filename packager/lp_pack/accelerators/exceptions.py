"""What of a graph an accelerator leaves to the CPU, as the manifest names it."""

from __future__ import annotations

from collections.abc import Mapping

from lp_pack.accelerators.table import Accelerator, accelerators
from lp_runtime.manifest import AcceleratorException, Target


def exceptions(target: Target, operators: Mapping[str, int]) -> tuple[AcceleratorException, ...]:
    """One entry for each accelerator of the target and operator type that it does not take.

    Args:
        target: the graph's format.
        operators: type -> how many.
    """
    return tuple(
        AcceleratorException(
            accelerator=accelerator.name,
            operator=operator,
            count=count,
            reason=reason(accelerator, operator),
        )
        for accelerator in accelerators()
        if accelerator.target == target
        for operator, count in operators.items()
        if not accelerator.takes(operator)
    )


def reason(accelerator: Accelerator, operator: str) -> str:
    """Why an accelerator leaves operators of this type, in a clause."""
    known = dict(accelerator.reasons)
    if operator in known:
        return known[operator]
    if accelerator.rule == "refused":
        return "observed to run elsewhere"
    return "not on the accelerator's published list"
