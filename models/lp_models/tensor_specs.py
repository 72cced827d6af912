"""What tensors a file must hold, and how to say that it does not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import CheckpointError

NAMES_IN_A_MESSAGE = 4
MAX_NAME = 120  # characters of a name that a stranger chose


@dataclass(frozen=True)
class TensorSpec:
    """Shape and type of one tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> TensorSpec:
        """The spec that `tensor` meets; it may lie on the meta device."""
        return cls(tuple(tensor.shape), tensor.dtype)

    @property
    def num_bytes(self) -> int:
        """Bytes of its values."""
        return math.prod(self.shape) * self.dtype.itemsize


def check_tensors(
    tensors: Mapping[str, object], specs: Mapping[str, TensorSpec], where: str, remedy: str
) -> dict[str, Tensor]:
    """Return the tensors, in the order of `specs`, once every one is what it must be.

    Args:
        tensors: what a file held.
        specs: what it must hold, no more and no less.
        where: file and section, for the message.
        remedy: the user's next step, for the message.

    Raises:
        CheckpointError: keys missing or surplus; a value that is no plain tensor in memory; a wrong
            shape or type; values that are not finite.
    """
    missing = [key for key in specs if key not in tensors]
    surplus = [key for key in tensors if key not in specs]
    if missing or surplus:
        raise CheckpointError(
            "the checkpoint's keys are not those of this network",
            where=where,
            expected=f"{len(specs)} keys" + (f", among them {_some(missing)}" if missing else ""),
            got=f"{len(tensors)} keys: {len(missing)} missing, {len(surplus)} surplus"
            + (f" ({_some(surplus)})" if surplus else ""),
            remedy=remedy,
        )
    return {key: _checked(key, tensors[key], spec, where, remedy) for key, spec in specs.items()}


def _checked(key: str, value: object, spec: TensorSpec, where: str, remedy: str) -> Tensor:
    place = f"{where}, key '{key}'"
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        raise CheckpointError(
            "the checkpoint holds something else than a plain tensor",
            where=place,
            expected=_describe(spec),
            got=type(value).__name__,
            remedy=remedy,
        )
    got = TensorSpec.of(value)
    if got != spec:
        raise CheckpointError(
            "a tensor of the checkpoint has the wrong shape or type",
            where=place,
            expected=_describe(spec),
            got=_describe(got),
            remedy=remedy,
        )
    value = value.detach().contiguous()
    if value.is_floating_point() and not torch.isfinite(value).all():
        broken = int((~torch.isfinite(value)).sum())
        raise CheckpointError(
            "a tensor of the checkpoint holds values that are not finite",
            where=place,
            expected="finite numbers",
            got=f"{broken} of {value.numel()} are nan or infinity",
            remedy=remedy,
        )
    return value


def _describe(spec: TensorSpec) -> str:
    return f"{spec.dtype} {list(spec.shape)}"


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    rest = len(names) - NAMES_IN_A_MESSAGE
    shown = ", ".join(repr(name[:MAX_NAME]) for name in names[:NAMES_IN_A_MESSAGE])
    return f"{shown} and {rest} more" if rest > 0 else shown
