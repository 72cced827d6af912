"""Which maps of a graph are rounded, and in which range each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx_ir as ir

from lp_pack.quantize.onnx.arithmetic import Affine
from lp_pack.quantize.onnx.observed_ranges import Observed, observe
from lp_pack.quantize.onnx.qdq import result_of, roots
from lp_pack.simplify.rewriting import shape_of


def map_ranges(
    path: Path,
    convolutions: Iterable[ir.Node],
    samples: Iterable[Mapping[str, np.ndarray]],
) -> dict[ir.Value, Affine]:
    """A range for every map that these convolutions read or make.

    Maps that are laid side by side before a convolution share one range, because their bytes do.

    Args:
        path: the float32 graph's file, in which tensors have the names of the model's.
        convolutions: of the model, which will run in eight bits.
        samples: graph inputs.
    """
    groups = _Groups()
    for convolution in convolutions:
        (x, *_) = convolution.inputs
        assert x is not None
        groups.join(roots(x))
        groups.join([result_of(convolution)])
    shapes = {}
    for value in groups.members:
        shape = shape_of(value)
        assert shape is not None, "shape inference ran before"
        shapes[str(value.name)] = shape
    seen = observe(path, shapes, samples)
    ranges: dict[ir.Value, Affine] = {}
    for group in groups.all():
        together = [seen[str(value.name)] for value in group]
        joint = Observed(
            min(one.low for one in together),
            max(one.high for one in together),
            [values for one in together for values in one.values],
        ).affine()
        ranges.update(dict.fromkeys(group, joint))
    return ranges


class _Groups:
    """Disjoint sets of values."""

    def __init__(self) -> None:
        self.members: dict[ir.Value, ir.Value] = {}

    def join(self, values: list[ir.Value]) -> None:
        first = self._leader(values[0])
        for value in values[1:]:
            self.members[self._leader(value)] = first

    def all(self) -> list[list[ir.Value]]:
        found: dict[ir.Value, list[ir.Value]] = {}
        for value in self.members:
            found.setdefault(self._leader(value), []).append(value)
        return list(found.values())

    def _leader(self, value: ir.Value) -> ir.Value:
        self.members.setdefault(value, value)
        while self.members[value] is not value:
            value = self.members[value]
        return value
