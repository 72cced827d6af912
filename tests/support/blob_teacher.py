"""A teacher of a dozen lines: a head, two eyes and a mouth that opens, as soft discs."""

from __future__ import annotations

import numpy as np
import torch

from lp_models.baking import SourceFace
from lp_models.motion import HeadMotion

FRAME_SIZE = 64
# (x, y, z) of the keypoints at rest: on a face, so that every index means what it should.
PLACES = {
    0: (0.0, -0.4, -0.1), 1: (-0.15, -0.2, -0.2), 2: (0.15, -0.2, -0.2), 3: (-0.2, 0.15, -0.2),
    4: (-0.25, 0.3, 0.0), 5: (0.0, 0.45, -0.1), 6: (-0.13, 0.2, -0.2), 7: (0.2, 0.15, -0.2),
    8: (-0.4, -0.1, 0.1), 9: (0.4, -0.1, 0.1), 10: (0.0, 0.05, -0.3), 11: (-0.15, -0.1, -0.2),
    12: (0.13, 0.2, -0.2), 13: (-0.15, -0.06, -0.2), 14: (0.0, 0.16, -0.25),
    15: (0.15, -0.1, -0.2), 16: (0.15, -0.06, -0.2), 17: (0.0, 0.3, -0.2), 18: (0.0, -0.1, -0.25),
    19: (0.0, 0.25, -0.25), 20: (0.0, 0.2, -0.25),
}  # fmt: skip


def blob_face() -> SourceFace:
    canonical = torch.tensor([PLACES[index] for index in range(21)])[None]
    zero = torch.zeros(1, 1)
    motion = HeadMotion(
        torch.zeros(1, 21, 3), torch.full((1, 1), 1.2), torch.zeros(1, 3), zero, zero, zero
    )
    return SourceFace(canonical, motion)


class BlobTeacher:
    """Counts the frames that it drew."""

    frame_size = FRAME_SIZE

    def __init__(self) -> None:
        self.drawn = 0

    def frames(self, keypoints: np.ndarray) -> np.ndarray:
        self.drawn += len(keypoints)
        axis = (np.arange(FRAME_SIZE) + 0.5) * 2 / FRAME_SIZE - 1
        pictures = np.empty((len(keypoints), FRAME_SIZE, FRAME_SIZE, 3), dtype=np.uint8)
        for picture, points in zip(pictures, keypoints, strict=True):
            canvas = np.full((FRAME_SIZE, FRAME_SIZE, 3), (20.0, 160.0, 60.0))
            opening = max(0.03, float(points[19, 1] - points[20, 1]))
            discs = (
                (points[18, :2], 0.6, 0.7, (210, 170, 140)),
                (points[11, :2], 0.1, 0.08, (40, 30, 30)),
                (points[15, :2], 0.1, 0.08, (40, 30, 30)),
                ((points[19, :2] + points[20, :2]) / 2, 0.2, opening, (120, 30, 40)),
            )
            for (x, y), width, height, colour in discs:
                distance = ((axis - x) / width) ** 2 + ((axis[:, None] - y) / height) ** 2
                cover = np.clip((1.1 - distance) / 0.2, 0, 1)[..., None]
                canvas += (np.array(colour) - canvas) * cover
            picture[:] = canvas.round()
        return pictures
