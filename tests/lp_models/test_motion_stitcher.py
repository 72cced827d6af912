"""The motion stitcher against an independent formula, and as a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lp_models.baking import SourceFace, SourcePersona
from lp_models.checkpoint import LivePortraitNetworks
from lp_models.errors import LpModelError
from lp_models.motion import HeadMotion
from lp_models.motion_stitcher import MODES, Mode, MotionStitcher

Array = NDArray[np.float64]
SPREAD = torch.cat([torch.full((67,), 0.05), torch.full((3,), 15.0)])


def motion_vector(seed: int) -> torch.Tensor:
    """A plausible motion: small offsets, scale near one, pose in degrees."""
    vector = SPREAD * torch.randn(1, 70, generator=torch.Generator().manual_seed(seed))
    vector[:, 63] += 1.2
    return vector


def some_face(seed: int) -> SourceFace:
    canonical = 0.3 * torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(seed))
    return SourceFace(canonical, HeadMotion.from_vector(motion_vector(seed + 1)))


def numpy_rotation(vector: Array) -> Array:
    x, y, z = np.deg2rad(vector[67:70])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).T


def numpy_relative(face: SourceFace, motion: torch.Tensor, reference: torch.Tensor) -> Array:
    """LivePortrait's relative motion in float64, without stitching."""
    source, driving, first = (
        vector.double().numpy()[0] for vector in (face.motion.to_vector(), motion, reference)
    )
    rotation = numpy_rotation(driving) @ numpy_rotation(first).T @ numpy_rotation(source)
    exp = (source[:63] + (driving[:63] - first[:63])).reshape(21, 3)
    scale = source[63] * driving[63] / first[63]
    shift = source[64:67] + (driving[64:67] - first[64:67])
    canonical = face.canonical_keypoints.double().numpy()[0]
    return scale * (canonical @ rotation + exp) + shift * [1, 1, 0]


@given(st.integers(0, 10_000))
def test_relative_motion_follows_the_formula(seed: int) -> None:
    face = some_face(seed)
    motion, reference = motion_vector(seed + 2), motion_vector(seed + 3)
    keypoints = MotionStitcher(face)(motion, reference)
    expected = numpy_relative(face, motion, reference)
    np.testing.assert_allclose(keypoints.double().numpy()[0], expected, atol=2e-5)


@given(st.integers(0, 10_000))
def test_at_the_reference_frame_the_source_looks_like_itself(seed: int) -> None:
    face = some_face(seed)
    reference = motion_vector(seed + 2)
    keypoints = MotionStitcher(face)(reference, reference)
    torch.testing.assert_close(keypoints, face.keypoints, atol=2e-6, rtol=0)


def test_absolute_motion_of_the_source_itself_is_the_source() -> None:
    face = some_face(0)
    keypoints = MotionStitcher(face, mode="absolute")(face.motion.to_vector())
    assert torch.equal(keypoints, face.keypoints)


def test_the_stitching_network_corrects_the_keypoints(
    tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona
) -> None:
    plain = MotionStitcher(tiny_persona.face)
    stitched = MotionStitcher(tiny_persona.face, tiny_networks.stitching)
    inputs = plain.example_inputs()
    driving, source = plain(*inputs), tiny_persona.face.keypoints
    delta = tiny_networks.stitching(torch.cat([source, driving], dim=1).reshape(1, 126))[0]
    expected = driving + delta[:63].reshape(21, 3)
    expected[..., 0] += delta[63]
    expected[..., 1] += delta[64]
    torch.testing.assert_close(stitched(*inputs), expected)


def test_example_inputs_are_the_same_every_time_and_fit_the_names() -> None:
    for mode in MODES:
        stitcher = MotionStitcher(some_face(0), mode=mode)
        first, second = stitcher.example_inputs(), stitcher.example_inputs()
        assert len(first) == len(stitcher.input_names)
        assert all(map(torch.equal, first, second))


def test_wrong_use_is_refused() -> None:
    face = some_face(0)
    with pytest.raises(LpModelError, match="relative or absolute"):
        MotionStitcher(face, mode="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="reference_motion"):
        MotionStitcher(face)(motion_vector(1))
    with pytest.raises(ValueError, match="absolute"):
        MotionStitcher(face, mode="absolute")(motion_vector(1), motion_vector(1))


@pytest.mark.parametrize("mode", MODES)
def test_agrees_with_itself_as_an_onnx_graph(
    mode: Mode, tmp_path: Path, tiny_networks: LivePortraitNetworks, tiny_persona: SourcePersona
) -> None:
    stitcher = MotionStitcher(tiny_persona.face, tiny_networks.stitching, mode).eval()
    path = tmp_path / "stitching.onnx"
    inputs = stitcher.example_inputs()
    torch.onnx.export(
        stitcher,
        inputs,
        path,
        input_names=list(stitcher.input_names),
        output_names=list(stitcher.output_names),
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == list(stitcher.input_names)
    # Other inputs than those it was exported with, so that nothing of them may be frozen in.
    others = tuple(motion_vector(seed) for seed in range(5, 5 + len(inputs)))
    feeds = {name: v.numpy() for name, v in zip(stitcher.input_names, others, strict=True)}
    (keypoints,) = session.run(["keypoints"], feeds)
    np.testing.assert_allclose(keypoints, stitcher(*others).numpy(), atol=1e-5)
