"""Semantic face controls as LivePortrait expression offsets, index by index.

LivePortrait's 21 implicit keypoints are learned, but what each of them does is known from two
sources: the directions of its published retargeting sliders (KwaiVGI/LivePortrait, gradio demo:
"aaa", "woo", "eee", smile, wink, eyebrow, eyeball), and real motion templates that carry eye and
lip openings per frame. The directions below follow the sliders; the magnitudes follow real
templates, so that a control of 1 is what a person does, not what a slider can reach: a wide "a"
lowers keypoint 19 by about 0.07, a closed eye lowers keypoint 11 (image left) or 15 (image right)
by about 0.014 against the open one. Keypoints 6, 8, 9, 12 and 18 do not move in real templates.
y points down, left and right are those of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lp_pack.errors import ConfigError

NUM_KEYPOINTS = 21
X, Y, Z = 0, 1, 2

# One control at 1: {(keypoint, axis): offset in LivePortrait's expression units}.
Direction = MappingProxyType[tuple[int, int], float]
DIRECTIONS: MappingProxyType[str, Direction] = MappingProxyType(
    {
        name: MappingProxyType(direction)
        for name, direction in {
            # Slider "aaa": lower lip and jaw go down, the upper lip rises a little.
            "jaw_open": {(19, Y): 0.070, (19, Z): 0.007, (17, Y): -0.007, (20, Y): -0.004},
            # Templates, speech: lips pressed together lift the lower and lower the upper lip.
            "lip_press": {(19, Y): -0.018, (20, Y): 0.004, (17, Y): 0.002},
            # Slider "woo" at its published maximum.
            "lip_pucker": {(14, Y): 0.015, (3, Y): -0.0075, (7, Y): -0.0075, (17, Z): -0.0075},
            # Slider "eee" at its published maximum.
            "lip_wide": {(20, Z): -0.015, (20, Y): -0.015, (14, Y): -0.015},
            # Slider "smile" at 1.
            "smile": {
                (20, Y): -0.010,
                (14, Y): -0.020,
                (17, Y): 0.0065,
                (17, Z): 0.003,
                (13, Y): -0.00275,
                (16, Y): -0.00275,
                (3, Y): -0.0035,
                (7, Y): -0.0035,
            },
            # Slider "wink", scaled to the eyelid travel seen in templates.
            "blink_left": {(11, Y): 0.014, (13, Y): -0.004},
            "blink_right": {(15, Y): 0.014, (16, Y): -0.004},
            # Slider "eyebrow" at +15 and at -15.
            "brow_raise": {(1, Y): 0.015, (2, Y): -0.015},
            "brow_frown": {(1, X): 0.015, (2, X): -0.015, (1, Y): -0.0045, (2, Y): 0.0045},
            # Slider "eyeball direction" at 12: image right and up.
            "gaze_x": {(11, X): 0.010, (15, X): 0.010},
            "gaze_y": {(11, Y): -0.006, (15, Y): -0.006, (13, Y): -0.0018, (16, Y): -0.0018},
        }.items()
    }
)

Control = NDArray[np.float32] | NDArray[np.float64] | float


@dataclass(frozen=True)
class ExpressionControls:
    """Face controls over time: each an array (n,) or one number for all frames.

    0 is the neutral, closed-mouth, open-eyed face and 1 a full movement; values in between mix,
    negative ones and values above 1 exaggerate and are legal. `gaze_x` and `gaze_y` run over
    -1..1 (image right and up are positive).
    """

    jaw_open: Control = 0.0
    lip_press: Control = 0.0
    lip_pucker: Control = 0.0
    lip_wide: Control = 0.0
    smile: Control = 0.0
    blink_left: Control = 0.0
    blink_right: Control = 0.0
    brow_raise: Control = 0.0
    brow_frown: Control = 0.0
    gaze_x: Control = 0.0
    gaze_y: Control = 0.0

    def matrix(self) -> NDArray[np.float32]:
        """(n, number of controls) in the order of `CONTROL_NAMES`; n is 1 if all are numbers.

        Raises:
            ConfigError: A control is not finite, not 1-D, or differs in length from another.
        """
        columns = {
            name: np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float32))
            for name in CONTROL_NAMES
        }
        length = max(len(column) for column in columns.values())
        for name, column in columns.items():
            if column.ndim != 1 or len(column) not in (1, length) or not np.isfinite(column).all():
                raise ConfigError(
                    "an expression control cannot be used",
                    where=f"ExpressionControls.{name}",
                    expected=f"a finite number or {length} finite numbers",
                    got=f"shape {column.shape}, finite: {bool(np.isfinite(column).all())}",
                    remedy="give every control one value per frame",
                )
        return np.stack([np.broadcast_to(columns[name], length) for name in CONTROL_NAMES], axis=1)


CONTROL_NAMES: tuple[str, ...] = tuple(field.name for field in fields(ExpressionControls))


def basis() -> NDArray[np.float32]:
    """(number of controls, 21, 3): the expression offset of each control at 1."""
    offsets = np.zeros((len(CONTROL_NAMES), NUM_KEYPOINTS, 3), dtype=np.float32)
    for row, name in enumerate(CONTROL_NAMES):
        for (keypoint, axis), value in DIRECTIONS[name].items():
            offsets[row, keypoint, axis] = value
    return offsets


def expression(controls: ExpressionControls) -> NDArray[np.float32]:
    """Expression offsets (n, 21, 3), to be added to a face's neutral `exp`."""
    return np.einsum("nc,ckd->nkd", controls.matrix(), basis()).astype(np.float32)
