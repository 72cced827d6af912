"""Head pose: read it out of keypoints, and turn the picture by it.

The five keypoints that expression never moves give the pose exactly (a similarity between two
point sets; Umeyama 1991, "Least-squares estimation of transformation parameters"). What is left
over at the other keypoints is the expression. The picture turns through a depth proxy: a smooth
dome with a nose on it, whose slope stays small enough that the warp never folds within 30 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lp_pack.demo.puppet import landmarks

# The warp is computed on a coarse grid of GRID_SIZE nodes a side that reaches MARGIN pixels over
# the frame's edge, then enlarged.
GRID_SIZE = 80
MARGIN = 64.0
FIXED_POINT_STEPS = 8
# OpenCV's second map, which a map of (x, y) pairs leaves out.
EMPTY = np.empty(0, dtype=np.float32)


@dataclass(frozen=True)
class HeadPose:
    """Pose of n frames relative to the portrait.

    Attributes:
        rotation: (n, 3, 3), multiplies column vectors.
        scale: (n,), 1 as in the portrait.
        position: (n, 2), pixel where the head pivot lies.
        expression: (n, 21, 3), in LivePortrait's expression units.
    """

    rotation: np.ndarray
    scale: np.ndarray
    position: np.ndarray
    expression: np.ndarray


def read_pose(keypoints: np.ndarray) -> HeadPose:
    """Split keypoints (n, 21, 3) into pose and expression."""
    canonical = landmarks.canonical_keypoints().astype(np.float64)
    points = keypoints.astype(np.float64)
    rigid = list(landmarks.RIGID_KEYPOINTS)
    source, target = canonical[rigid], points[:, rigid]
    source_mean, target_mean = source.mean(0), target.mean(1, keepdims=True)
    source_centred, target_centred = source - source_mean, target - target_mean
    covariance = np.einsum("nki,kj->nij", target_centred, source_centred)
    left, singular, right = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(left @ right))
    correction = np.stack([np.ones_like(sign), np.ones_like(sign), sign], axis=1)
    rotation = (left * correction[:, None, :]) @ right
    scale = (singular * correction).sum(1) / (source_centred**2).sum()
    offset = target_mean[:, 0] - scale[:, None] * np.einsum("nij,j->ni", rotation, source_mean)
    turned = np.einsum("nij,kj->nki", rotation, canonical)
    expression = (points - offset[:, None]) / scale[:, None, None] - turned
    half = landmarks.FRAME_SIZE / 2
    return HeadPose(
        rotation=rotation.astype(np.float32),
        scale=(scale / landmarks.SOURCE_SCALE).astype(np.float32),
        position=((offset[:, :2] + 1) * half - 0.5).astype(np.float32),
        expression=expression.astype(np.float32),
    )


class HeadWarp:
    """Backward maps that turn the portrait's head layer."""

    def __init__(self) -> None:
        size = landmarks.FRAME_SIZE
        axis = np.linspace(-MARGIN, size - 1 + MARGIN, GRID_SIZE, dtype=np.float32)
        self._step = float(axis[1] - axis[0])
        grid_x, grid_y = np.meshgrid(axis, axis)
        self._grid = np.stack([grid_x, grid_y], axis=-1)
        pivot_x, pivot_y = landmarks.HEAD_PIVOT
        self._relative = np.stack(
            [grid_x - pivot_x, grid_y - pivot_y, _depth(grid_x, grid_y)], axis=-1
        ).reshape(-1, 3)
        # The neck follows the head less and less down to the collar.
        self._follow = np.clip((470.0 - grid_y) / 75.0, 0.12, 1.0)[..., None]
        corner = MARGIN / self._step
        self._frame_to_grid = np.array(
            [[1 / self._step, 0, corner], [0, 1 / self._step, corner]], dtype=np.float32
        )

    def backward_map(self, rotation: np.ndarray, scale: float, position: np.ndarray) -> np.ndarray:
        """(512, 512, 2): for each frame pixel, the portrait pixel (x, y) that it shows."""
        turned = (self._relative @ rotation[:2].T) * scale + position
        forward = turned.reshape(GRID_SIZE, GRID_SIZE, 2).astype(np.float32) - self._grid
        forward *= self._follow
        # Solve source = target - forward(source), starting from the displacement at the target.
        source = self._grid - forward
        for _ in range(FIXED_POINT_STEPS):
            nodes = ((source + MARGIN) / self._step).astype(np.float32)
            shift = cv2.remap(
                forward, nodes, EMPTY, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            source = 0.25 * source + 0.75 * (self._grid - shift)
        displacement = source - self._grid
        size = landmarks.FRAME_SIZE
        full = cv2.warpAffine(
            displacement,
            self._frame_to_grid,
            (size, size),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        full += _frame_pixels()
        return full


def _frame_pixels() -> np.ndarray:
    axis = np.arange(landmarks.FRAME_SIZE, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def _depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth in pixels, negative towards the camera: a dome with a nose."""
    pivot_x, pivot_y = landmarks.HEAD_PIVOT
    dome = -100.0 * np.exp(-(((x - pivot_x) / 125.0) ** 2 + ((y - pivot_y - 20) / 150.0) ** 2))
    nose_x, nose_y = landmarks.NOSE_TIP
    nose = -16.0 * np.exp(-(((x - nose_x) / 20.0) ** 2 + ((y - nose_y) / 30.0) ** 2))
    return (dome + nose + 12.0).astype(np.float32)
