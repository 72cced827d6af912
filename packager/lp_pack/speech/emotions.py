"""Eight emotions as shifts of the face controls.

The directions follow the prototypes of the Facial Action Coding System (Ekman and Friesen, EMFACS):
happy AU6+12; sad AU1+4+15; surprised AU1+2+5+26; fear AU1+2+4+5+20; angry AU4+5+7+23; disgusted
AU9+15; contented a light AU12. The basis has no control for AU9 or AU20: a frown with narrowed lids
and wide lips stand for them. Magnitudes are ours, at intensity 1, mild enough to talk through.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

EMOTIONS = ("angry", "contented", "disgusted", "fear", "happy", "neutral", "sad", "surprised")


@dataclass(frozen=True)
class EmotionShift:
    """What full intensity adds to the controls, and to the head in degrees."""

    jaw_open: float = 0.0
    lip_press: float = 0.0
    lip_wide: float = 0.0
    lip_pucker: float = 0.0
    smile: float = 0.0
    # Both lids; negative opens the eyes wider.
    blink: float = 0.0
    brow_raise: float = 0.0
    brow_frown: float = 0.0
    # Degrees; positive pitch looks down (LivePortrait's sign), roll tilts.
    pitch: float = 0.0
    roll: float = 0.0


SHIFTS: dict[str, EmotionShift] = {
    "angry": EmotionShift(lip_press=0.20, blink=0.10, brow_raise=-0.30, brow_frown=0.90, pitch=2.0),
    "contented": EmotionShift(smile=0.40, blink=0.10, roll=1.5),
    "disgusted": EmotionShift(
        lip_pucker=0.15, smile=-0.35, blink=0.30, brow_frown=0.60, pitch=-2.0
    ),
    "fear": EmotionShift(
        jaw_open=0.06, lip_wide=0.35, blink=-0.35, brow_raise=0.70, brow_frown=0.35
    ),
    "happy": EmotionShift(lip_wide=0.15, smile=0.95, blink=0.15, brow_raise=0.20, pitch=-1.0),
    "neutral": EmotionShift(),
    "sad": EmotionShift(smile=-0.60, blink=0.25, brow_raise=0.25, brow_frown=0.40, pitch=4.0),
    "surprised": EmotionShift(jaw_open=0.12, blink=-0.40, brow_raise=1.00, pitch=-1.5),
}
SHIFT_NAMES = tuple(field.name for field in fields(EmotionShift))


def shift_matrix() -> NDArray[np.float32]:
    """(8, number of shifts) in the order of `EMOTIONS` and `SHIFT_NAMES`."""
    rows = [[getattr(SHIFTS[name], shift) for shift in SHIFT_NAMES] for name in EMOTIONS]
    return np.array(rows, dtype=np.float32)
