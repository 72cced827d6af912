"""Keypoints to the few numbers that drive the lite generator.

Keypoints mix pose and expression: a blink moves a keypoint by a fifth of what a small head turn
does. But a pose is affine, so any keypoint is one fixed affine combination of the keypoints that
expression never moves, and the difference is the expression, whatever the pose. That linear map
is a constant of the face and saves the network from learning it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .dims import NUM_KEYPOINTS

# Keypoints whose expression offset is zero (below 2e-4) in LivePortrait's real motion templates.
RIGID_KEYPOINTS = (6, 8, 9, 12, 18)
# Bring displacements (in frame halves) and expression residuals to the order of one.
DISPLACEMENT_GAIN = 4.0
EXPRESSION_GAIN = 30.0
FEATURES = 2 * 3 * NUM_KEYPOINTS


def expression_projection(canonical: Tensor) -> Tensor:
    """(21, 21): multiplied to posed keypoints, what is left of them besides their pose.

    Args:
        canonical: (21, 3) keypoints of the face at rest.
    """
    points = torch.cat([canonical, torch.ones(len(canonical), 1)], dim=1).double()
    rigid = points[list(RIGID_KEYPOINTS)]
    # Least-norm weights; the ridge keeps them small where the five points are nearly in a plane.
    gram = rigid @ rigid.T + 1e-6 * torch.eye(len(rigid), dtype=torch.float64)
    weights = torch.linalg.solve(gram, rigid @ points.T).T
    projection = torch.eye(len(canonical), dtype=torch.float64)
    projection[:, list(RIGID_KEYPOINTS)] -= weights
    return projection.float()


class KeypointFeatures(nn.Module):
    """Keypoints (n, 21, 3) -> features (n, 126): displacement, then expression alone."""

    source_keypoints: Tensor
    projection: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("source_keypoints", torch.zeros(1, NUM_KEYPOINTS, 3))
        self.register_buffer("projection", torch.eye(NUM_KEYPOINTS))

    def set_face(self, canonical: Tensor, source: Tensor) -> None:
        """Take a face's canonical (21, 3) and source (21, 3) keypoints."""
        self.projection.copy_(expression_projection(canonical))
        self.source_keypoints.copy_(source.reshape(1, NUM_KEYPOINTS, 3))

    def forward(self, keypoints: Tensor) -> Tensor:
        displacement = (keypoints - self.source_keypoints) * DISPLACEMENT_GAIN
        expression = torch.matmul(self.projection, keypoints - self.source_keypoints)
        parts = torch.cat([displacement, expression * EXPRESSION_GAIN], dim=1)
        return parts.reshape(-1, FEATURES)


class Coefficients(nn.Module):
    """Features (n, 126) -> coefficients (n, outputs): a linear map plus a small network."""

    def __init__(self, hidden: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(FEATURES, outputs)
        self.network = nn.Sequential(
            nn.Linear(FEATURES, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        mixed: Tensor = self.linear(features) + self.network(features)
        return mixed
