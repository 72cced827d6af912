"""The puppet: keypoints in, pictures out."""

from __future__ import annotations

import cv2
import numpy as np

from lp_pack.demo.expression_basis import DIRECTIONS, X, Y, Z
from lp_pack.demo.puppet import eyes, landmarks, mouth, portrait
from lp_pack.demo.puppet.pose import EMPTY, HeadWarp, read_pose
from lp_pack.errors import ConfigError

# Gap between the lips in pixels for a LivePortrait expression unit (a wide "a" is 0.076).
OPENING_GAIN = 600.0
# Lips rest for so small an opening; it absorbs what speech-free templates show.
CLOSED_BELOW = 0.003
# Iris travel in pixels for an expression unit.
GAZE_GAIN = 420.0


class Puppet:
    """A teacher without weights: `frames(keypoints)` draws the demo portrait, moved.

    Deterministic, and the same for a keypoint set in any batch.
    """

    frame_size = landmarks.FRAME_SIZE

    def __init__(self) -> None:
        layers = portrait.layers()
        self._body = layers.body
        self._head = np.dstack([layers.head, layers.head_alpha * 255.0])
        self._mouth = mouth.Mouth(self._head)
        self._eyes = eyes.Eyes(layers.head)
        self._warp = HeadWarp()

    def frames(self, keypoints: np.ndarray) -> np.ndarray:
        """Draw frames.

        Args:
            keypoints: (n, 21, 3) driving keypoints, in the frame's [-1, 1] coordinates.

        Returns:
            (n, 512, 512, 3) RGB.

        Raises:
            ConfigError: The keypoints have another shape or are not finite.
        """
        points = np.asarray(keypoints, dtype=np.float32)
        if points.ndim != 3 or points.shape[1:] != (21, 3) or not np.isfinite(points).all():
            raise ConfigError(
                "the puppet cannot draw these keypoints",
                where="Puppet.frames",
                expected="finite keypoints of shape (n, 21, 3)",
                got=f"shape {points.shape}, finite: {bool(np.isfinite(points).all())}",
                remedy="pass the output of the motion stitcher",
            )
        pose = read_pose(points)
        size = self.frame_size
        frames = np.empty((len(points), size, size, 3), dtype=np.uint8)
        for index, offsets in enumerate(pose.expression):
            head = self._expressive_head(offsets)
            backward = self._warp.backward_map(
                pose.rotation[index], float(pose.scale[index]), pose.position[index]
            )
            frames[index] = self._compose(head, backward)
        return frames

    def _expressive_head(self, offsets: np.ndarray) -> np.ndarray:
        """(512, 512, 4): the unturned head, expression drawn, alpha last."""
        head = self._head.copy()
        head[mouth.TOP : mouth.BOTTOM, mouth.LEFT : mouth.RIGHT] = self._mouth.draw(
            mouth_shape(offsets)
        )
        head[eyes.TOP : eyes.BOTTOM, eyes.LEFT : eyes.RIGHT, :3] = self._eyes.draw(
            eye_shape(offsets)
        )
        return head

    def _compose(self, head: np.ndarray, backward: np.ndarray) -> np.ndarray:
        turned = cv2.remap(head, backward, EMPTY, cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
        alpha = turned[..., 3:] * (1.0 / 255.0)
        blended = self._body + (turned[..., :3] - self._body) * alpha
        return cv2.convertScaleAbs(blended)


def _along(offsets: np.ndarray, name: str, coordinates: tuple[tuple[int, int], ...]) -> float:
    """How far `offsets` go along a control's direction, looking at some of its coordinates."""
    direction = np.array([DIRECTIONS[name][c] for c in coordinates])
    values = np.array([offsets[c] for c in coordinates])
    return float(values @ direction / (direction @ direction))


def mouth_shape(offsets: np.ndarray) -> mouth.MouthShape:
    """The mouth that expression offsets (21, 3) ask for.

    The gap between the lips follows keypoint 19 against 20 (y), which explains the lip opening
    that real templates record (correlation 0.95).
    """
    gap = offsets[19, Y] - offsets[20, Y] + 0.4 * offsets[14, Y]
    beyond = np.sign(gap) * max(abs(gap) - CLOSED_BELOW, 0.0)
    pucker = _along(offsets, "lip_pucker", ((14, Y), (3, Y), (7, Y), (17, Z)))
    wide = _along(offsets, "lip_wide", ((20, Z),))
    smile = _along(offsets, "smile", ((14, Y), (17, Y), (3, Y), (7, Y)))
    smile -= 0.45 * wide
    return mouth.MouthShape(
        opening=float(np.clip(beyond * OPENING_GAIN, -4.0, 60.0)),
        pucker=float(np.clip(pucker, 0.0, 1.3)),
        wide=float(np.clip(wide, -0.5, 1.3)),
        smile=float(np.clip(smile, -0.6, 1.5)),
    )


def eye_shape(offsets: np.ndarray) -> eyes.EyeShape:
    """The eyes and brows that expression offsets (21, 3) ask for."""
    raise_ = _along(offsets, "brow_raise", ((1, Y), (2, Y)))
    frown = _along(offsets, "brow_frown", ((1, X), (2, X)))
    gaze_x = (offsets[11, X] + offsets[15, X]) / 2
    return eyes.EyeShape(
        closed_left=float(offsets[11, Y] / DIRECTIONS["blink_left"][11, Y]),
        closed_right=float(offsets[15, Y] / DIRECTIONS["blink_right"][15, Y]),
        gaze_x=float(np.clip(gaze_x * GAZE_GAIN, -5.0, 5.0)),
        gaze_y=float(np.clip((offsets[13, Y] + offsets[16, Y]) / 2 * GAZE_GAIN, -3.0, 3.0)),
        brow_raise=float(np.clip(raise_ + 0.3 * frown, -0.7, 1.3)),
        brow_frown=float(np.clip(frown, -0.5, 1.3)),
    )
