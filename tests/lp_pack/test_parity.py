from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lp_pack.errors import ParityError
from lp_pack.frame_regions import keypoint_region
from lp_pack.parity import Comparison, check, rounded
from lp_pack.thresholds import (
    ENGINE_FP16_FRAME,
    ENGINE_FP16_LIPS,
    ENGINE_FP32,
    THRESHOLDS,
    engine_threshold,
    lips_threshold,
)

FRAMES = np.linspace(0, 1, 3 * 8, dtype=np.float32).reshape(3, 1, 8)


def comparison(threshold: object = ENGINE_FP32) -> Comparison:
    return Comparison(
        stage="engine",
        graph="generator",
        tensor="frame",
        threshold=threshold,  # type: ignore[arg-type]
        target="onnx",
        precision="fp16",
    )


def test_the_figure_says_worst_and_mean() -> None:
    got = FRAMES.copy()
    got[1, 0, 3] += 6e-4
    figure = check(comparison(), FRAMES, got)
    assert figure.worst == pytest.approx(6e-4, rel=1e-3)
    assert figure.mean == pytest.approx(2e-4, rel=1e-3)
    assert (figure.frames, figure.threshold) == (3, "engine_fp32")


def test_one_bad_frame_is_enough_and_the_error_says_which() -> None:
    got = FRAMES.copy()
    got[2, 0, 0] += 2e-3
    with pytest.raises(ParityError) as error:
        check(comparison(), FRAMES, got)
    text = str(error.value)
    for part in ("generator", "frame", "onnx fp16", "<= 0.001", "frame 2 of 3", "next:"):
        assert part in text


def test_psnr_must_be_at_least_its_bound() -> None:
    noise = np.where(np.arange(8) % 2, 1, -1) * 10 ** (-46 / 20)
    assert check(comparison(ENGINE_FP16_FRAME), FRAMES, FRAMES + noise).worst == 46.0
    with pytest.raises(ParityError, match="psnr_db >= 45"):
        check(comparison(ENGINE_FP16_FRAME), FRAMES, FRAMES + 2 * noise)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_fail(bad: float) -> None:
    got = FRAMES.copy()
    got[1, 0, 0] = bad
    with pytest.raises(ParityError, match="frame 1"):
        check(comparison(), FRAMES, got)


def test_other_shapes_and_no_frames_fail() -> None:
    with pytest.raises(ParityError, match="shape"):
        check(comparison(), FRAMES, FRAMES[:, :, :4])
    with pytest.raises(ParityError, match="shape"):
        check(comparison(), FRAMES[:0], FRAMES[:0])


def test_every_precision_has_its_thresholds_in_the_table() -> None:
    for precision in ("fp32", "fp16", "int8", "w8", "w6", "w4"):
        for tensor in ("frame", "motion", "keypoints"):
            assert engine_threshold(precision, tensor) in THRESHOLDS  # type: ignore[arg-type]
    assert engine_threshold("fp16", "frame").bound == 45.0
    assert engine_threshold("int8", "frame").bound == 35.0
    assert engine_threshold("w4", "motion").bound == 0.01


def test_figures_are_rounded_to_what_they_know() -> None:
    assert rounded(1.23456789e-05) == 1.235e-05


def test_a_region_is_judged_alone_frame_by_frame() -> None:
    expected = np.zeros((2, 1, 3, 8, 8), np.float32)
    got = expected.copy()
    got[1, :, :, 2:4, 2:4] = 10 ** (-46 / 20)
    lips = dataclasses.replace(
        comparison(ENGINE_FP16_LIPS),
        regions=((slice(0, 4), slice(0, 8)), (slice(2, 4), slice(2, 4))),
        region="lips",
    )
    figure = check(lips, expected, got)
    assert (figure.region, figure.part) == ("lips", "frame (lips)")
    assert figure.worst == 46.0
    # The same error is 12 dB less in the whole frame, which has sixteen times the pixels.
    assert check(comparison(ENGINE_FP16_FRAME), expected, got).worst == pytest.approx(58.04)
    with pytest.raises(ParityError, match="lips alone"):
        check(lips, expected, 2 * got)


def test_every_precision_but_fp32_has_a_bound_for_the_lips() -> None:
    assert lips_threshold("fp32") is None
    for precision in ("fp16", "int8", "w8", "w6", "w4"):
        for trained in (True, False):
            bound = lips_threshold(precision, trained)
            assert bound in THRESHOLDS
            assert bound is not None
            assert bound.bound <= engine_threshold(precision, "frame", trained).bound


POINTS = np.zeros((21, 3), np.float32)


def test_keypoints_have_a_box_in_the_frame() -> None:
    box = keypoint_region(POINTS, (6, 12), 80, 160, margin=0.125)
    assert box == (slice(35, 45), slice(70, 90))
    several = np.stack([POINTS, POINTS + np.array([0.5, 0.0, 0.0])])
    box = keypoint_region(several, (6,), 80, 160, margin=0.125)
    assert box == (slice(35, 45), slice(70, 130))


def test_keypoints_outside_of_the_frame_have_none() -> None:
    box = keypoint_region(POINTS + 1.0, (6,), 80, 80, margin=0.125)
    assert box == (slice(75, 80), slice(75, 80))
    assert keypoint_region(POINTS + 1.1, (6,), 80, 80) is None
    assert keypoint_region(POINTS * np.nan, (6,), 100, 100) is None
    assert keypoint_region(POINTS, (), 100, 100) is None
    assert keypoint_region(POINTS, (21,), 100, 100) is None
