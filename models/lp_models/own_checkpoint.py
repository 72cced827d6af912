"""The file format of lp-pack's own small networks: safetensors with the dims inside.

One metadata entry, `lp_models`, holds a JSON object {format, kind, dims, extra}. A single entry
with sorted keys, because safetensors writes several entries in no fixed order, and equal networks
must be equal files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from .atomic_file import atomic_write
from .errors import CheckpointError
from .tensor_specs import TensorSpec, check_tensors

METADATA_KEY = "lp_models"
FORMAT = 1
MAX_BYTES = 1 << 30  # an own network of more than 1 GiB would not run on a phone
FIELDS = {"format", "kind", "dims", "extra"}


@dataclass(frozen=True)
class OwnCheckpoint:
    """One own network as it lay in its file.

    kind: which network, for example 'audio2motion'.
    dims: its dimensions, as JSON values.
    tensors: its state dict.
    extra: free text beside it, such as the training run's figures.
    """

    path: Path
    kind: str
    dims: dict[str, object]
    tensors: dict[str, Tensor]
    extra: dict[str, str]

    def load_into(self, module: nn.Module) -> None:
        """Copy the tensors into `module`, whose state dict must have the same keys and shapes.

        Raises:
            CheckpointError: they differ, or a value is not finite.
        """
        specs = {name: TensorSpec.of(tensor) for name, tensor in module.state_dict().items()}
        remedy = "the file was written by another version of this network: make it again"
        module.load_state_dict(check_tensors(self.tensors, specs, str(self.path), remedy))


def save_own(
    path: Path,
    kind: str,
    dims: Mapping[str, object],
    state_dict: Mapping[str, Tensor],
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write a network; equal arguments give equal bytes, and a reader never sees half a file.

    Args:
        path: the file to write, usually `*.safetensors`.
        kind: which network.
        dims: what `json` can hold.
        state_dict: its tensors; written as they are, from any device.
        extra: free text to keep beside it.
    """
    header = {"format": FORMAT, "kind": kind, "dims": dict(dims), "extra": dict(extra or {})}
    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in state_dict.items()
    }
    content = save(tensors, metadata={METADATA_KEY: json.dumps(header, sort_keys=True)})
    with atomic_write(Path(path)) as stream:
        stream.write(content)


def load_own(path: Path, kind: str) -> OwnCheckpoint:
    """Read what `save_own` wrote.

    Raises:
        CheckpointError: the file is absent, too large, broken, not ours, of another format or of
            another kind.
    """
    path = Path(path)
    _check_size(path)
    try:
        with safe_open(path, framework="pt") as reader:
            header = _parse_header(reader.metadata() or {}, path)
            if header["kind"] != kind:
                raise CheckpointError(
                    "the checkpoint is of another network",
                    where=path,
                    expected=kind,
                    got=header["kind"],
                    remedy=f"pass the file that holds the {kind} network",
                )
            tensors = {name: reader.get_tensor(name) for name in sorted(reader.keys())}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            "the file is no readable safetensors checkpoint",
            where=path,
            expected="a complete file as `save_own` writes it",
            got=str(error),
            remedy="copy or make it again",
        ) from error
    return OwnCheckpoint(path, kind, header["dims"], tensors, header["extra"])


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(
            "there is no such checkpoint file",
            where=path,
            expected="a safetensors file",
            got="a folder" if path.is_dir() else "nothing",
            remedy="check the path",
        )
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CheckpointError(
            "the checkpoint file is too large to be one of ours",
            where=path,
            expected=f"at most {MAX_BYTES} bytes",
            got=f"{size} bytes",
            remedy="check the path",
        )


def _parse_header(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """The header of the file, every field of the right type."""

    def refuse(got: object) -> CheckpointError:
        return CheckpointError(
            "the safetensors file was not written by lp-pack, or by a newer one",
            where=f"{path}, metadata '{METADATA_KEY}'",
            expected=f"a JSON object of {', '.join(sorted(FIELDS))}, format {FORMAT}",
            got=got,
            remedy="pass a file that lp-pack wrote, or upgrade lp-pack",
        )

    if METADATA_KEY not in metadata:
        raise refuse("no such metadata")
    try:
        header = json.loads(metadata[METADATA_KEY])
    except (json.JSONDecodeError, RecursionError) as error:
        raise refuse(str(error)) from error
    if not isinstance(header, dict) or set(header) != FIELDS:
        raise refuse(sorted(header) if isinstance(header, dict) else type(header).__name__)
    if header["format"] != FORMAT:
        raise refuse(f"format {header['format']!r}")
    extra = header["extra"]
    texts = isinstance(extra, dict) and all(isinstance(text, str) for text in extra.values())
    if not isinstance(header["kind"], str) or not isinstance(header["dims"], dict) or not texts:
        raise refuse("fields of the wrong type")
    return header
