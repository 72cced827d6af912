"""The detector finds faces, upright and tilted, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from shared_data import shared_path
from skimage import data

from lp_pack.portrait.face_detection import Box, DetectedFace, detect_faces

# In the astronaut's picture, by eye.
LEFT_EYE, RIGHT_EYE = (202.5, 101.0), (246.5, 103.5)


def only_face(picture: np.ndarray) -> DetectedFace:
    faces = detect_faces(picture)
    assert len(faces) == 1
    return faces[0]


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned anticlockwise; grey fills the corners."""
    image = Image.fromarray(picture)
    return np.asarray(
        image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(127, 127, 127))
    )


def angle_between(first: float, second: float) -> float:
    return abs((first - second + 180) % 360 - 180)


def test_the_eyes_of_a_portrait_are_found_within_a_few_pixels(astronaut: np.ndarray):
    face = only_face(astronaut)
    assert math.dist(face.left_eye, LEFT_EYE) < 4
    assert math.dist(face.right_eye, RIGHT_EYE) < 4
    assert 85 < face.box.size < 110
    assert angle_between(face.roll, 3.0) < 3
    # The lips are at (224, 145), by eye.
    assert math.dist(face.mouth, (224, 145)) < 10


@pytest.mark.parametrize("degrees", [-135, -90, -20, -10, 10, 20, 45, 90, 180])
def test_a_turned_face_is_found_with_its_tilt(astronaut: np.ndarray, degrees: int):
    face = only_face(turned(astronaut, degrees))
    assert angle_between(face.roll, 3.0 - degrees) < 6
    assert 80 < face.box.size < 115


def test_a_painting_has_a_face():
    painting = Image.open(shared_path("real/mona_lisa.jpg")).convert("RGB")
    face = only_face(np.asarray(painting))
    assert math.dist(face.left_eye, (304, 297)) < 8
    assert math.dist(face.right_eye, (393, 295)) < 8


@pytest.mark.parametrize("side", [160, 300, 1024, 2048])
def test_the_size_of_the_picture_does_not_matter(astronaut: np.ndarray, side: int):
    scaled = np.asarray(Image.fromarray(astronaut).resize((side, side)))
    face = only_face(scaled)
    scale = side / 512
    assert math.dist(face.left_eye, np.multiply(LEFT_EYE, scale)) < 5 * scale
    assert 85 * scale < face.box.size < 110 * scale


def test_a_small_face_in_a_large_picture_is_found(astronaut: np.ndarray):
    large = np.full((2000, 3000, 3), 127, dtype=np.uint8)
    large[200:712, 100:612] = astronaut
    face = only_face(large)
    assert math.dist(face.left_eye, (LEFT_EYE[0] + 100, LEFT_EYE[1] + 200)) < 6


def test_two_faces_are_both_found_largest_first(astronaut: np.ndarray):
    smaller = np.asarray(Image.fromarray(astronaut).resize((300, 300)))
    both = np.full((512, 812, 3), 127, dtype=np.uint8)
    both[:300, :300] = smaller
    both[:, 300:] = astronaut
    faces = detect_faces(both)
    assert len(faces) == 2
    assert faces[0].box.size > 1.4 * faces[1].box.size
    assert faces[0].box.x > 300 > faces[1].box.x


@pytest.mark.parametrize("picture", ["coffee", "chelsea", "coins", "camera", "brick"])
def test_pictures_without_a_frontal_face_have_none(picture: str):
    pixels = getattr(data, picture)()
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    assert detect_faces(pixels) == []


def test_noise_and_flat_pictures_have_no_face():
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    assert detect_faces(noise) == []
    assert detect_faces(np.zeros((128, 128, 3), dtype=np.uint8)) == []


def test_the_overlap_of_boxes_is_shared_area_over_joint_area():
    box = Box(0, 0, 10)
    assert box.overlap(box) == 1.0
    assert box.overlap(Box(5, 0, 10)) == pytest.approx(50 / 150)
    assert box.overlap(Box(10, 0, 10)) == 0.0
