"""One bundle, one sound, Python and C++: tensors agree to 1e-5, pictures to 1 of 255."""

from __future__ import annotations

import ctypes
from pathlib import Path

import cv2
import numpy as np
import pytest
from native_bridge import NativeBridge
from native_session import NativeFrame, NativeSession
from tiny_bundle import build_tiny_bundle, record

from lp_runtime.background import ChromaKey, make_background
from lp_runtime.bundle import Bundle
from lp_runtime.composer import Composer
from lp_runtime.controls import labelled_control
from lp_runtime.golden import self_check
from lp_runtime.pipeline import Session

TENSOR_TOLERANCE = 1e-5


def speech(frames: float, seed: int = 11) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.uniform(-0.5, 0.5, int(frames * 640)).astype(np.float32)


def python_values(session: Session, sound: np.ndarray) -> list[dict[str, np.ndarray]]:
    wanted = ("motion", "keypoints", "frame")
    return [*session.push_pcm(sound, wanted), *session.flush(wanted)]


def native_play(session: NativeSession, sound: np.ndarray) -> list[NativeFrame]:
    session.push(sound)
    session.flush()
    return session.render_all()


@pytest.mark.parametrize("frames", [0.3, 1.0, 6.4])
@pytest.mark.parametrize("look_ahead", [0, 2])
def test_values_agree_frame_by_frame(
    bridge: NativeBridge, tmp_path: Path, frames: float, look_ahead: int
) -> None:
    path = build_tiny_bundle(tmp_path / "b.lpbundle", look_ahead_frames=look_ahead).path
    sound = speech(frames)
    expected = python_values(Bundle.open(path).session(threads=1), sound)
    with NativeSession(bridge, path) as session:
        for name in ("motion", "keypoints", "frame"):
            session.watch(name)
        session.push(sound)
        session.flush()
        for index, values in enumerate(expected):
            frame = session.render()
            assert frame.index == index
            for name, array in values.items():
                difference = np.abs(session.value(name) - array.reshape(-1)).max()
                assert difference <= TENSOR_TOLERANCE, name
        assert session.call("lp_render", *_surface(session), 0, None) == "LP_NO_FRAME"


def _surface(session: NativeSession) -> tuple[object, ...]:
    buffer = np.zeros(session.info.width_px * session.info.height_px * 4, np.uint8)
    surface = session.surface(buffer, session.info.width_px * 4)
    surface.keep = buffer
    return (ctypes.byref(surface),)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("paste_back", [True, False])
def test_pictures_agree(
    bridge: NativeBridge, pristine: Path, precision: str, paste_back: bool
) -> None:
    bundle = Bundle.open(pristine)
    session = bundle.session(precision=precision, threads=1)
    composer = Composer(bundle, session, paste_back=paste_back)
    sound = speech(4)
    expected = [composer(values["frame"]) for values in python_values(session, sound)]
    picture = bridge.constants["LP_PICTURE_PORTRAIT" if paste_back else "LP_PICTURE_FRAME"]
    with NativeSession(bridge, pristine, precision=precision.encode(), picture=picture) as native:
        frames = native_play(native, sound)
    assert len(frames) == len(expected)
    for frame, pixels in zip(frames, expected, strict=True):
        assert np.abs(frame.pixels[..., :3].astype(int) - pixels).max() <= 1
        assert (frame.pixels[..., 3] == 255).all()


def test_emotion_and_reference_act_as_in_python(bridge: NativeBridge, pristine: Path) -> None:
    bundle = Bundle.open(pristine)
    session = bundle.session(threads=1)
    name, value = labelled_control(bundle.manifest.pipeline, "happy", 0.7)
    reference = np.random.default_rng(5).normal(size=(1, 70)).astype(np.float32)
    session.set(name, value)
    session.set("reference_motion", reference)
    sound = speech(3)
    expected = python_values(session, sound)
    with NativeSession(bridge, pristine) as native:
        native.watch("keypoints")
        native.set_emotion("happy", 0.7)
        native.set_control("reference_motion", reference)
        native.push(sound)
        native.flush()
        for values in expected:
            native.render()
            got = native.value("keypoints")
            assert np.abs(got - values["keypoints"].reshape(-1)).max() <= TENSOR_TOLERANCE


def test_sixteen_bit_sound_is_the_same_sound(bridge: NativeBridge, pristine: Path) -> None:
    numbers = np.random.default_rng(1).integers(-32768, 32767, 1500).astype(np.int16)
    with NativeSession(bridge, pristine) as native:
        first = native_play(native, numbers)
        second = native_play(native, (numbers / np.float32(32768)).astype(np.float32))
    for a, b in zip(first, second, strict=True):
        assert (a.pixels == b.pixels).all()


def test_golden_figures_agree(bridge: NativeBridge, pristine: Path) -> None:
    bundle = Bundle.open(pristine)
    for precision in ("fp32", "fp16"):
        figures = self_check(bundle, bundle.session(precision=precision, threads=1))
        with NativeSession(bridge, pristine, precision=precision.encode()) as native:
            result = native.self_check()
            report = native.json("lp_self_check_report")
        assert result.compared == len(figures)
        assert result.failed == 0
        expected = {(f.case, f.tensor): f for f in figures}
        for entry in report:
            figure = expected[entry["case"], entry["tensor"]]
            assert entry["threshold"] == figure.threshold.name
            assert entry["passed"]
            assert entry["worst"] == pytest.approx(figure.worst, rel=1e-2, abs=1e-5)


class TestCompositing:
    """Paste-back and chroma key on pictures with real content, not a tiny bundle's noise."""

    SIZE = 16

    @pytest.fixture
    def scene(self, tmp_path: Path) -> Path:
        """A bundle with a rotated, enlarging paste-back into a green-screen portrait."""
        tiny = build_tiny_bundle(tmp_path / "scene.lpbundle")
        random = np.random.default_rng(2)
        portrait = np.zeros((72, 80, 3), np.uint8)
        portrait[:] = (40, 200, 30)
        cv2.ellipse(portrait, (40, 44), (22, 26), 0, 0, 360, (60, 90, 180), -1)
        portrait = cv2.GaussianBlur(portrait, (0, 0), 1.2)
        portrait += random.integers(0, 5, portrait.shape, dtype=np.uint8)
        mask = cv2.GaussianBlur(
            cv2.rectangle(np.zeros((16, 16), np.uint8), (3, 3), (12, 12), 255, -1), (0, 0), 1.5
        )
        for name, picture in (("portrait", portrait), ("mask", mask)):
            cv2.imwrite(str(tiny.path / f"assets/{name}.png"), picture)

        def change(data: dict) -> None:
            data["assets"] = [
                {"path": r.path, "sha256": r.sha256, "bytes": r.bytes}
                for r in (
                    record(tiny.path, tiny.path / f"assets/{name}.png")
                    for name in ("portrait", "mask")
                )
            ]
            data["paste_back"]["frame_to_portrait"] = [[1.9, -0.3, 27.2], [0.3, 1.9, 22.4]]

        tiny.rewrite(change)
        return tiny.path

    def expected(self, scene: Path, background: str | None = None) -> list[np.ndarray]:
        bundle = Bundle.open(scene)
        session = bundle.session(threads=1)
        composer = Composer(bundle, session, background=background)
        return [composer(values["frame"]) for values in python_values(session, speech(4))]

    def test_paste_back(self, bridge: NativeBridge, scene: Path) -> None:
        with NativeSession(bridge, scene) as native:
            frames = native_play(native, speech(4))
        for frame, pixels in zip(frames, self.expected(scene), strict=True):
            assert np.abs(frame.pixels[..., :3].astype(int) - pixels).max() <= 1

    def test_colour_behind_the_figure(self, bridge: NativeBridge, scene: Path) -> None:
        with NativeSession(bridge, scene) as native:
            assert native.info.has_plain_background == 1
            native.set_background(kind=1, red=200, green=16, blue=90, alpha=255)
            frames = native_play(native, speech(4))
        for frame, pixels in zip(frames, self.expected(scene, "#c8105a"), strict=True):
            assert np.abs(frame.pixels[..., :3].astype(int) - pixels).max() <= 1
            assert (frame.pixels[..., 3] == 255).all()

    @pytest.mark.parametrize("size", [(31, 23), (300, 170), (80, 72)])
    def test_picture_behind_the_figure(
        self, bridge: NativeBridge, scene: Path, tmp_path: Path, size: tuple[int, int]
    ) -> None:
        width, height = size
        noise = np.random.default_rng(4).integers(0, 256, (height, width, 3), dtype=np.uint8)
        picture = cv2.GaussianBlur(noise, (0, 0), 1.5)
        cv2.imwrite(str(tmp_path / "behind.png"), picture[..., ::-1])
        with NativeSession(bridge, scene) as native:
            native.set_background_picture(picture)
            frames = native_play(native, speech(4))
        expected = self.expected(scene, str(tmp_path / "behind.png"))
        for frame, pixels in zip(frames, expected, strict=True):
            assert np.abs(frame.pixels[..., :3].astype(int) - pixels).max() <= 1

    def test_transparent_background_composes_to_the_same_picture(
        self, bridge: NativeBridge, scene: Path
    ) -> None:
        """Blending the straight-alpha result over a colour gives what that colour gives."""
        with NativeSession(bridge, scene) as native:
            native.set_background(kind=1, alpha=0)
            clear = native_play(native, speech(4))[0].pixels.astype(float)
        alpha = clear[..., 3:] / 255
        behind = make_background("#c8105a", clear.shape[1], clear.shape[0])
        blended = alpha * clear[..., :3] + (1 - alpha) * behind
        # Light below zero is cut off before or after blending: a few levels, at edges only.
        difference = np.abs(blended - self.expected(scene, "#c8105a")[0])
        assert np.median(difference) <= 1
        assert (difference > 8).mean() < 0.02
        assert (alpha == 0).any()
        assert (alpha == 1).any()

    def test_python_key_sees_the_same_scene(self, scene: Path) -> None:
        """The scene must exercise the key: background, figure and mixtures all occur."""
        bundle = Bundle.open(scene)
        assert bundle.manifest.paste_back is not None
        portrait = cv2.imread(str(bundle.asset(bundle.manifest.paste_back.portrait)))[..., ::-1]
        weight = ChromaKey.from_picture(portrait).figure_weight(portrait)
        assert (weight == 0).any()
        assert (weight == 1).any()
        assert ((weight > 0) & (weight < 1)).any()
