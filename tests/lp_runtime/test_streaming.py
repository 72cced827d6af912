"""A conversation: chunks of any size, barge-in without a jump, hours without growth."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import SAMPLES

from lp_runtime import Bundle, InputError, Session
from lp_runtime.streaming import DEFAULT_BLEND_FRAMES, MotionBlend, SpeechStream

RATE = 16_000
MOTION = ("motion",)


def speech(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Noise of changing loudness."""
    generator = np.random.default_rng(seed)
    samples = generator.standard_normal(int(seconds * rate))
    loudness = np.repeat(generator.uniform(0, 0.3, int(seconds * 10) + 1), rate // 10)
    return np.clip(samples * loudness[: len(samples)], -1, 1).astype(np.float32)


def motions(frames: list[dict[str, np.ndarray]]) -> np.ndarray:
    return np.concatenate([values["motion"] for values in frames])


def fresh(pristine: Path) -> Session:
    return Bundle.open(pristine).session(precision="fp32", threads=1)


class TestChunks:
    def test_it_gives_what_the_session_gives(self, pristine: Path) -> None:
        samples = speech(1.01)
        session = fresh(pristine)
        expected = [*session.push_pcm(samples), *session.flush()]
        stream = SpeechStream(fresh(pristine))
        got = [*stream.push(samples), *stream.finish()]
        assert len(got) == len(expected) == 26
        for ours, theirs in zip(got, expected, strict=True):
            np.testing.assert_allclose(ours["frame"], theirs["frame"], atol=1e-6)

    @pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
    def test_chunked_equals_whole(self, rate: int, pristine: Path) -> None:
        samples = np.round(np.stack([speech(1.2, 1, rate), speech(1.2, 2, rate)], 1) * 20_000)
        samples = samples.astype(np.int16)
        whole = SpeechStream(fresh(pristine), rate, 2, outputs=("motion", "frame"))
        expected = [*whole.push(samples), *whole.finish()]
        stream = SpeechStream(fresh(pristine), rate, 2, outputs=("motion", "frame"))
        generator = np.random.default_rng(3)
        got, at = [], 0
        while at < len(samples):
            size = int(generator.integers(1, 3000))
            got += stream.push(samples[at : at + size].tobytes())
            at += size
        got += stream.finish()
        assert len(got) == len(expected)
        for ours, theirs in zip(got, expected, strict=True):
            for name in ("motion", "frame"):
                np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)

    def test_a_frame_comes_out_as_soon_as_its_sound_is_in(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), outputs=MOTION)
        counts = [len(list(stream.push(speech(0.04, n)))) for n in range(6)]
        assert counts == [0, 0, 1, 1, 1, 1]

    def test_silence_moves_on(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), 48_000, 2, outputs=MOTION)
        frames = [*stream.silence(1.0), *stream.finish()]
        assert len(frames) == 25

    def test_controls_can_be_set(self, pristine: Path) -> None:
        calm, angry = (SpeechStream(fresh(pristine), outputs=MOTION) for _ in range(2))
        emotion = np.zeros((1, 8), np.float32)
        emotion[0, 0] = 1
        angry.set("emotion", emotion)
        first, second = (motions(list(s.push(speech(0.5)))) for s in (calm, angry))
        assert np.abs(first - second).max() > 0.1


class TestBargeIn:
    def steps(self, shown: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(shown, axis=0)).max(axis=1)

    def test_what_was_not_said_is_never_shown(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), outputs=MOTION, blend_frames=0)
        # Sound of a second is taken in, but nobody takes its frames.
        stream.push(speech(1.0))
        stream.interrupt()
        after = motions([*stream.push(speech(0.4, 5)), *stream.finish()])
        clean = SpeechStream(fresh(pristine), outputs=MOTION)
        expected = motions([*clean.push(speech(0.4, 5)), *clean.finish()])
        np.testing.assert_allclose(after, expected, atol=1e-6)

    @pytest.mark.parametrize("blend_frames", [3, 6, 12])
    def test_the_face_does_not_jump(self, blend_frames: int, pristine: Path) -> None:
        def shown(blend: int) -> tuple[np.ndarray, int]:
            stream = SpeechStream(fresh(pristine), outputs=MOTION)
            before = list(stream.push(np.full(RATE, 0.8, np.float32)))
            stream.interrupt(blend)
            after = [*stream.push(np.full(RATE, -0.8, np.float32)), *stream.finish()]
            return motions([*before, *after]), len(before)

        cut, at = shown(0)
        blended, _ = shown(blend_frames)
        jump = np.abs(cut[at] - cut[at - 1]).max()
        assert self.steps(blended)[at - 1 : at + blend_frames + 1].max() < 0.75 * jump
        # After the blend it is the new motion and nothing else.
        np.testing.assert_array_equal(blended[at + blend_frames :], cut[at + blend_frames :])
        assert not np.allclose(blended[at], cut[at])

    def test_a_longer_blend_moves_slower(self, pristine: Path) -> None:
        blend = {}
        for frames in (3, 24):
            maker = MotionBlend()
            maker(np.zeros((1, 70), np.float32))
            maker(np.zeros((1, 70), np.float32))
            maker.start(frames)
            target = np.ones((1, 70), np.float32)
            rows = np.concatenate([maker(target) for _ in range(frames + 1)])
            blend[frames] = self.steps(np.concatenate([np.zeros((1, 70)), rows])).max()
        assert blend[24] < 0.08
        assert blend[24] < blend[3] / 4

    def test_a_motion_under_way_carries_on_and_slows_down(self) -> None:
        blend = MotionBlend()
        for value in (0.0, 1.0, 2.0):
            blend(np.full((1, 70), value, np.float32))
        blend.start(10)
        first = float(blend(np.full((1, 70), 0.0, np.float32))[0, 0])
        # Held still it would be below 2 at once; it goes on for a moment instead.
        assert 2.0 < first < 3.0

    def test_interrupting_a_blend_starts_from_what_is_shown(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), outputs=MOTION)
        rows = list(stream.push(speech(0.6)))
        for seed in (1, 2, 3):
            stream.interrupt(8)
            rows += stream.push(speech(0.2, seed))
        steps = self.steps(motions(rows))
        assert np.isfinite(steps).all()
        normal = self.steps(motions(list(SpeechStream(
            fresh(pristine), outputs=MOTION).push(speech(2.0)))))  # fmt: skip
        assert steps.max() <= 1.1 * normal.max()

    def test_an_utterance_that_ends_leads_into_the_next(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), outputs=MOTION)
        first = [*stream.push(np.full(RATE, 0.8, np.float32)), *stream.finish()]
        second = list(stream.push(np.full(RATE, -0.8, np.float32)))
        hard = SpeechStream(fresh(pristine), outputs=MOTION, blend_frames=0)
        cut = [*hard.push(np.full(RATE, 0.8, np.float32)), *hard.finish()]
        cut += hard.push(np.full(RATE, -0.8, np.float32))
        at = len(first)
        jump = np.abs(motions(cut)[at] - motions(cut)[at - 1]).max()
        soft = self.steps(motions([*first, *second]))[at - 1 : at + DEFAULT_BLEND_FRAMES]
        assert soft.max() < 0.75 * jump

    def test_before_anything_was_shown_there_is_nothing_to_blend(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), outputs=MOTION)
        stream.interrupt()
        got = motions(list(stream.push(speech(0.5))))
        clean = motions(list(SpeechStream(fresh(pristine), outputs=MOTION).push(speech(0.5))))
        np.testing.assert_array_equal(got, clean)

    def test_a_blend_of_no_sensible_length_is_refused(self, session: Session) -> None:
        with pytest.raises(InputError, match="blend"):
            SpeechStream(session).interrupt(-1)


class TestLongRuns:
    def test_memory_is_flat_and_nothing_drifts(self, pristine: Path) -> None:
        """Three minutes here; benchmarks/streaming.py runs eight hours."""
        stream = SpeechStream(fresh(pristine), 48_000, outputs=MOTION)
        # Whole frames at both rates, so that every piece gives the same motion.
        piece = speech(6.0, 0, 48_000)
        last_pieces: list[np.ndarray] = []
        tracemalloc.start()
        used = []
        for _ in range(30):
            rows = motions(list(stream.push(piece)))
            last_pieces = [*last_pieces[-1:], rows[-100:]]
            used.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert used[-1] - used[10] < 100_000
        np.testing.assert_allclose(last_pieces[0], last_pieces[1], atol=1e-4)

    def test_frames_are_as_many_as_the_sound_fills(self, pristine: Path) -> None:
        stream = SpeechStream(fresh(pristine), 44_100, outputs=MOTION)
        total = 0
        for seed in range(20):
            total += len(list(stream.push(speech(0.37, seed, 44_100))))
        total += len(list(stream.finish()))
        heard = 20 * int(0.37 * 44_100) * RATE / 44_100
        assert total == -(-int(heard) // SAMPLES)


def test_a_pipeline_without_motion_is_refused(session: Session) -> None:
    class WithoutMotion(Session):
        @property
        def values(self) -> dict:
            return {"frame": session.values["frame"]}

    without = WithoutMotion.__new__(WithoutMotion)
    without.pipeline = session.pipeline
    with pytest.raises(InputError, match="no motion"):
        SpeechStream(without)
