"""Which of the detected faces is the persona's; or an error that says how to choose.

The rule: one face is taken. Of several, the largest is taken, with a notice, if its box is at
least DOMINANCE times as wide as the next one's; otherwise the user must choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lp_pack.errors import PortraitError
from lp_pack.portrait.face_detection import DetectedFace
from lp_pack.portrait.face_geometry import FaceFrame, crop_square

DOMINANCE = 1.5
MOST_LISTED = 8


@dataclass(frozen=True)
class ChosenFace:
    """The face to crop, and what the user should know about the choice."""

    face: DetectedFace
    notices: tuple[str, ...]


def choose_face(faces: list[DetectedFace], where: Path) -> ChosenFace:
    """Choose among `faces` (largest first); PortraitError where there is none or no clear one."""
    if not faces:
        raise PortraitError(
            "no face found",
            where=where,
            expected="one face, seen from the front, with open eyes",
            got="a picture in which the detector sees none",
            remedy="--crop X,Y,SIZE for a square around head and shoulders, "
            "--crop landmarks.json, or --crop none if the picture is that square already",
        )
    if len(faces) == 1:
        return ChosenFace(faces[0], ())
    largest, next_largest = faces[0], faces[1]
    if largest.box.size >= DOMINANCE * next_largest.box.size:
        notice = (
            f"{len(faces)} faces found; the largest was taken "
            f"({largest.box.size:.0f} pixels wide, the next {next_largest.box.size:.0f})"
        )
        return ChosenFace(largest, (notice,))
    raise PortraitError(
        "several faces found, and none is clearly the largest",
        where=where,
        expected=f"one face, or one at least {DOMINANCE:g} times as wide as the others",
        got=f"{len(faces)} faces{described(faces)}",
        remedy="choose one with the --crop value beside it",
    )


def described(faces: list[DetectedFace]) -> str:
    """One line for each face: its box and the crop that chooses it."""
    lines = []
    for face in faces[:MOST_LISTED]:
        box = face.box
        lines.append(
            f"\n            face at x {box.x:.0f}, y {box.y:.0f}, {box.size:.0f} pixels wide:"
            f"  --crop {crop_value(face)}"
        )
    if len(faces) > MOST_LISTED:
        lines.append(f"\n            and {len(faces) - MOST_LISTED} smaller ones")
    return "".join(lines)


def crop_value(face: DetectedFace) -> str:
    """The X,Y,SIZE that frames `face` without turning it."""
    square = crop_square(FaceFrame.from_detection(face))
    left, top = (centre - (square.side - 1) / 2 for centre in square.centre)
    return f"{round(left)},{round(top)},{round(square.side)}"
