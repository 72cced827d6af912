"""A conversation: sound comes in as it comes, frames go out, and anybody may interrupt.

    stream = SpeechStream(session, sample_rate=48_000, channels=2)
    for chunk in microphone:
        for values in stream.push(chunk):
            show(values["frame"])
    stream.interrupt()        # barge-in: what was not yet said is never shown

After an interruption or the end of an utterance the motion network starts from rest, which is
somewhere else than the face that is shown. The first frames after it are blended from the shown
motion, which carries on and slows down, to the new one: no jump.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lp_runtime.errors import InputError
from lp_runtime.pcm_stream import Chunk, PcmStream
from lp_runtime.pipeline import Session

MOTION = "motion"
DEFAULT_BLEND_FRAMES = 6
MOST_BLEND_FRAMES = 250
# Share of its speed that the old motion keeps from frame to frame while it fades.
SPEED_KEPT = 0.6


class MotionBlend:
    """Leads from the motion that was shown last to one that starts elsewhere."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._speed: np.ndarray | None = None
        self._from: np.ndarray | None = None
        self._length = 0
        self._done = 0

    def start(self, frames: int) -> None:
        """Blend the next `frames` motions; a blend that is under way goes on from what is shown."""
        self._length = frames if self._last is not None else 0
        self._from = self._last
        self._done = 0
        if self._length == 0:
            self._speed = None

    def __call__(self, motion: np.ndarray) -> np.ndarray:
        """The motion to show instead of `motion`; the same array when no blend is under way."""
        if self._done >= self._length or self._from is None:
            self._speed = None if self._last is None else motion - self._last
            self._last = motion
            return motion
        if self._speed is not None:
            self._speed = self._speed * np.float32(SPEED_KEPT)
            self._from = self._from + self._speed
        self._done += 1
        share = self._done / (self._length + 1)
        weight = np.float32(share * share * (3 - 2 * share))
        self._last = (1 - weight) * self._from + weight * motion
        if self._done == self._length:
            self._speed = None
        return self._last


class SpeechStream:
    """Plays a session from a stream of sound. One stream serves one thread.

    Frames come out as `Session.push_pcm` gives them, and by the same rules: a frame belongs to the
    caller, and the first `look_ahead_frames` of an utterance are held back.
    """

    def __init__(
        self,
        session: Session,
        sample_rate: int | None = None,
        channels: int = 1,
        *,
        outputs: tuple[str, ...] | None = None,
        blend_frames: int = DEFAULT_BLEND_FRAMES,
    ) -> None:
        """Play `session`; its own audio buffer must be empty.

        Args:
            session: made by `Bundle.session`.
            sample_rate: of the sound that will be pushed; None: the pipeline's own.
            channels: of that sound; their mean is heard.
            outputs: values to give for each frame; None: the frame alone.
            blend_frames: length of the blend after `finish` and, by default, `interrupt`.

        Raises InputError when the pipeline has no value named motion, or a number is out of range.
        """
        pipeline = session.pipeline
        if MOTION not in session.values:
            raise InputError(
                "This bundle cannot be interrupted: its pipeline has no motion to blend.",
                expected=f"a value named '{MOTION}'",
                got=sorted(session.values),
                remedy="use Session.push_pcm",
            )
        self._session = session
        self._outputs = (pipeline.frame.value,) if outputs is None else tuple(outputs)
        self._pcm = PcmStream(sample_rate or pipeline.sample_rate, pipeline.sample_rate, channels)
        self._blend_frames = _checked_blend(blend_frames)
        self._blend = MotionBlend()

    def push(self, chunk: Chunk) -> Iterator[dict[str, np.ndarray]]:
        """Take in sound (`PcmStream` says in which forms); yields frames that became complete.

        The sound is kept at once; frames that are not taken come from the next iterator.
        Raises InputError when the chunk does not fit.
        """
        return self._shown(self._session.push_pcm(self._pcm.push(chunk), (MOTION,)))

    def silence(self, seconds: float) -> Iterator[dict[str, np.ndarray]]:
        """Nobody speaks for a while: idle motion, in the pipeline's own rate."""
        samples = round(max(0.0, seconds) * self._pcm.input_rate)
        return self.push(np.zeros(samples * self._pcm.channels, np.float32))

    def finish(self) -> Iterator[dict[str, np.ndarray]]:
        """End the utterance: yields what is still owed, then blends into whatever comes next."""
        self._session.push_pcm(self._pcm.finish(), (MOTION,))
        owed = self._session.flush((MOTION,))

        def frames() -> Iterator[dict[str, np.ndarray]]:
            yield from self._shown(owed)
            self._blend.start(self._blend_frames)

        return frames()

    def interrupt(self, blend_frames: int | None = None) -> None:
        """Drop what waits and start from rest; the next `blend_frames` frames lead there.

        0 cuts hard. Raises InputError when the number is out of range.
        """
        frames = self._blend_frames if blend_frames is None else _checked_blend(blend_frames)
        self._pcm.clear()
        self._session.reset()
        self._blend.start(frames)

    def set(self, name: str, array: object) -> None:
        """Use this value for a control from the next frame on; see `Session.set`."""
        self._session.set(name, array)

    def _shown(self, frames: Iterator[dict[str, np.ndarray]]) -> Iterator[dict[str, np.ndarray]]:
        for values in frames:
            motion = self._blend(values[MOTION])
            if self._outputs == (MOTION,):
                yield {MOTION: motion.copy()}
            else:
                yield self._session.step({MOTION: motion}, self._outputs)


def _checked_blend(frames: int) -> int:
    if not 0 <= frames <= MOST_BLEND_FRAMES:
        raise InputError(
            "The length of the blend is out of range.",
            expected=f"0 to {MOST_BLEND_FRAMES} frames",
            got=frames,
        )
    return frames
