"""LivePortrait's networks from and to their published files.

Layouts, below the given folder or below `liveportrait/` in it (as the hub has it):

    base_models/{appearance_feature_extractor,motion_extractor,warping_module,spade_generator}.pth
    retargeting_models/stitching_retargeting_module.pth
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .atomic_file import atomic_write
from .checkpoint_layout import (
    PARALLEL_PREFIX,
    PUBLISHED_FILES,
    Section,
    fold_section,
    meta_networks,
    publish_section,
    section_specs,
)
from .dims import LivePortraitDims
from .errors import CheckpointError
from .networks import LivePortraitNetworks
from .seeded import seeded_networks
from .tensor_specs import check_tensors
from .torch_file import read_torch_file

__all__ = [
    "LivePortraitNetworks",
    "checkpoint_paths",
    "load_liveportrait",
    "save_liveportrait",
    "seeded_networks",
]

HUB_FOLDER = "liveportrait"
ARCHIVE_OVERHEAD_BYTES = 1 << 20  # pickled keys, archive directory, alignment
REMEDY = (
    "pass the weights of LivePortrait's first release for humans, get them with `lp-pack "
    "fetch-weights`; or pass the dims that these weights were made with"
)


def checkpoint_paths(weights_dir: Path) -> dict[str, Path]:
    """Where each published file should lie; whether it does is seen when it is read.

    Raises:
        CheckpointError: the folder does not exist.
    """
    weights_dir = Path(weights_dir)
    if not weights_dir.is_dir():
        raise CheckpointError(
            "there is no such weights folder",
            where=weights_dir,
            expected="a folder with base_models/ and retargeting_models/",
            got="a file" if weights_dir.exists() else "nothing",
            remedy="get the published weights with `lp-pack fetch-weights`, or check the path",
        )
    nested = weights_dir / HUB_FOLDER
    root = nested if nested.is_dir() else weights_dir
    return {name: root / name for name in PUBLISHED_FILES}


def load_liveportrait(
    weights_dir: Path, dims: LivePortraitDims | None = None
) -> LivePortraitNetworks:
    """The original networks, in inference mode, with spectral normalisation folded in.

    Args:
        weights_dir: the folder of the published files.
        dims: their dimensions; the published ones unless given.

    Raises:
        CheckpointError: a file is absent, too large, broken or hostile, or its keys, shapes, types
            or values are not those of the networks.
    """
    networks = meta_networks(dims or LivePortraitDims())
    for name, path in checkpoint_paths(weights_dir).items():
        sections = PUBLISHED_FILES[name]
        specs = {section: section_specs(networks, section) for section in sections}
        needed = sum(spec.num_bytes for entry in specs.values() for spec in entry.values())
        content = read_torch_file(path, max_bytes=2 * needed + ARCHIVE_OVERHEAD_BYTES)
        for section in sections:
            where = f"{path}, section '{section.name}'" if section.name else str(path)
            found = _without_prefix(_section_of(content, section, path), where)
            tensors = check_tensors(found, specs[section], where, REMEDY)
            state = fold_section(networks, section, tensors, where)
            networks.modules()[section.network].load_state_dict(state, assign=True)
    return networks.freeze()


def save_liveportrait(networks: LivePortraitNetworks, weights_dir: Path) -> None:
    """Write the networks in the published layout; `load_liveportrait` reads them back.

    Spectral normalisation is put back, so its weights return to within rounding. Every file is
    written beside its place and renamed.
    """
    for name, sections in PUBLISHED_FILES.items():
        states = {section.name: publish_section(networks, section) for section in sections}
        # A file without named sections is its one state dict.
        content: object = states.get(None, states)
        with atomic_write(Path(weights_dir) / name) as stream:
            torch.save(content, stream)


def _section_of(content: object, section: Section, path: Path) -> Mapping[object, object]:
    """The section's state dict in what the file held."""
    place = str(path)
    if section.name is not None:
        if not isinstance(content, Mapping) or section.name not in content:
            raise CheckpointError(
                "a section of the checkpoint is missing",
                where=place,
                expected=f"'{section.name}'",
                got=_describe(content),
                remedy=REMEDY,
            )
        content = content[section.name]
        place += f", section '{section.name}'"
    if not isinstance(content, Mapping):
        raise CheckpointError(
            "the checkpoint holds no state dict",
            where=place,
            expected="a dictionary of tensors",
            got=_describe(content),
            remedy=REMEDY,
        )
    return content


def _without_prefix(state: Mapping[object, object], where: str) -> dict[str, object]:
    """The state dict with `module.` taken off its keys."""
    stripped: dict[str, object] = {}
    for key, value in state.items():
        name = str(key).removeprefix(PARALLEL_PREFIX)
        if not isinstance(key, str) or name in stripped:
            raise CheckpointError(
                "a key of the checkpoint is not usable",
                where=where,
                expected="text keys, each once, with or without 'module.'",
                got=repr(key)[:80],
                remedy=REMEDY,
            )
        stripped[name] = value
    return stripped


def _describe(content: object) -> str:
    if isinstance(content, Tensor):
        return f"a tensor {list(content.shape)}"
    if isinstance(content, Mapping):
        return "keys " + ", ".join(repr(key)[:40] for key in list(content)[:5])
    return type(content).__name__
