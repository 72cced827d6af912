"""Motion files in every form that is read, and everything that is refused."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lp_pack.dataset.motion_files import read_motion_file
from lp_pack.errors import DatasetError
from lp_runtime.motion_template import rotation_matrices

FRAMES = 6


def parts() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "exp": generator.uniform(-0.05, 0.05, (FRAMES, 21, 3)).astype(np.float32),
        "scale": np.full((FRAMES, 1), 1.2, np.float32),
        "t": generator.uniform(-0.1, 0.1, (FRAMES, 3)).astype(np.float32),
        "pitch": generator.uniform(-20, 20, (FRAMES, 1)).astype(np.float32),
        "yaw": generator.uniform(-20, 20, (FRAMES, 1)).astype(np.float32),
        "roll": generator.uniform(-20, 20, (FRAMES, 1)).astype(np.float32),
    }


def vector(content: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(FRAMES, -1) for array in content.values()], axis=1)


def test_every_form_gives_the_same_numbers(tmp_path: Path) -> None:
    content = parts()
    expected = vector(content)
    np.save(tmp_path / "array.npy", expected)
    np.savez(tmp_path / "whole.npz", motion=expected)
    np.savez(tmp_path / "parts.npz", **content)
    (tmp_path / "array.pkl").write_bytes(pickle.dumps(expected))
    (tmp_path / "parts.pkl").write_bytes(pickle.dumps(content))
    for path in sorted(tmp_path.iterdir()):
        template = read_motion_file(path)
        np.testing.assert_array_equal(template.motion, expected, err_msg=path.name)
        assert template.fps == 25


def test_the_frame_rate_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", motion=vector(parts()), fps=30)
    assert read_motion_file(tmp_path / "a.npz").fps == 30


angle = st.floats(-89.0, 89.0, allow_nan=False)


@given(angles=st.lists(st.tuples(angle, angle, angle), min_size=FRAMES, max_size=FRAMES))
def test_rotations_become_angles_exactly(
    angles: list[tuple[float, float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = parts()
    for name in ("pitch", "yaw", "roll"):
        del content[name]
    rotations = rotation_matrices(np.array(angles))
    path = tmp_path_factory.mktemp("r") / "r.npz"
    np.savez(path, R=rotations, **content)
    read = read_motion_file(path).motion[:, 67:]
    np.testing.assert_allclose(rotation_matrices(read), rotations, atol=2e-6)


def refused(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_motion_file(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_a_matrix_that_is_no_rotation_is_named_with_its_frame(tmp_path: Path) -> None:
    content = parts()
    rotations = np.repeat(np.eye(3)[None], FRAMES, axis=0)
    rotations[4, 0, 0] = 0.5
    path = tmp_path / "r.npz"
    np.savez(path, R=rotations, **{name: content[name] for name in ("exp", "scale", "t")})
    assert "frame 4, R" in refused(path)


def test_normalised_motion_is_recognised_by_its_scale(tmp_path: Path) -> None:
    motion = vector(parts())
    motion[2, 63] = -0.4
    np.save(tmp_path / "a.npy", motion)
    assert "frame 2, scale" in refused(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(FRAMES, 69), (0, 70), (70,), (2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(shape, np.float32))
    assert "another shape" in refused(tmp_path / "a.npy")


def test_parts_of_different_length_are_refused(tmp_path: Path) -> None:
    content = parts() | {"t": np.zeros((FRAMES + 1, 3), np.float32)}
    np.savez(tmp_path / "a.npz", **content)
    assert "equally long" in refused(tmp_path / "a.npz")


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    content = parts()
    del content["scale"]
    np.savez(tmp_path / "a.npz", **content)
    assert "scale" in refused(tmp_path / "a.npz")


def test_texts_and_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.full((FRAMES, 70), "1.0"))
    refused(tmp_path / "text.npy")
    np.savez(tmp_path / "object.npz", motion=np.array([{}], dtype=object))
    refused(tmp_path / "object.npz")


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lp_pack.dataset.motion_files.MAX_BYTES", 100_000)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((5000, 70), np.float32))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("motion.npy", buffer.getvalue())
    assert (tmp_path / "bomb.npz").stat().st_size < 100_000
    assert "unpacks to too much" in refused(tmp_path / "bomb.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pkl", "a.txt"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"PK\x03\x04 torn"])
def test_torn_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name)


def test_a_frame_rate_out_of_range_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", motion=vector(parts()), fps=np.nan)
    assert "frame rate" in refused(tmp_path / "a.npz")
