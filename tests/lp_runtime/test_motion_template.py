"""Motion templates: the published files, angles from rotations, and everything that is wrong."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared_path

from lp_runtime import InputError
from lp_runtime.motion_template import (
    MAX_BYTES,
    angles_of,
    parse_motion_template,
    read_motion_template,
    rotation_matrices,
)


def frame(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "exp": random.standard_normal((1, 21, 3)).astype(np.float32),
        "scale": np.array([[1.2]], np.float32),
        "t": np.array([[0.1, 0.2, 0.3]], np.float32),
        "R": rotation_matrices([[5.0, -10.0, 20.0]]).astype(np.float32),
    } | changes


def template(frames: int = 3, fps: Any = 25, **changes: Any) -> dict[str, Any]:
    return {"n_frames": frames, "output_fps": fps, "motion": [frame(**changes)] * frames}


class TestAngles:
    @given(
        pitch=st.floats(-179, 179),
        yaw=st.floats(-89, 89),
        roll=st.floats(-179, 179),
    )
    def test_angles_return_from_their_rotation(self, pitch: float, yaw: float, roll: float) -> None:
        rotation = rotation_matrices([[pitch, yaw, roll]])[0]
        np.testing.assert_allclose(angles_of(rotation), (pitch, yaw, roll), atol=1e-6)

    @given(
        pitch=st.floats(-179, 179),
        yaw=st.sampled_from([-90.0, 90.0]),
        roll=st.floats(-179, 179),
    )
    def test_at_gimbal_lock_the_rotation_itself_returns(
        self, pitch: float, yaw: float, roll: float
    ) -> None:
        rotation = rotation_matrices([[pitch, yaw, roll]])
        again = rotation_matrices([angles_of(rotation[0])])
        np.testing.assert_allclose(again, rotation, atol=1e-6)

    def test_the_convention_is_the_transposed_product_of_z_y_x(self) -> None:
        pitch, yaw, roll = np.radians([12.0, -25.0, 40.0])
        about_x = np.array(
            [
                [1, 0, 0],
                [0, np.cos(pitch), -np.sin(pitch)],
                [0, np.sin(pitch), np.cos(pitch)],
            ]
        )
        about_y = np.array(
            [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        )
        about_z = np.array(
            [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        )
        np.testing.assert_allclose(
            rotation_matrices([[12.0, -25.0, 40.0]])[0],
            (about_z @ about_y @ about_x).T,
            atol=1e-12,
        )


class TestRealFiles:
    @pytest.mark.parametrize(
        ("name", "fps", "frames"), [("talking", 20, 100), ("laugh", 25, 54), ("d8", 30, 275)]
    )
    def test_published_templates_are_read_exactly(self, name: str, fps: float, frames: int) -> None:
        path = shared_path(f"real/{name}.pkl")
        read = read_motion_template(path)
        assert (read.fps, read.motion.shape) == (fps, (frames, 70))
        assert read.motion.dtype == np.float32
        # The file is trusted here, so that Python's own unpickler can be the judge.
        motion = pickle.loads(path.read_bytes())["motion"]
        rotations = np.concatenate([f["R"] if "R" in f else f["R_d"] for f in motion])
        np.testing.assert_allclose(rotation_matrices(read.motion[:, 67:]), rotations, atol=1e-6)
        for key, part in (("exp", slice(0, 63)), ("scale", slice(63, 64)), ("t", slice(64, 67))):
            values = np.stack([f[key].reshape(-1) for f in motion])
            np.testing.assert_array_equal(read.motion[:, part], values)


class TestFormats:
    @pytest.mark.parametrize("protocol", range(2, 6))
    def test_any_binary_protocol_is_read(self, tmp_path: Path, protocol: int) -> None:
        path = tmp_path / "t.pkl"
        path.write_bytes(pickle.dumps(template(), protocol))
        read = read_motion_template(path)
        np.testing.assert_allclose(read.motion[2, 67:], [5, -10, 20], atol=1e-4)

    def test_the_key_r_d_is_a_rotation_too(self) -> None:
        changed = frame()
        changed["R_d"] = changed.pop("R")
        read = parse_motion_template({"motion": [changed]})
        np.testing.assert_allclose(read.motion[0, 67:], [5, -10, 20], atol=1e-4)

    def test_joyvasa_angles_serve_where_there_is_no_rotation(self) -> None:
        changed = frame(pitch=np.array([[1.0]]), yaw=np.array([2.0]), roll=3.0)
        del changed["R"]
        read = parse_motion_template({"motion": [changed]})
        np.testing.assert_allclose(read.motion[0, 67:], [1, 2, 3])

    def test_extras_of_other_tools_are_ignored(self) -> None:
        content = template(kp=np.zeros((1, 21, 3)), x_s=None) | {"c_eyes_lst": [], "c_lip_lst": []}
        assert parse_motion_template(content).motion.shape == (3, 70)

    def test_flat_expressions_are_accepted(self) -> None:
        assert parse_motion_template(template(exp=np.zeros((1, 63)))).motion.shape == (3, 70)


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "a list": (lambda: [1, 2], "not a motion template"),
    "no motion": (lambda: {"n_frames": 1}, "not a motion template"),
    "no frames": (lambda: {"motion": []}, "number of frames is out of range"),
    "another count": (lambda: template() | {"n_frames": 7}, "not the declared one"),
    "count is text": (lambda: template() | {"n_frames": "3"}, "not the declared one"),
    "frame not a dict": (lambda: {"motion": [1.0]}, r"not a dict(.|\n)*motion\[0\]"),
    "no exp": (lambda: {"motion": [{"scale": 1.0}]}, r"lacks(.|\n)*motion\[0\]\.exp"),
    "no rotation": (
        lambda: {"motion": [{k: v for k, v in frame().items() if k != "R"}]},
        r"motion\[0\]\.R",
    ),
    "exp of 20 points": (lambda: template(exp=np.zeros((1, 20, 3))), "wrong shape(.|\n)*21, 3"),
    "exp transposed": (lambda: template(exp=np.zeros((1, 3, 21))), "wrong shape"),
    "t of 2": (lambda: template(t=np.zeros((1, 2))), r"wrong shape(.|\n)*motion\[0\]\.t"),
    "scale is text": (lambda: template(scale="1"), "not numeric"),
    "exp not finite": (lambda: template(exp=np.full((1, 21, 3), np.nan)), "NaN or infinity"),
    "scale too large": (lambda: template(scale=np.array([[1e300]])), "NaN or infinity"),
    "R not a rotation": (lambda: template(R=np.ones((1, 3, 3))), "not a rotation matrix"),
    "R mirrored": (lambda: template(R=-np.eye(3)[None]), "not a rotation matrix"),
    "fps zero": (lambda: template(fps=0), "frame rate is out of range"),
    "fps not finite": (lambda: template(fps=float("nan")), "frame rate is out of range"),
    "fps is text": (lambda: template(fps="25"), "frame rate is out of range"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    content, text = BAD[name]
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(content()))
    with pytest.raises(InputError, match=text) as caught:
        read_motion_template(path)
    assert "bad.pkl" in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_motion_template(tmp_path / "none.pkl")
    with pytest.raises(InputError, match="cannot be read"):
        read_motion_template(tmp_path)


def test_an_oversized_file_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.pkl"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    with pytest.raises(InputError, match="too large"):
        read_motion_template(path)


def test_endless_nesting_where_a_number_belongs_is_refused(tmp_path: Path) -> None:
    depth = 100_000
    deep = b"]" * depth + b"a" * (depth - 1)
    for key in (b"motion", b"n_frames", b"output_fps"):
        path = tmp_path / "deep.pkl"
        inner = b"\x8c" + bytes([len(key)]) + key + deep + b"s"
        path.write_bytes(b"\x80\x04}" + inner + b".")
        with pytest.raises(InputError):
            read_motion_template(path)
