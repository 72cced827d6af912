"""Playing a bundle: streaming, reset, look-ahead, controls, partial runs, ownership."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bundle import (
    EMOTIONS,
    LOOK_AHEAD,
    MEMORY_SIZE,
    NEUTRAL,
    SAMPLES,
    build_tiny_bundle,
    reference_frame,
    reference_keypoints,
    reference_motion_of,
)

from lp_runtime import Bundle, InputError, Session
from lp_runtime.latency import Timings

REST = np.zeros((1, 70), np.float32)


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)


def play(session: Session, chunks: list[np.ndarray], *outputs: str) -> np.ndarray:
    """All values of the first wanted name over an utterance, stacked."""
    wanted = outputs or ("frame",)
    values = [v for chunk in chunks for v in session.push_pcm(chunk, wanted)]
    values += session.flush(wanted)
    return np.stack([v[wanted[0]] for v in values])


def expected_motions(pcm: np.ndarray) -> list[np.ndarray]:
    """Motions of whole frames of sound, by the fixture's formulas."""
    memory, motions = np.zeros((1, MEMORY_SIZE)), []
    for frame in pcm.reshape(-1, 1, SAMPLES):
        motion, memory = reference_motion_of(frame, memory, np.array([NEUTRAL]))
        motions.append(motion)
    return motions


class TestStreaming:
    def test_frames_are_those_of_the_formulas(self, session: Session) -> None:
        pcm = sound(6 * SAMPLES)
        motions = expected_motions(np.concatenate([pcm, np.zeros(LOOK_AHEAD * SAMPLES)]))
        frames = [reference_frame(reference_keypoints(m, REST)) for m in motions[LOOK_AHEAD:]]
        np.testing.assert_allclose(play(session, [pcm]), np.stack(frames), atol=1e-5)

    @settings(max_examples=30, deadline=None)
    @given(cuts=st.lists(st.integers(0, 5000), max_size=12))
    def test_chunk_sizes_do_not_matter(self, pristine: Path, cuts: list[int]) -> None:
        session = Bundle.open(pristine, verify=False).session(threads=1)
        pcm = sound(5000)
        whole = play(session, [pcm], "motion")
        chunked = play(session, np.split(pcm, sorted(cuts)), "motion")
        np.testing.assert_array_equal(chunked, whole)

    @pytest.mark.parametrize(
        ("samples", "frames"),
        [(0, 0), (1, 1), (SAMPLES - 1, 1), (SAMPLES, 1), (SAMPLES + 1, 2), (10 * SAMPLES, 10)],
    )
    def test_there_are_as_many_frames_as_the_sound_fills(
        self, session: Session, samples: int, frames: int
    ) -> None:
        assert len(list(session.push_pcm(sound(samples))) + list(session.flush())) == frames

    @pytest.mark.parametrize("look_ahead", [0, 1, 5])
    def test_look_ahead_drops_first_frames_and_flush_returns_them(
        self, tmp_path: Path, look_ahead: int
    ) -> None:
        bundle = build_tiny_bundle(tmp_path / "b", look_ahead_frames=look_ahead)
        session = Bundle.open(bundle.path).session(threads=1)
        pcm = sound(8 * SAMPLES)
        assert len(list(session.push_pcm(pcm, ("motion",)))) == 8 - look_ahead
        assert len(list(session.flush(("motion",)))) == look_ahead
        padded = np.concatenate([pcm, np.zeros(look_ahead * SAMPLES)])
        np.testing.assert_allclose(
            play(session, [pcm], "motion"),
            np.stack(expected_motions(padded)[look_ahead:]),
            atol=1e-5,
        )

    def test_frames_not_taken_come_with_the_next_push(self, session: Session) -> None:
        pcm = sound(8 * SAMPLES)
        session.push_pcm(pcm[: 4 * SAMPLES], ("motion",))
        late = list(session.push_pcm(pcm[4 * SAMPLES :], ("motion",)))
        late += list(session.flush(("motion",)))
        np.testing.assert_array_equal(
            np.stack([v["motion"] for v in late]), play(session, [pcm], "motion")
        )

    def test_the_caller_may_reuse_the_pushed_array(self, session: Session) -> None:
        pcm = sound(4 * SAMPLES)
        expected = play(session, [pcm], "motion")
        buffer = pcm.copy()
        frames = session.push_pcm(buffer, ("motion",))
        buffer[:] = 0
        got = [v["motion"] for v in (*frames, *session.flush(("motion",)))]
        np.testing.assert_array_equal(np.stack(got), expected)

    def test_dropped_frames_do_not_run_the_generator(self, session: Session) -> None:
        session.timings = Timings()
        list(session.push_pcm(sound(5 * SAMPLES)))
        runs = {name: len(series) for name, series in session.timings.milliseconds.items()}
        assert runs == {"audio2motion": 5, "stitching": 3, "generator": 3}

    def test_pushing_after_an_unfinished_flush_is_refused(self, session: Session) -> None:
        session.push_pcm(sound(4 * SAMPLES))
        next(session.flush())
        with pytest.raises(InputError, match="flushed"):
            session.push_pcm(sound(1))

    @pytest.mark.parametrize(
        ("samples", "text"),
        [
            (np.zeros((2, 640), np.float32), "mono"),
            (np.zeros(640, np.int16), "int16"),
            (np.full(3, np.nan, np.float32), "NaN"),
            (np.full(3, np.inf, np.float32), "NaN or infinity"),
        ],
    )
    def test_sound_that_does_not_fit_is_refused(
        self, session: Session, samples: np.ndarray, text: str
    ) -> None:
        with pytest.raises(InputError, match=text):
            session.push_pcm(samples)


class TestReset:
    def test_flush_leaves_a_fresh_session(self, session: Session) -> None:
        pcm = sound(3000)
        np.testing.assert_array_equal(play(session, [pcm]), play(session, [pcm]))

    def test_reset_forgets_sound_and_state(self, session: Session) -> None:
        pcm = sound(3000)
        expected = play(session, [pcm])
        list(session.push_pcm(sound(2345, seed=1)))
        session.reset()
        np.testing.assert_array_equal(play(session, [pcm]), expected)

    def test_reset_keeps_the_controls(self, session: Session) -> None:
        session.set("emotion", np.eye(8, dtype=np.float32)[2])
        session.reset()
        emotion = session.control("emotion")
        assert emotion is not None
        assert emotion[0, 2] == 1.0


class TestControls:
    def test_a_control_shapes_the_next_frames(self, session: Session) -> None:
        pcm = sound(2 * SAMPLES)
        neutral = play(session, [pcm], "motion")
        session.set("emotion", [float(name == "happy") for name in EMOTIONS])
        assert np.abs(play(session, [pcm], "motion") - neutral).max() > 0.01

    def test_the_session_keeps_a_copy(self, session: Session) -> None:
        emotion = np.eye(8, dtype=np.float32)[:1]
        session.set("emotion", emotion)
        emotion[:] = 7
        kept = session.control("emotion")
        assert kept is not None
        assert kept.max() == 1.0

    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            ("emotions", [0.0] * 8, "no input 'emotions'"),
            ("motion", np.zeros((1, 70)), "no input 'motion'"),
            ("emotion", [0.0] * 7, "wrong shape"),
            ("emotion", ["happy"] * 8, "wrong element type"),
            ("emotion", [np.nan] * 8, "NaN"),
            ("emotion", np.zeros(8, complex), "wrong element type"),
            ("emotion", None, "wrong shape"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused(
        self, session: Session, name: str, value: object, text: str
    ) -> None:
        with pytest.raises(InputError, match=text):
            session.set(name, value)

    def test_an_input_without_default_must_be_set(self, session: Session) -> None:
        with pytest.raises(InputError, match="'pcm' is needed"):
            session.step({})


class TestStep:
    def test_feeding_motion_skips_the_audio(self, session: Session) -> None:
        session.timings = Timings()
        motion = sound(70)[None]
        frame = session.step({"motion": motion})["frame"]
        expected = reference_frame(reference_keypoints(motion, REST))
        np.testing.assert_allclose(frame, expected, atol=1e-5)
        assert list(session.timings.milliseconds) == ["stitching", "generator"]

    def test_only_what_is_wanted_runs(self, session: Session) -> None:
        session.timings = Timings()
        values = session.step({"pcm": sound(SAMPLES)}, ("motion",))
        assert set(values) == {"motion"}
        assert list(session.timings.milliseconds) == ["audio2motion"]

    def test_skipped_steps_keep_their_state(self, session: Session) -> None:
        pcm = sound(2 * SAMPLES).reshape(2, SAMPLES)
        session.step({"pcm": pcm[0]}, ("motion",))
        session.step({"motion": REST})
        motion = session.step({"pcm": pcm[1]}, ("motion",))["motion"]
        np.testing.assert_allclose(motion, expected_motions(pcm)[1], atol=1e-5)

    def test_a_reference_may_be_fed_for_one_frame(self, session: Session) -> None:
        motion, reference = sound(70)[None], sound(70, seed=1)[None]
        feeds = {"motion": motion, "reference_motion": reference}
        keypoints = session.step(feeds, ("keypoints",))["keypoints"]
        np.testing.assert_allclose(keypoints, reference_keypoints(motion, reference), atol=1e-6)
        later = session.step({"motion": motion}, ("keypoints",))["keypoints"]
        np.testing.assert_allclose(later, reference_keypoints(motion, REST), atol=1e-6)

    def test_unknown_names_are_refused(self, session: Session) -> None:
        with pytest.raises(InputError, match="no value 'mouth'"):
            session.step({"mouth": REST})
        with pytest.raises(InputError, match="no value 'mouth'"):
            session.step({"motion": REST}, ("mouth",))


class TestOwnership:
    def test_a_later_frame_never_overwrites_an_earlier_one(self, session: Session) -> None:
        wanted = ("frame", "motion", "keypoints", "next_memory", "memory", "pcm")
        kept, copies = [], []
        for values in session.push_pcm(sound(12 * SAMPLES), wanted):
            kept.append(values)
            copies.append({name: array.copy() for name, array in values.items()})
        for values, copy in zip(kept, copies, strict=True):
            for name in wanted:
                np.testing.assert_array_equal(values[name], copy[name])

    def test_the_caller_may_write_into_what_was_returned(self, session: Session) -> None:
        pcm = sound(8 * SAMPLES)
        expected = play(session, [pcm], "motion")
        wanted = ("motion", "next_memory", "memory", "emotion", "frame")
        got = []
        for values in (*session.push_pcm(pcm, wanted), *session.flush(wanted)):
            got.append(values["motion"].copy())
            for array in values.values():
                array[:] = 1e6
        np.testing.assert_array_equal(np.stack(got), expected)


class TestPrecisions:
    def test_half_precision_graphs_run_between_single_precision_values(
        self, pristine: Path
    ) -> None:
        bundle = Bundle.open(pristine)
        pcm = sound(3000)
        single = play(bundle.session(precision="fp32"), [pcm])
        half = play(bundle.session(precision="fp16"), [pcm])
        assert half.dtype == np.float16
        np.testing.assert_allclose(half, single, atol=2e-2)

    def test_precisions_may_be_mixed_by_graph(self, pristine: Path) -> None:
        mixed = {"audio2motion": "fp16", "stitching": "fp32", "generator": "fp32"}
        session = Bundle.open(pristine).session(precision=mixed)
        assert session.graph_files["audio2motion"].path.startswith("graphs/onnx/fp16/")
        pcm = sound(3000)
        single = play(Bundle.open(pristine).session(precision="fp32"), [pcm])
        frames = play(session, [pcm])
        assert frames.dtype == np.float32
        np.testing.assert_allclose(frames, single, atol=2e-2)
