"""Follow one face through a recording, and frame it by a square that moves smoothly.

A detector looks at every tenth frame, close to where the face was; between, and over short gaps,
the square is interpolated, then smoothed in time, so that the crop itself adds no motion. The
square stays upright: the head's roll belongs to the labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lp_pack.dataset.picture_stream import GridPicture
from lp_pack.errors import DatasetError
from lp_pack.portrait.face_detection import (
    Box,
    DetectedFace,
    by_size,
    detect_faces,
    in_portrait,
    is_convincing,
    search_turned,
)
from lp_pack.portrait.face_geometry import CropSquare, FaceFrame, crop_square
from lp_pack.portrait.face_selection import DOMINANCE

KEY_INTERVAL = 10  # frames between looks, 0.4 s
WIDE_LOOKS = 5  # every fifth look searches the whole picture, for other faces
TRACKED_FACE_PIXELS, WIDE_SIDE = 96, 480
TURNS = (0, 20, -20)
REGION_MARGIN = 0.7  # of the face's box, around it
SAME_FACE = 0.2  # overlap of boxes between looks
SMOOTHING_SECONDS = 0.4
LONGEST_GAP_SECONDS = 1.0
LONGEST_FREEZE_SECONDS = 0.25
SMALLEST_VALID_SHARE = 0.25


@dataclass(frozen=True)
class FaceTrack:
    """Where the face is in every frame.

    centres: (frames, 2) and sides: (frames,) of the crop square in picture pixels.
    valid: (frames,) False where no face was seen for long, or the picture froze or is damaged.
    """

    centres: NDArray[np.float64]
    sides: NDArray[np.float64]
    valid: NDArray[np.bool_]
    notices: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sides)

    def square(self, frame: int) -> CropSquare:
        """The crop square of a frame."""
        x, y = self.centres[frame]
        return CropSquare((float(x), float(y)), float(self.sides[frame]))


@dataclass(frozen=True)
class _Look:
    """What one look found: the followed face's square, or nothing."""

    frame: int
    square: CropSquare | None


def track_face(
    clip: str, pictures: Iterable[GridPicture], frame_rate: float, largest: bool = False
) -> FaceTrack:
    """Follow the face of a recording; `largest` settles which one where several are alike.

    Raises:
        DatasetError: there is no face, or two alike; names clip and frame.
    """
    follower = _Follower(clip, largest)
    looks: list[_Look] = []
    frozen: list[bool] = []
    damaged: list[bool] = []
    for picture in pictures:
        while len(frozen) < picture.index:  # before the first picture
            frozen.append(True)
            damaged.append(False)
        frozen.append(picture.age > LONGEST_FREEZE_SECONDS)
        damaged.append(picture.damaged)
        if picture.index % KEY_INTERVAL == 0 and not picture.damaged:
            looks.append(_Look(picture.index, follower.look(picture.index, picture.load())))
    seen = [look for look in looks if look.square is not None]
    if not looks and any(damaged):
        raise DatasetError(
            "the recording's pictures are damaged",
            where=f"clip {clip}, frame {damaged.index(True)}",
            expected="pictures that the decoder reads without errors",
            got=f"{sum(damaged)} damaged of {len(damaged)}",
            remedy="copy the file again",
        )
    if not seen:
        raise DatasetError(
            "no face in the recording",
            where=f"clip {clip}, frames 0 to {len(frozen) - 1}",
            expected="one face, seen from the front",
            got=f"none in {len(looks)} frames looked at",
            remedy="check that the video plays, is upright and shows the face larger",
        )
    notices = list(follower.notices)
    valid = ~np.array(frozen, dtype=np.bool_) & ~np.array(damaged, dtype=np.bool_)
    notices += _left_out(clip, frozen, "the picture stands still")
    notices += _left_out(clip, damaged, "the picture is damaged")
    notices += _mark_gaps(clip, looks, valid, frame_rate)
    if valid.mean() < SMALLEST_VALID_SHARE:
        raise DatasetError(
            "too little of the recording shows a face",
            where=f"clip {clip}, first missing in frame {int(np.argmin(valid))}",
            expected=f"{SMALLEST_VALID_SHARE:.0%} of the frames",
            got=f"{valid.mean():.0%}",
            remedy="cut the recording to where the person is seen",
        )
    return _smoothed(seen, valid, frame_rate, tuple(notices))


class _Follower:
    """Finds the face that was chosen first again and again."""

    def __init__(self, clip: str, largest: bool) -> None:
        self._clip = clip
        self._largest = largest
        self._face: DetectedFace | None = None
        self._looks = 0
        self.notices: list[str] = []
        self._others = False

    def look(self, frame: int, rgb: NDArray[np.uint8]) -> CropSquare | None:
        """The followed face in this frame; None where it is not seen."""
        wide = self._face is None or self._looks % WIDE_LOOKS == 0
        self._looks += 1
        faces = []
        if self._face is None:
            faces = detect_faces(rgb) if self._looks == 1 else _wide_search(rgb)
            if faces:
                self._face = self._choose(frame, faces)
        else:
            if wide:
                faces = _wide_search(rgb)
            found = self._again(rgb, faces)
            if found is None:
                return None
            self._face = found
        if self._face is None:
            return None
        if len(faces) > 1 and not self._others:
            self._others = True
            self.notices.append(
                f"clip {self._clip}, frame {frame}: {len(faces)} faces; the one at "
                f"{self._face.box.centre[0]:.0f},{self._face.box.centre[1]:.0f} is followed"
            )
        return crop_square(replace(FaceFrame.from_detection(self._face), roll=0.0))

    def _choose(self, frame: int, faces: list[DetectedFace]) -> DetectedFace:
        clear = len(faces) == 1 or faces[0].box.size >= DOMINANCE * faces[1].box.size
        if not clear and not self._largest:
            places = ", ".join(
                f"{face.box.size:.0f} pixels at {face.box.centre[0]:.0f},{face.box.centre[1]:.0f}"
                for face in faces[:4]
            )
            raise DatasetError(
                "two faces, and neither is clearly the larger one",
                where=f"clip {self._clip}, frame {frame}",
                expected=f"one face, or one {DOMINANCE:g} times as wide as the next",
                got=places,
                remedy="crop the video to one person, or pass --largest-face",
            )
        return faces[0]

    def _again(self, rgb: NDArray[np.uint8], faces: list[DetectedFace]) -> DetectedFace | None:
        """The detection that continues the followed face; looks close by if there is none yet."""
        assert self._face is not None
        last = self._face.box
        for candidates in (faces, _near_search(rgb, last)):
            overlapping = [face for face in candidates if face.box.overlap(last) > SAME_FACE]
            if overlapping:
                return max(overlapping, key=lambda face: face.box.overlap(last))
        # It may have moved far while it was not seen; only a lone face can be it.
        lone = faces or _wide_search(rgb)
        return lone[0] if len(lone) == 1 else None


def _wide_search(rgb: NDArray[np.uint8]) -> list[DetectedFace]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, WIDE_SIDE / max(grey.shape))
    return by_size([face for face in search_turned(grey, scale, 0) if is_convincing(face)])


def _near_search(rgb: NDArray[np.uint8], box: Box) -> list[DetectedFace]:
    """Search around a box only, also for a tilted face."""
    height, width = rgb.shape[:2]
    margin = REGION_MARGIN * box.size
    left, top = max(0, int(box.x - margin)), max(0, int(box.y - margin))
    right = min(width, int(box.x + box.size + margin))
    bottom = min(height, int(box.y + box.size + margin))
    if right - left < 16 or bottom - top < 16:
        return []
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    for turn in TURNS:
        found = search_turned(grey, TRACKED_FACE_PIXELS / box.size, turn)
        faces = [in_portrait(face, shift, 1.0, 0.0) for face in found if is_convincing(face)]
        if faces:
            return faces
    return []


def _left_out(clip: str, flags: list[bool], what: str) -> list[str]:
    return [
        f"clip {clip}, frames {first} to {last - 1}: {what}; these frames are left out"
        for first, last in runs(np.array(flags, dtype=np.bool_))
    ]


def _mark_gaps(
    clip: str, looks: list[_Look], valid: NDArray[np.bool_], frame_rate: float
) -> list[str]:
    """Mark frames of long gaps as not valid; returns a notice for every gap."""
    notices = []
    missing = np.array([look.square is None for look in looks])
    for first, last in runs(missing):
        start = looks[first].frame
        stop = looks[last].frame if last < len(looks) else len(valid)
        before = start - KEY_INTERVAL + 1 if first else 0
        where = f"clip {clip}, frames {start} to {stop - 1}: no face"
        inside = first > 0 and last < len(looks)
        if inside and (stop - start) / frame_rate <= LONGEST_GAP_SECONDS:
            notices.append(f"{where}; its place is interpolated")
        else:
            valid[before:stop] = False
            notices.append(f"{where}; these frames are left out")
    return notices


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Spans [first, last) in which `flags` (n,) are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _smoothed(
    seen: list[_Look], valid: NDArray[np.bool_], frame_rate: float, notices: tuple[str, ...]
) -> FaceTrack:
    at = [look.frame for look in seen]
    squares = [look.square for look in seen if look.square is not None]
    known = np.array([(*square.centre, square.side) for square in squares])
    every = np.arange(len(valid))
    rows = np.stack([np.interp(every, at, column) for column in known.T], axis=1)
    smooth = gaussian_filter1d(rows, SMOOTHING_SECONDS * frame_rate, axis=0, mode="nearest")
    return FaceTrack(smooth[:, :2], smooth[:, 2], valid, notices)
