"""Networks with made-up weights that behave like trained ones where it matters for arithmetic.

Keypoints stay inside the [-1, 1] volume, offsets are small, the frame does not saturate. What they
draw means nothing. For tests, benchmarks and the embedded default.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor, nn

from .convnext import GlobalResponseNorm
from .dims import LivePortraitDims
from .networks import LivePortraitNetworks
from .spectral_norm import leading_singular_vectors, spectral_weight_names

SMALL = 0.1  # spread of biases and of norm scales around one
RESPONSE_GAIN = 0.3

# Layers that are drawn smaller than He initialisation, by the end of their name.
LAYER_GAINS = {
    "detector.fc_kp": 0.12,
    "detector.fc_pitch": 0.5,
    "detector.fc_yaw": 0.5,
    "detector.fc_roll": 0.5,
    "detector.fc_exp": 0.03,
    "detector.fc_t": 0.03,
    "detector.fc_scale": 0.1,
    "mlp_gamma": 0.3,
    "mlp_beta": 0.3,
    "conv_img.0": 0.3,
}
RETARGETING_NETWORKS = ("stitching", "lip_retargeting", "eye_retargeting")
RETARGETING_GAIN = 0.02  # of their last layer


@torch.no_grad()
def seeded_networks(dims: LivePortraitDims, seed: int) -> LivePortraitNetworks:
    """Networks whose every value follows from `seed`, the tensor's name and its shape."""
    networks = LivePortraitNetworks.build(dims).freeze()
    for network_name, network in networks.modules().items():
        for layer_name, layer in network.named_modules():
            drawn = _Draw(seed, f"{network_name}.{layer_name}")
            _fill(layer, drawn, _gain(network_name, layer_name, network))
    networks.motion_extractor.detector.fc_scale.bias.add_(1.0)
    parameters = dict(networks.spade_decoder.named_parameters())
    for name in spectral_weight_names(networks.spade_decoder):
        parameters[name].div_(leading_singular_vectors(parameters[name])[2])
    return networks


class _Draw:
    """Normal numbers that depend on the seed and on the names only."""

    def __init__(self, seed: int, layer: str) -> None:
        self.seed = seed
        self.layer = layer

    def __call__(self, tensor: Tensor, name: str) -> Tensor:
        key = zlib.crc32(f"{self.layer}.{name}".encode())
        generator = np.random.default_rng([self.seed, key])
        values = generator.standard_normal(tuple(tensor.shape), dtype=np.float32)
        return torch.from_numpy(values)


def _gain(network_name: str, layer_name: str, network: nn.Module) -> float:
    if network_name in RETARGETING_NETWORKS:
        last = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)][-1]
        return RETARGETING_GAIN if layer_name == last else 1.0
    for ending, gain in LAYER_GAINS.items():
        if layer_name.endswith(ending):
            return gain
    return 1.0


def _fill(layer: nn.Module, draw: _Draw, gain: float) -> None:
    """Draw the tensors that belong to the layer itself, not to its children."""
    for name, parameter in layer.named_parameters(recurse=False):
        values = draw(parameter, name)
        if isinstance(layer, GlobalResponseNorm):
            parameter.copy_(values * (RESPONSE_GAIN if name == "gamma" else SMALL))
        elif name == "bias":
            parameter.copy_(gain * SMALL * values)
        elif parameter.dim() == 1:
            parameter.copy_(1.0 + SMALL * values)
        else:
            fan_in = parameter[0].numel()
            parameter.copy_(gain * values * (2.0 / fan_in) ** 0.5)
    for name, buffer in layer.named_buffers(recurse=False):
        if name == "running_mean":
            buffer.copy_(SMALL * draw(buffer, name))
        elif name == "running_var":
            buffer.copy_(0.5 + draw(buffer, name).abs())
