"""Counting a network's work, the way the literature does: 2 x multiply-accumulate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of convolutions and matrix products, and stored numbers."""

    flops: int
    parameters: int

    @property
    def gigaflops(self) -> float:
        """Operations in units of 10^9."""
        return self.flops / 1e9


@torch.no_grad()
def cost(module: nn.Module, inputs: tuple[Tensor, ...]) -> Cost:
    """Run `module` once and count; elementwise operators and gathers are not counted."""
    counter = FlopCounterMode(display=False)
    with counter:
        module(*inputs)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Cost(flops=counter.get_total_flops(), parameters=parameters)
