"""Controls by the names of their elements, such as an emotion and its intensity."""

from __future__ import annotations

import numpy as np

from lp_runtime.errors import InputError
from lp_runtime.manifest import Pipeline
from lp_runtime.values import declared_values, filled

STYLE = "style"


def labelled_control(
    pipeline: Pipeline, label: str, intensity: float = 1.0
) -> tuple[str, np.ndarray]:
    """Name and value of the control that has an element with this label.

    The value lies between the control's default (intensity 0) and that element alone (1).
    Raises InputError when no control has the label or the intensity is not in [0, 1].
    """
    if not 0.0 <= intensity <= 1.0:
        raise InputError("The intensity is out of range.", expected="0 to 1", got=intensity)
    labelled = [item for item in pipeline.inputs if item.labels]
    for item in labelled:
        if label in item.labels:
            value = declared_values(pipeline)[item.name]
            rest = filled(item.default or (0.0,), value)
            alone = np.zeros_like(rest)
            alone[..., item.labels.index(label)] = 1
            weight = rest.dtype.type(intensity)
            return item.name, (1 - weight) * rest + weight * alone
    raise InputError(
        f"The bundle has no control named '{label}'.",
        expected=", ".join(name for item in labelled for name in item.labels) or "no labels at all",
        got=label,
    )


def seeded_style(pipeline: Pipeline, seed: int) -> tuple[str, np.ndarray]:
    """Name and value of the style control for one of many plausible performances.

    Equal seeds perform equally. Raises InputError when the bundle has no style.
    """
    for item in pipeline.inputs:
        if item.kind == "control" and item.name == STYLE:
            random = np.random.default_rng(seed)
            return item.name, random.uniform(-1.0, 1.0, item.shape).astype(item.dtype)
    raise InputError(
        "The bundle has only one performance.",
        expected=f"a control named '{STYLE}'",
        got=", ".join(item.name for item in pipeline.inputs),
    )
