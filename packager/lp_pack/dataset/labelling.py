"""Motion labels of a recording's frames: crops through the motion extractor, in batches.

Labels are appended to a file as they are made; a killed run goes on after the last whole row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lp_models.motion_extractor import MotionExtractor
from lp_pack.dataset.face_track import FaceTrack
from lp_pack.dataset.picture_stream import GridPicture
from lp_pack.portrait.crop import sample

Array = NDArray[np.float32]
MOTION_SIZE = 70
ROW = MOTION_SIZE + 63  # motion, then canonical keypoints
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Labels:
    """motion: (frames, 70); canonical_keypoints: (frames, 21, 3); crops: {frame: RGB crop}."""

    motion: Array
    canonical_keypoints: Array
    crops: dict[int, NDArray[np.uint8]]


def label_frames(
    extractor: MotionExtractor,
    pictures: Iterable[GridPicture],
    track: FaceTrack,
    partial: Path,
    *,
    batch_size: int = 16,
    keep_crops: frozenset[int] = frozenset(),
    progress: Progress = lambda done, total: None,
) -> Labels:
    """Run every frame of `track` through the extractor; `partial` keeps what is done.

    Frames without a picture (before the first one) get the first picture's labels; the track
    holds them as not valid.
    """
    size = extractor.dims.image_size
    done = _whole_rows(partial)
    crops: dict[int, NDArray[np.uint8]] = {}
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("ab") as stream:
        waiting: list[NDArray[np.uint8]] = []
        for picture in pictures:
            if picture.index >= len(track):
                break
            new = picture.index >= done + len(waiting)
            if not new and picture.index not in keep_crops:
                continue
            crop = sample(picture.load(), track.square(picture.index).frame_to_portrait(size), size)
            if picture.index in keep_crops:
                crops[picture.index] = crop
            while new and done + len(waiting) <= picture.index:
                waiting.append(crop)
            if len(waiting) >= batch_size:
                done += _append(extractor, waiting, stream.write)
                stream.flush()
                waiting = []
                progress(done, len(track))
        done += _append(extractor, waiting, stream.write)
    progress(done, len(track))
    rows = np.fromfile(partial, dtype="<f4").reshape(-1, ROW)[: len(track)]
    rows = rows.astype(np.float32)
    return Labels(rows[:, :MOTION_SIZE], rows[:, MOTION_SIZE:].reshape(-1, 21, 3), crops)


def _whole_rows(partial: Path) -> int:
    """How many rows lie there; a torn last one is cut off."""
    if not partial.exists():
        return 0
    rows = partial.stat().st_size // (4 * ROW)
    with partial.open("r+b") as stream:
        stream.truncate(rows * 4 * ROW)
    return rows


@torch.inference_mode()
def _append(
    extractor: MotionExtractor,
    crops: list[NDArray[np.uint8]],
    write: Callable[[bytes], object],
) -> int:
    if not crops:
        return 0
    batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255.0
    canonical, motion = extractor(batch).decode()
    rows = torch.cat([motion.to_vector(), canonical.flatten(1)], dim=1)
    write(rows.numpy().astype("<f4").tobytes())
    return len(crops)


def draw_strip(labels: Labels, keypoints: Array) -> NDArray[np.uint8]:
    """The kept crops side by side with their keypoints (frames, 21, 3) drawn, BGR for a PNG.

    A keypoint's x and y run over [-1, 1] across the crop.
    """
    tiles = []
    for frame, crop in sorted(labels.crops.items()):
        tile = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_LINEAR)
        for index, (x, y) in enumerate((keypoints[frame, :, :2] + 1) / 2 * 256):
            at = (round(float(x)), round(float(y)))
            cv2.circle(tile, at, 3, (40, 220, 60), -1, cv2.LINE_AA)
            cv2.putText(tile, str(index), (at[0] + 4, at[1] + 3), 0, 0.3, (255, 255, 255), 1)
        cv2.putText(tile, f"frame {frame}", (6, 14), 0, 0.42, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    return np.ascontiguousarray(np.concatenate(tiles, axis=1)[..., ::-1])
