"""The published checkpoints: which file holds which network under which keys.

Source: the Hugging Face hub repository KwaiVGI/LivePortrait, folder `liveportrait/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .dims import LivePortraitDims
from .networks import LivePortraitNetworks
from .spectral_norm import fold, spectral_weight_names, unfold
from .tensor_specs import TensorSpec

PARALLEL_PREFIX = "module."  # what torch's DataParallel puts before every key


@dataclass(frozen=True)
class Section:
    """One network's state dict inside a file.

    network: its name in `LivePortraitNetworks`.
    name: its key in the file's outer dictionary, or None where the file is the state dict itself.
    prefix: what the published keys begin with; optional when reading.
    """

    network: str
    name: str | None = None
    prefix: str = ""


RETARGETING_FILE = "retargeting_models/stitching_retargeting_module.pth"
PUBLISHED_FILES: Mapping[str, tuple[Section, ...]] = {
    "base_models/appearance_feature_extractor.pth": (Section("appearance_extractor"),),
    "base_models/motion_extractor.pth": (Section("motion_extractor"),),
    "base_models/warping_module.pth": (Section("warping"),),
    "base_models/spade_generator.pth": (Section("spade_decoder"),),
    RETARGETING_FILE: (
        Section("stitching", "retarget_shoulder", PARALLEL_PREFIX),
        Section("lip_retargeting", "retarget_mouth", PARALLEL_PREFIX),
        Section("eye_retargeting", "retarget_eye", PARALLEL_PREFIX),
    ),
}


def meta_networks(dims: LivePortraitDims) -> LivePortraitNetworks:
    """Networks whose tensors have shapes and no memory."""
    with torch.device("meta"):
        return LivePortraitNetworks.build(dims)


def spectral_names(networks: LivePortraitNetworks, section: Section) -> tuple[str, ...]:
    """Weights of the section that are stored under spectral normalisation."""
    if section.network != "spade_decoder":
        return ()
    return spectral_weight_names(networks.spade_decoder)


def section_specs(networks: LivePortraitNetworks, section: Section) -> dict[str, TensorSpec]:
    """Published keys of a section, without their prefix, and what lies under each."""
    state = networks.modules()[section.network].state_dict()
    specs = {key: TensorSpec.of(tensor) for key, tensor in state.items()}
    for name in spectral_names(networks, section):
        weight = specs.pop(name)
        rows = weight.shape[0]
        columns = state[name].numel() // rows
        specs[f"{name}_orig"] = weight
        specs[f"{name}_u"] = TensorSpec((rows,), weight.dtype)
        specs[f"{name}_v"] = TensorSpec((columns,), weight.dtype)
    return specs


def fold_section(
    networks: LivePortraitNetworks, section: Section, tensors: Mapping[str, Tensor], where: str
) -> dict[str, Tensor]:
    """Published tensors, checked -> the network's own state dict."""
    state = dict(tensors)
    for name in spectral_names(networks, section):
        orig, u, v = (state.pop(f"{name}_{part}") for part in ("orig", "u", "v"))
        state[name] = fold(orig, u, v, f"{where}, key '{name}_orig'")
    return state


def publish_section(networks: LivePortraitNetworks, section: Section) -> dict[str, Tensor]:
    """The network's own state dict -> published tensors, with the prefix."""
    state = dict(networks.modules()[section.network].state_dict())
    for name in spectral_names(networks, section):
        state[f"{name}_orig"], state[f"{name}_u"], state[f"{name}_v"] = unfold(state.pop(name))
    return {section.prefix + key: tensor.contiguous() for key, tensor in state.items()}
