"""The lite generator: one persona, one camera, a two-hundredth of LivePortrait's work.

A frame is the persona's own pictures, moved: a head layer (premultiplied colours and coverage)
over a body layer, both constants. Keypoints give the coefficients of a few displacement fields on
a coarse grid, which turn the head; lips and eyes change inside small windows of the head layer
before it turns; a light refiner adds the rest. All motion is found at low resolution; only the
sampling of the head layer runs at the frame's.

Operators: convolution, matmul, elementwise, sigmoid, reshape, transpose, concat, slice, pixel
shuffle and row gather; rank 4 at most, static shapes. docs/decisions/0040-lite-generator.md has
the reasons and the figures.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .baking import SourceFace
from .bilinear_sampling import hat_matrix, sample_map, sample_rows
from .lite_dims import LiteGeneratorDims
from .lite_motion import Coefficients, KeypointFeatures
from .lite_refiner import LiteRefiner
from .lite_window import TEXTURE_CHANNELS, LiteWindow
from .own_checkpoint import load_own, save_own

KIND = "lite_generator"
# The network's unit of displacement on the coarse grid, in pixels.
FLOW_UNIT = 16.0
# Tensors of more numbers than this are worth storing as float16.
LARGE = 4096
EXAMPLE_SEED = 0
EXAMPLE_DISPLACEMENT = 0.02  # in the [-1, 1] frame


class LiteGenerator(nn.Module):
    """Keypoints (1, 21, 3) -> frame (1, 3, frame_size, frame_size), RGB in [0, 1]."""

    input_names = ("keypoints",)
    output_names = ("frame",)

    nodes: Tensor
    upsample: Tensor

    def __init__(self, dims: LiteGeneratorDims) -> None:
        """An untrained generator of a grey picture; see `lp_pack.distillation`.

        Raises:
            LpModelError: The dims do not fit together.
        """
        super().__init__()
        dims.validate()
        self.dims = dims
        size, grid = dims.frame_size, dims.flow_grid
        self.features = KeypointFeatures()
        self.flow_coefficients = Coefficients(dims.hidden, dims.flow_bases)
        self.flow_bases = nn.Parameter(torch.zeros(dims.flow_bases, 2 * grid * grid))
        self.head = nn.Parameter(torch.full((size, size, TEXTURE_CHANNELS), 0.5))
        self.body = nn.Parameter(torch.full((1, 3, size, size), 0.5))
        self.windows = nn.ModuleList(LiteWindow(dims, window) for window in sorted(dims.windows))
        self.refiner = LiteRefiner(dims) if dims.refiner_channels else None
        axis = torch.linspace(0, size - 1, grid)
        nodes = torch.stack([axis.expand(grid, grid), axis[:, None].expand(grid, grid)])
        self.register_buffer("nodes", nodes[None].contiguous(), persistent=False)
        self.register_buffer("upsample", self._upsampling(size), persistent=False)

    def set_face(self, face: SourceFace) -> None:
        """Take the keypoints of the persona's face as constants."""
        self.features.set_face(face.canonical_keypoints[0], face.keypoints[0])

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Keypoints (1, 21, 3) near the source's; the same on every call."""
        random = torch.Generator().manual_seed(EXAMPLE_SEED)
        moved = torch.randn(self.features.source_keypoints.shape, generator=random)
        return (self.features.source_keypoints + EXAMPLE_DISPLACEMENT * moved,)

    def forward(self, keypoints: Tensor) -> Tensor:
        """The exported path: one frame, sampled by row gathers."""
        features = self.features(keypoints)
        nodes = self._flow_nodes(features)
        size = self.dims.frame_size
        top, left, height, width = self.dims.moving_box
        coordinates = torch.matmul(
            torch.matmul(self.upsample[top : top + height], nodes),
            self.upsample[left : left + width].T,
        )
        planes = sample_rows(self._head_table(features), coordinates, size, size)
        warped = planes.reshape(1, TEXTURE_CHANNELS, height, width)
        body = self.body[:, :, top : top + height, left : left + width]
        frame = warped[:, :3] + body - warped[:, 3:] * body
        if (height, width) != (size, size):
            band = self.body[:, :, top : top + height]
            frame = torch.cat([band[..., :left], frame, band[..., left + width :]], dim=3)
            frame = torch.cat([self.body[:, :, :top], frame, self.body[:, :, top + height :]], 2)
        if self.refiner is not None:
            frame = frame + self._refinement(features, nodes, use_rows=True)
        return frame.clamp(0, 1)

    def render(
        self,
        keypoints: Tensor,
        size: int | None = None,
        details: bool = True,
        crop: tuple[int, int, int] | None = None,
    ) -> Tensor:
        """The training path: the same frames for a batch, differentiable, at any resolution.

        Args:
            keypoints: (n, 21, 3)
            size: side of the frames, frame_size divided by a whole number; frame_size if None.
            details: draw windows and refine; without, only the head turns (much cheaper at low
                resolution, for the first part of training).
            crop: (top, left, side) of the square to draw, in pixels of the result; all if None.

        Returns:
            (n, 3, size, size) or (n, 3, side, side), not limited to [0, 1].
        """
        full = self.dims.frame_size
        size = size or full
        factor = full // size
        features = self.features(keypoints)
        nodes = self._flow_nodes(features)
        upsample = self._upsampling(size).to(nodes.device)
        top, left, side = crop or (0, 0, size)
        rows, columns = slice(top, top + side), slice(left, left + side)
        coordinates = torch.matmul(torch.matmul(upsample[rows], nodes), upsample[columns].T)
        head: Tensor = self.head.permute(2, 0, 1)[None]
        body: Tensor = self.body
        if factor > 1:
            head, body = F.avg_pool2d(head, factor), F.avg_pool2d(body, factor)
        if details:
            head = self._draw_windows(head, features, factor)
        warped = sample_map(head, coordinates, full, full)
        warped = warped * self._moving_mask(factor)[..., rows, columns]
        body = body[..., rows, columns]
        frame = warped[:, :3] + body - warped[:, 3:] * body
        if details and self.refiner is not None:
            residual = self._refinement(features, nodes, use_rows=False)
            residual = F.avg_pool2d(residual, factor) if factor > 1 else residual
            frame = frame + residual[..., rows, columns]
        return frame

    def save(self, path: Path, extra: dict[str, str] | None = None, half: bool = False) -> None:
        """Write weights, constants and dims; `half` stores what is large as float16."""
        state = {
            name: value.half() if half and value.numel() > LARGE else value
            for name, value in self.state_dict().items()
        }
        save_own(path, KIND, self.dims.to_dict(), state, extra)

    @torch.no_grad()
    def round_to_half(self) -> None:
        """Make what is large exactly what a file written with `half` holds."""
        for value in self.state_dict().values():
            if value.numel() > LARGE:
                value.copy_(value.half())

    @classmethod
    def load(cls, path: Path) -> LiteGenerator:
        """Read what `save` wrote, in inference mode.

        Raises:
            LpModelError: The file is not one, or its tensors do not fit its dims.
        """
        checkpoint = load_own(path, KIND)
        generator = cls(LiteGeneratorDims.from_dict(checkpoint.dims))
        for name, value in checkpoint.tensors.items():
            checkpoint.tensors[name] = value.float()
        checkpoint.load_into(generator)
        return generator.eval()

    def _flow_nodes(self, features: Tensor) -> Tensor:
        """(n, 2, grid, grid): source pixel (x, y) that each node of the coarse grid shows."""
        grid = self.dims.flow_grid
        flow = torch.matmul(self.flow_coefficients(features), self.flow_bases)
        return self.nodes + flow.reshape(-1, 2, grid, grid) * FLOW_UNIT

    def _upsampling(self, size: int) -> Tensor:
        """(size, flow_grid): from nodes to the pixel centres of a frame of `size`."""
        full, grid = self.dims.frame_size, self.dims.flow_grid
        pixels = (torch.arange(size, dtype=torch.float32) + 0.5) * (full / size) - 0.5
        return hat_matrix(pixels * ((grid - 1) / (full - 1)), grid)

    def _moving_mask(self, factor: int) -> Tensor:
        """(1, 1, size, size): 1 inside the moving box."""
        top, left, height, width = self.dims.moving_box
        full = self.dims.frame_size
        mask = self.body.new_zeros(1, 1, full, full)
        mask[:, :, top : top + height, left : left + width] = 1
        return F.avg_pool2d(mask, factor) if factor > 1 else mask

    def _draw_windows(self, head: Tensor, features: Tensor, factor: int) -> Tensor:
        """The head layer (n, 4, size, size) with its windows drawn, `factor` times smaller."""
        full = self.dims.frame_size
        source = self.head.permute(2, 0, 1)[None]
        drawn = head.expand(len(features), -1, -1, -1).clone()
        for window in self.windows:
            assert isinstance(window, LiteWindow)
            coordinates, residual = window(features)
            patch = sample_map(source, coordinates, full, full) + residual
            if factor > 1:
                patch = F.avg_pool2d(patch, factor)
            top, left = window.top // factor, window.left // factor
            drawn[:, :, top : top + patch.shape[2], left : left + patch.shape[3]] = patch
        return drawn

    def _head_table(self, features: Tensor) -> Tensor:
        """(frame_size ** 2, 4): the head layer of one frame with its windows, pixel by pixel."""
        size = self.dims.frame_size
        table = self.head.reshape(size * size, TEXTURE_CHANNELS)
        bands, row = [], 0
        for window in self.windows:
            assert isinstance(window, LiteWindow)
            coordinates, residual = window(features)
            moved = sample_rows(table, coordinates, size, size)
            moved = moved.reshape(TEXTURE_CHANNELS, window.height, window.width)
            drawn = (moved + residual[0]).permute(1, 2, 0)
            bottom, right = window.top + window.height, window.left + window.width
            band = self.head[window.top : bottom]
            bands += [
                self.head[row : window.top],
                torch.cat([band[:, : window.left], drawn, band[:, right:]], dim=1),
            ]
            row = bottom
        bands.append(self.head[row:])
        return torch.cat(bands, dim=0).reshape(size * size, TEXTURE_CHANNELS)

    def _refinement(self, features: Tensor, nodes: Tensor, use_rows: bool) -> Tensor:
        assert self.refiner is not None
        ratio = self.dims.refiner_size / self.dims.frame_size
        upsample = self._upsampling(self.dims.refiner_size).to(nodes.device)
        coordinates = torch.matmul(torch.matmul(upsample, nodes), upsample.T)
        coordinates = (coordinates + 0.5) * ratio - 0.5
        residual: Tensor = self.refiner(features, coordinates, use_rows)
        return residual
