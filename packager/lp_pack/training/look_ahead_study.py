"""What a look-ahead is worth to the network itself: one small training for each of a few.

Slower than the linear probe of `look_ahead.py`, and the answer: same data, seed and steps, and the
figures of the report on the same held-out clips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lp_models.audio2motion import Audio2Motion
from lp_pack.dataset.dataset import Segment
from lp_pack.dataset.record import FRAME_RATE
from lp_pack.training.held_out import judge

STUDIED = (0, 2, 4, 8)
# Trains a network that hears so many frames ahead.
Learn = Callable[[int], Audio2Motion]


@dataclass(frozen=True)
class StudiedLookAhead:
    """One look-ahead: its delay, and what a network with it reaches on held-out clips.

    lip_error: root mean square, keypoint units.
    """

    frames: int
    delay_ms: float
    lip_correlation: float
    lip_error: float
    closures_kept: float


def study_look_ahead(
    learn: Learn, training: Sequence[Segment], held_out: Sequence[Segment], idle: bool
) -> tuple[StudiedLookAhead, ...]:
    """Learn and judge for each of `STUDIED`."""
    rows = []
    for frames in STUDIED:
        figures = judge(learn(frames), training, held_out, idle).network
        rows.append(
            StudiedLookAhead(
                frames,
                frames * 1000 / FRAME_RATE,
                figures.lip_correlation,
                figures.groups["lips"].error,
                figures.closures_kept,
            )
        )
    return tuple(rows)


def study_lines(steps: int, rows: Sequence[StudiedLookAhead]) -> list[str]:
    """The study as a Markdown table; empty where there was none."""
    if not rows:
        return []
    return [
        f"Networks of {steps} steps each, on the held-out clips:",
        "",
        "| look-ahead | ms | lip opening, correlation | lips, RMS error | closed lips kept |",
        "|---|---|---|---|---|",
        *(
            f"| {row.frames} | {row.delay_ms:.0f} | {row.lip_correlation:.3f} "
            f"| {row.lip_error:.5f} | {row.closures_kept:.0%} |"
            for row in rows
        ),
        "",
    ]
