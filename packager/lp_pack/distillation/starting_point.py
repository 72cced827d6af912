"""A student to start from: the teacher's own picture, and motion that roughly fits.

Training from grey would spend most of its time on what can be read off: the head layer starts as
the teacher's frame of the source, the body as the median of what it shows, and the displacement
fields start with the affine movement of the keypoints, fitted by least squares.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lp_models.baking import SourceFace
from lp_models.lite_generator import FLOW_UNIT, LiteGenerator
from lp_pack.distillation.frame_cache import FrameCache
from lp_pack.distillation.teacher import Teacher, checked_frames

AFFINE_BASES = 6
POLYNOMIAL_BASES = 12
MEDIAN_FRAMES = 48
RIDGE = 1e-2


@torch.no_grad()
def initialise(
    student: LiteGenerator, face: SourceFace, teacher: Teacher, cache: FrameCache
) -> None:
    """Prepare an untrained student in place."""
    student.set_face(face)
    source = face.keypoints.numpy().astype(np.float32)
    picture = checked_frames(teacher, source)[0].astype(np.float32) / 255
    coverage = _coverage(source[0], teacher.frame_size)[..., None]
    student.head.copy_(torch.from_numpy(np.dstack([picture * coverage, coverage])))
    student.body.copy_(torch.from_numpy(_median_picture(cache)).permute(2, 0, 1)[None])
    student.flow_bases.copy_(_bases(student))
    _fit_affine_motion(student, cache.keypoints, source)


def _coverage(keypoints: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(size, size): nearly 1 on an ellipse around the keypoints, falling to 0 outside."""
    centre = (keypoints[:, :2].max(axis=0) + keypoints[:, :2].min(axis=0)) / 2
    reach = (keypoints[:, :2].max(axis=0) - keypoints[:, :2].min(axis=0)) / 2 * 1.35
    axis = (np.arange(size) + 0.5) * (2 / size) - 1
    x, y = (axis - centre[0]) / reach[0], (axis - centre[1]) / reach[1]
    distance = np.sqrt(x[None] ** 2 + y[:, None] ** 2)
    return np.clip((1.25 - distance) / 0.25, 0.0, 1.0).astype(np.float32)


def _median_picture(cache: FrameCache) -> NDArray[np.float32]:
    step = max(1, len(cache.frames) // MEDIAN_FRAMES)
    return np.median(cache.frames[::step][:MEDIAN_FRAMES], axis=0).astype(np.float32) / 255


def _bases(student: LiteGenerator) -> Tensor:
    """Displacement fields: 1, x, y, x^2, xy, y^2 for each direction, then smooth random ones."""
    dims = student.dims
    axis = torch.linspace(-1, 1, dims.flow_grid)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    zero = torch.zeros_like(x)
    fields = []
    for term in (torch.ones_like(x), x, y, x * x, x * y, y * y):
        fields += [torch.stack([term, zero]), torch.stack([zero, term])]
    random = torch.Generator().manual_seed(0)
    waves = 5
    steps = torch.arange(waves, dtype=torch.float32)
    table = torch.cos(torch.pi * steps[:, None] * (axis + 1) / 2)
    damping = 1 / (1 + steps[:, None] + steps)
    while len(fields) < dims.flow_bases:
        mix = torch.randn(2, waves, waves, generator=random) * damping
        fields.append(torch.einsum("cij,ih,jw->chw", mix, table, table) * 0.5)
    return torch.stack(fields).reshape(dims.flow_bases, -1)


def _fit_affine_motion(
    student: LiteGenerator, keypoints: NDArray[np.float32], source: NDArray[np.float32]
) -> None:
    """Set the linear part of the flow so that driving keypoints land on the source's."""
    half = student.dims.frame_size / 2
    # For each frame: source = A (1, x, y) at the driving keypoints, by least squares.
    ones = np.ones((*keypoints.shape[:2], 1))
    places = np.concatenate([ones, keypoints[..., :2]], axis=2).astype(np.float64)
    moved = (source[..., :2] - keypoints[..., :2]).astype(np.float64) * (half / FLOW_UNIT)
    gram = places.transpose(0, 2, 1) @ places + RIDGE * np.eye(3)
    affine = np.linalg.solve(gram, places.transpose(0, 2, 1) @ moved).reshape(-1, AFFINE_BASES)
    features = student.features(torch.from_numpy(keypoints)).numpy().astype(np.float64)
    gram = features.T @ features + RIDGE * len(features) * 1e-2 * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, features.T @ affine).T
    linear = student.flow_coefficients.linear
    linear.weight.zero_()
    linear.bias.zero_()
    linear.weight[:AFFINE_BASES] = torch.from_numpy(weights.astype(np.float32))
    student.flow_coefficients.network[-1].weight.mul_(0.05)  # type: ignore[operator]
    student.flow_coefficients.network[-1].bias.zero_()  # type: ignore[operator]
