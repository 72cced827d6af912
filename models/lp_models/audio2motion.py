"""Audio2Motion: a streaming LSTM from PCM to LivePortrait motion, 40 ms a call.

Everything numeric is inside: mel front end, normalisation, recurrent state, idle oscillators. The
host hands in 640 samples, an emotion and a style, and carries the state tensors.

Emotion is one weight for each of eight emotions, normally one-hot times intensity in [0, 1]; all
zeros means neutral. Style is a vector in [-1, 1] that picks one of many plausible performances: it
shifts the idle oscillators and is read by the network.

Blinks, breathing and sway come from oscillators that the network sees (`idle.py`).

With a look-ahead of L frames the motion of call n belongs to audio frame n - L: drop the first L
outputs, and flush with L frames of silence.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import CheckpointError, LpModelError
from .idle import PRIMES, IdleGenerator
from .mel import LogMel
from .own_checkpoint import load_own, save_own

KIND = "audio2motion"
# A file's dims are believed before its tensors are seen: at most some hundred megabytes follow.
LARGEST_DIMS = {
    "sample_rate": 192_000,
    "samples_per_frame": 16_384,
    "mel_bins": 512,
    "mel_window": 4096,
    "mel_hop": 4096,
    "hidden_size": 2048,
    "num_layers": 4,
    "num_emotions": 256,
    "style_size": 256,
    "num_oscillators": len(PRIMES),
    "look_ahead_frames": 8,  # 320 ms
    "motion_size": 1024,
}


@dataclass(frozen=True)
class Audio2MotionDims:
    """Sizes of an Audio2Motion network; stored with its checkpoint."""

    sample_rate: int = 16000  # Hz
    samples_per_frame: int = 640  # 40 ms: 25 frames a second
    mel_bins: int = 80
    mel_window: int = 400  # samples, 25 ms
    mel_hop: int = 160  # samples, 10 ms
    hidden_size: int = 256
    num_layers: int = 2
    num_emotions: int = 8
    style_size: int = 8
    num_oscillators: int = 8
    look_ahead_frames: int = 2
    motion_size: int = 70

    @classmethod
    def tiny(cls) -> Audio2MotionDims:
        """The same structure with few channels, for tests."""
        return cls(mel_bins=16, hidden_size=12, style_size=3, num_oscillators=4)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Audio2MotionDims:
        """Parse what a checkpoint stores; unknown, missing or non-integer entries raise.

        Raises:
            LpModelError: the entries are not exactly this class's fields, as integers.
        """
        names = {field.name for field in fields(cls)}
        integers = all(type(value) is int for value in values.values())
        if set(values) != names or not integers:
            raise LpModelError(
                "these are not the dims of an Audio2Motion network",
                expected=f"integers named {', '.join(sorted(names))}",
                got=", ".join(f"{name}={value!r}" for name, value in sorted(values.items())),
                remedy="train or export the checkpoint with this version of lp-pack",
            )
        dims = cls(**values)
        dims.validate()
        return dims

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.samples_per_frame

    def validate(self) -> None:
        """Raises LpModelError when a size is out of range or sizes do not fit together."""
        for field in fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name == "look_ahead_frames" else 1
            highest = LARGEST_DIMS[field.name]
            if not lowest <= value <= highest:
                self._refuse(f"{field.name} between {lowest} and {highest}", f"{value}")

    @staticmethod
    def _refuse(expected: str, got: str) -> None:
        raise LpModelError(
            "the dims of an Audio2Motion network are out of range",
            expected=expected,
            got=got,
            remedy="correct the dims; Audio2MotionDims() holds the defaults",
        )


@dataclass(frozen=True)
class StateSpec:
    """A state tensor of the graph; its output is named `next_<name>`."""

    name: str
    shape: tuple[int, ...]
    initial: float


class Audio2Motion(nn.Module):
    """PCM, emotion and style to motion, frame by frame; see the module's text."""

    mel_mean: Tensor
    mel_std: Tensor
    motion_mean: Tensor
    motion_std: Tensor

    input_names = (
        "pcm", "emotion", "style", "pcm_history", "lstm_hidden", "lstm_cell", "idle_phase",
    )  # fmt: skip
    output_names = (
        "motion", "next_pcm_history", "next_lstm_hidden", "next_lstm_cell", "next_idle_phase",
    )  # fmt: skip

    def __init__(self, dims: Audio2MotionDims) -> None:
        super().__init__()
        dims.validate()
        self.dims = dims
        self.mel = LogMel(
            sample_rate=dims.sample_rate,
            samples_per_frame=dims.samples_per_frame,
            mel_bins=dims.mel_bins,
            window_samples=dims.mel_window,
            hop_samples=dims.mel_hop,
            high_hz=dims.sample_rate / 2,
        )
        self.idle = IdleGenerator(
            dims.num_oscillators, dims.style_size, dims.frame_rate, dims.motion_size
        )
        mel_features = self.mel.columns * dims.mel_bins
        control_features = dims.num_emotions + dims.style_size + 3 * dims.num_oscillators
        self.input_projection = nn.Linear(mel_features + control_features, dims.hidden_size)
        self.lstm = nn.LSTM(dims.hidden_size, dims.hidden_size, dims.num_layers, batch_first=True)
        self.head = nn.Linear(dims.hidden_size, dims.motion_size)
        self.register_buffer("mel_mean", torch.full((dims.mel_bins,), -25.0))
        self.register_buffer("mel_std", torch.full((dims.mel_bins,), 20.0))
        self.register_buffer("motion_mean", torch.zeros(dims.motion_size))
        self.register_buffer("motion_std", torch.ones(dims.motion_size))

    def state_specs(self) -> tuple[StateSpec, ...]:
        """The state tensors in the order of `forward`, for a batch of one."""
        dims = self.dims
        recurrent = (dims.num_layers, 1, dims.hidden_size)
        return (
            StateSpec("pcm_history", (1, self.mel.history_samples), 0.0),
            StateSpec("lstm_hidden", recurrent, 0.0),
            StateSpec("lstm_cell", recurrent, 0.0),
            StateSpec("idle_phase", (1, dims.num_oscillators), 0.0),
        )

    def initial_states(self, batch: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Initial state tensors for `batch` streams."""
        device = self.motion_mean.device
        history, hidden, cell, phase = self.state_specs()
        layers, _, width = hidden.shape
        return (
            torch.full((batch, history.shape[1]), history.initial, device=device),
            torch.full((layers, batch, width), hidden.initial, device=device),
            torch.full((layers, batch, width), cell.initial, device=device),
            torch.full((batch, phase.shape[1]), phase.initial, device=device),
        )

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Seeded inputs in the order of `input_names`."""
        generator = torch.Generator().manual_seed(0)
        pcm = 0.1 * torch.randn(1, self.dims.samples_per_frame, generator=generator)
        emotion = torch.zeros(1, self.dims.num_emotions)
        emotion[0, 0] = 0.5
        style = 2 * torch.rand(1, self.dims.style_size, generator=generator) - 1
        return pcm, emotion, style, *self.initial_states()

    def forward(
        self,
        pcm: Tensor,
        emotion: Tensor,
        style: Tensor,
        pcm_history: Tensor,
        lstm_hidden: Tensor,
        lstm_cell: Tensor,
        idle_phase: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """One frame.

        Args:
            pcm: (1, samples_per_frame), mono in [-1, 1].
            emotion: (1, num_emotions), one-hot times intensity.
            style: (1, style_size) in [-1, 1].
            pcm_history: (1, mel_window - mel_hop) samples before `pcm`.
            lstm_hidden: (num_layers, 1, hidden_size).
            lstm_cell: (num_layers, 1, hidden_size).
            idle_phase: (1, num_oscillators) in [0, 1).

        Returns:
            motion (1, motion_size) of the frame `look_ahead_frames` before, then the next states.
        """
        decibels, next_history = self.mel(pcm, pcm_history)
        waves = self.idle.waves(idle_phase, style)
        layer_input = self._project(decibels, torch.cat([emotion, style, *waves], dim=1))
        hidden: list[Tensor] = []
        cell: list[Tensor] = []
        for layer in range(self.dims.num_layers):
            layer_input, layer_cell = self._lstm_step(
                layer, layer_input, lstm_hidden[layer], lstm_cell[layer]
            )
            hidden.append(layer_input)
            cell.append(layer_cell)
        next_phase = self.idle.advance(idle_phase, style)
        motion = self._motion(layer_input) + self.idle.motion(waves, style)
        return motion, next_history, torch.stack(hidden), torch.stack(cell), next_phase

    def forward_sequence(
        self,
        pcm: Tensor,
        emotion: Tensor,
        style: Tensor,
        states: tuple[Tensor, Tensor, Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Many frames of many streams at once, for training; agrees with `forward` in a loop.

        Args:
            pcm: (batch, frames * samples_per_frame).
            emotion: (batch, num_emotions), or (batch, frames, num_emotions) when it changes.
            style: (batch, style_size).
            states: as `initial_states` gives them (the default).

        Returns:
            motion (batch, frames, motion_size), not shifted by the look-ahead, and the last states.
        """
        batch, frames = pcm.shape[0], pcm.shape[1] // self.dims.samples_per_frame
        history, hidden, cell, phase = self.initial_states(batch) if states is None else states
        decibels, history = self.mel.sequence(pcm, history)
        if emotion.dim() == 2:
            emotion = emotion[:, None].expand(-1, frames, -1)
        styles = style[:, None].expand(-1, frames, -1)
        steps = torch.arange(frames, device=pcm.device)[:, None]
        waves = self.idle.waves(self.idle.advance(phase[:, None], styles, steps), styles)
        projected = self._project(decibels, torch.cat([emotion, styles, *waves], dim=-1))
        outputs, (hidden, cell) = self.lstm(projected, (hidden, cell))
        motion = self._motion(outputs) + self.idle.motion(waves, styles)
        return motion, (history, hidden, cell, self.idle.advance(phase, style, frames))

    def _project(self, decibels: Tensor, controls: Tensor) -> Tensor:
        normalised = ((decibels - self.mel_mean) / self.mel_std).flatten(-2)
        return F.relu(self.input_projection(torch.cat([normalised, controls], dim=-1)))

    def _motion(self, hidden: Tensor) -> Tensor:
        return self.motion_mean + self.motion_std * self.head(hidden)

    def _lstm_step(
        self, layer: int, value: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step of one layer as two matrix products, which every converter and quantizer knows.

        Gate order and the two biases are torch.nn.LSTM's.
        """
        gates = F.linear(
            value,
            getattr(self.lstm, f"weight_ih_l{layer}"),
            getattr(self.lstm, f"bias_ih_l{layer}"),
        ) + F.linear(
            hidden,
            getattr(self.lstm, f"weight_hh_l{layer}"),
            getattr(self.lstm, f"bias_hh_l{layer}"),
        )
        enter, forget, candidate, leave = gates.chunk(4, dim=1)
        next_cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
        return torch.sigmoid(leave) * torch.tanh(next_cell), next_cell

    def save(self, path: Path, extra: dict[str, str] | None = None, half: bool = False) -> None:
        """Write weights and dims as safetensors; `extra` is free text for the metadata.

        With `half` the weights are stored as float16; constants (normalisation, rates) never are.
        """
        weights = {name for name, _ in self.named_parameters()} if half else set()
        tensors = {
            name: value.half() if name in weights else value
            for name, value in self.state_dict().items()
        }
        save_own(path, KIND, asdict(self.dims), tensors, extra or {})

    @classmethod
    def load(cls, path: Path) -> Audio2Motion:
        """Read what `save` wrote, in float32 and eval mode.

        Raises:
            CheckpointError: the file is absent, broken, of another kind, its dims are not those of
                an Audio2Motion network, or it does not fit them.
        """
        checkpoint = load_own(path, KIND)
        try:
            dims = Audio2MotionDims.from_dict(checkpoint.dims)
        except LpModelError as error:
            raise CheckpointError(
                error.what,
                where=path,
                expected=error.expected,
                got=error.got,
                remedy="make the file again with this version of lp-pack",
            ) from error
        model = cls(dims)
        tensors = {name: value.float() for name, value in checkpoint.tensors.items()}
        replace(checkpoint, tensors=tensors).load_into(model)
        return model.eval()
