"""From phonemes to face controls at the video's frame rate.

Coarticulation is Cohen and Massaro's (Models and Techniques in Computer Animation, 1993): every
gesture has a dominance, a negative exponential of the distance in time, and a control's value is
the mean of the gestures' targets weighted by dominance. Closures of the lips are applied
afterwards, so that b, p and m close whatever their neighbours want. Row i is the face in the middle
of audio frame i, which spans [i, i + 1) * 40 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lp_pack.speech.espeak import SAMPLE_RATE, TimedSpeech
from lp_pack.speech.visemes import Gesture, gestures

Array = NDArray[np.float32]
Curve = NDArray[np.float64]  # one value every 5 ms
SAMPLES_PER_FRAME = 640  # 40 ms
STEPS_PER_FRAME = 8  # control curves are made every 5 ms, then averaged over the frame
STEP_SECONDS = 0.005
# Time constants of dominance: how far a gesture reaches back (anticipation) and forth (carry-over).
ANTICIPATION_SECONDS, CARRY_OVER_SECONDS = 0.045, 0.055
# The middle share of a gesture in which its dominance is full.
PLATEAU_SHARE = 0.4
SMOOTHING_SECONDS = 0.015
CLOSURE_RAMP_SECONDS = 0.025
# Quiet speech opens the jaw less: this share of the opening follows the level over a 20 dB range.
LEVEL_SHARE, LEVEL_RANGE_DB = 0.25, 20.0
# Jaw and press at full closure.
CLOSED_PRESS = 0.8
# Slow level and pause curves for brows and head, seconds.
EMPHASIS_SECONDS = 0.25
PAUSE_BLINK_AFTER, PAUSE_BLINK_SIGMA = 0.32, 0.06
SHORTEST_BLINK_PAUSE = 0.45


@dataclass(frozen=True)
class SpeechControls:
    """What speech does to the face, one value a frame: each (frames,), in units of the controls.

    `closure` is how far the lips must touch, `emphasis` the slow loudness in [0, 1], and
    `pause_blink` the lids' closing shortly after a phrase ends.
    """

    jaw_open: Array
    lip_press: Array
    lip_pucker: Array
    lip_wide: Array
    closure: Array
    emphasis: Array
    pause_blink: Array

    def __len__(self) -> int:
        return len(self.jaw_open)

    def stack(self) -> Array:
        """(frames, 7) in the order of the fields."""
        return np.stack([getattr(self, name) for name in self.__dataclass_fields__], axis=1)


CONTROL_COLUMNS: tuple[str, ...] = tuple(SpeechControls.__dataclass_fields__)


def speech_controls(speech: TimedSpeech) -> SpeechControls:
    """Face controls for every whole 40 ms frame of `speech`.

    Raises:
        SpeechError: a phoneme has no mouth shape.
    """
    frames = len(speech.samples) // SAMPLES_PER_FRAME
    times: Curve = (np.arange(frames * STEPS_PER_FRAME, dtype=np.float64) + 0.5) * STEP_SECONDS
    spoken = gestures(speech.phonemes)
    jaw, pucker, wide = _blend(spoken, times)
    level = level_decibels(speech.samples, frames)
    closure = _closure(spoken, times)
    loudness = _relative_loudness(level)
    jaw = np.clip(jaw, 0, None) * (1 - LEVEL_SHARE + LEVEL_SHARE * loudness)
    # A closure may be shorter than a frame: the frame shows its tightest moment.
    closed = closure.reshape(frames, STEPS_PER_FRAME).max(axis=1).astype(np.float32)
    return SpeechControls(
        jaw_open=_per_frame(jaw) * (1 - closed),
        lip_press=CLOSED_PRESS * closed**2,
        lip_pucker=_per_frame(pucker),
        lip_wide=_per_frame(wide),
        closure=closed,
        emphasis=_emphasis(_per_frame(loudness)),
        pause_blink=_per_frame(_pause_blinks(spoken, times)),
    )


def level_decibels(samples: Array, frames: int) -> Curve:
    """Level of every 5 ms step, smoothed over some 30 ms, in dB relative to full scale."""
    step = SAMPLES_PER_FRAME // STEPS_PER_FRAME
    whole = samples[: frames * SAMPLES_PER_FRAME].astype(np.float64)
    power = np.square(whole).reshape(-1, step).mean(axis=1)
    smooth = gaussian_filter1d(power, 3.0, mode="constant")
    return np.asarray(10 * np.log10(np.maximum(smooth, 1e-8)))


def _relative_loudness(level: Curve) -> Curve:
    """0 at 20 dB below the clip's loud parts, 1 at them."""
    loud = np.percentile(level, 95) if len(level) else 0.0
    return np.asarray(np.clip((level - loud + LEVEL_RANGE_DB) / LEVEL_RANGE_DB, 0, 1))


def _blend(spoken: tuple[Gesture, ...], times: Curve) -> tuple[Curve, ...]:
    """Jaw, pucker and wide curves: targets weighted by dominance, then smoothed."""
    total = np.zeros((len(times), 3))
    weight = np.full((len(times), 3), 1e-9)
    reach = 12 * max(ANTICIPATION_SECONDS, CARRY_OVER_SECONDS)
    for gesture in spoken:
        first, last = np.searchsorted(times, [gesture.start - reach, gesture.end + reach])
        span = times[first:last]
        centre, half = (gesture.start + gesture.end) / 2, (gesture.end - gesture.start) / 2
        before = np.maximum(0, centre - PLATEAU_SHARE * half - span) / ANTICIPATION_SECONDS
        after = np.maximum(0, span - centre - PLATEAU_SHARE * half) / CARRY_OVER_SECONDS
        shape = np.exp(-before - after)[:, None]
        viseme = gesture.viseme
        powers = np.array([viseme.jaw_dominance, viseme.lip_dominance, viseme.lip_dominance])
        targets = np.array([viseme.jaw_open, viseme.lip_pucker, viseme.lip_wide])
        total[first:last] += shape * powers * targets
        weight[first:last] += shape * powers
    sigma = SMOOTHING_SECONDS / STEP_SECONDS
    curves = gaussian_filter1d(total / weight, sigma, axis=0, mode="nearest")
    return curves[:, 0], curves[:, 1], curves[:, 2]


def _closure(spoken: tuple[Gesture, ...], times: Curve) -> Curve:
    """How far the lips must touch, with ramps before and after each closing gesture."""
    closure = np.zeros(len(times))
    for gesture in spoken:
        if gesture.viseme.closure == 0:
            continue
        # The second half of a voiced closure already opens into the vowel.
        end = gesture.start + 0.75 * (gesture.end - gesture.start)
        outside = np.maximum(gesture.start - times, times - end)
        ramp = np.clip(1 - outside / CLOSURE_RAMP_SECONDS, 0, 1)
        closure = np.maximum(closure, gesture.viseme.closure * ramp)
    return closure


def _pause_blinks(spoken: tuple[Gesture, ...], times: Curve) -> Curve:
    blink = np.zeros(len(times))
    for gesture in spoken[1:]:
        if gesture.symbol == "" and gesture.end - gesture.start >= SHORTEST_BLINK_PAUSE:
            distance = (times - gesture.start - PAUSE_BLINK_AFTER) / PAUSE_BLINK_SIGMA
            blink += np.exp(-0.5 * distance**2)
    return np.minimum(blink, 1.0)


def _emphasis(loudness: Array) -> Array:
    """Loudness through a first-order low-pass that looks only back."""
    keep = np.exp(-SAMPLES_PER_FRAME / SAMPLE_RATE / EMPHASIS_SECONDS)
    result = np.empty_like(loudness)
    value = 0.0
    for index, current in enumerate(loudness):
        value = keep * value + (1 - keep) * float(current)
        result[index] = value
    return result


def _per_frame(curve: Curve) -> Array:
    return curve.reshape(-1, STEPS_PER_FRAME).mean(axis=1).astype(np.float32)
