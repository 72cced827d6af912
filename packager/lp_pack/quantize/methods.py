"""What can be done to the numbers of one layer: the vocabulary of the recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lp_runtime.manifest import Precision

# How many numbers share one scale, or one palette.
Granularity = Literal["tensor", "channel", "block", "palette"]


@dataclass(frozen=True)
class Weights:
    """How a layer's constants are stored.

    bits: of one stored number; for a palette, of one index into it.
    granularity: what shares a scale: the tensor, an output channel, `block_size` numbers of a
        channel; or a palette of 2**bits values shared by `block_size` channels (0: all of them).
    signed: whether zero lies in the middle of the stored range.
    """

    bits: int
    granularity: Granularity
    block_size: int = 0
    signed: bool = True


@dataclass(frozen=True)
class Activations:
    """How the maps that a layer reads and writes are rounded while it runs.

    bits: of one number.
    ranges: "static": taken from calibration; "dynamic": found by the runtime on every frame.
    signed: whether zero lies in the middle of the stored range.
    """

    bits: int
    ranges: Literal["static", "dynamic"]
    signed: bool


@dataclass(frozen=True)
class Method:
    """What happens to one layer; None for activations that stay floating point."""

    precision: Precision
    weights: Weights
    activations: Activations | None = None

    @property
    def needs_calibration(self) -> bool:
        """Whether ranges of activations must be known before the file is written."""
        return self.activations is not None and self.activations.ranges == "static"


@dataclass(frozen=True)
class WideRule:
    """Layers that stay wider than their recipe, and why.

    name: in the manifest and in reports.
    reason: what goes wrong otherwise, in a sentence.
    precision: what they stay in.
    """

    name: str
    reason: str
    precision: Literal["fp32", "fp16", "int8", "w8", "w6"]
