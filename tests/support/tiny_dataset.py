"""A dataset in which the mouth opens with the loudness of noise: learned in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lp_pack.dataset.extract import CLIPS
from lp_pack.dataset.record import ClipData, ClipRecord, write_clip

LOWER_LIP_Y = 3 * 19 + 1
HELD = 4  # frames for which a loudness lasts


def loudness_clip(seed: int, frames: int) -> ClipData:
    """Noise that changes its loudness every four frames; lip, pitch and scale follow."""
    generator = np.random.default_rng(seed)
    steps = generator.uniform(0, 1, -(-frames // HELD))
    loudness = np.repeat(steps, HELD)[:frames]
    noise = generator.standard_normal(frames * 640) * np.repeat(loudness, 640) * 0.1
    motion = np.zeros((frames, 70), np.float32)
    motion[:, LOWER_LIP_Y] = 0.05 * loudness
    motion[:, 63] = 1.0
    motion[:, 67] = 4 * loudness
    return ClipData.of(noise.astype(np.float32), motion)


def write_dataset(folder: Path, clips: int = 12, frames: int = 60) -> Path:
    """Clips `voice-0` ... of different lengths and texts; every other one is happy."""
    for index in range(clips):
        data = loudness_clip(index, frames + 7 * (index % 4))
        valid = data.valid.copy()
        if index == 1:
            valid[20:30] = False
        record = ClipRecord(
            id=f"voice-{index}",
            kind="sequence",
            frames=len(data.motion),
            valid_frames=int(valid.sum()),
            key=str(index),
            source=(f"{index}.wav",),
            hashes={},
            text=f"Text {index}.",
            emotion="happy" if index % 2 else "neutral",
        )
        kept = ClipData(data.pcm, data.motion, valid, data.canonical_keypoints)
        write_clip(folder / CLIPS, record, kept)
    return folder
