"""The C++ runtime against the Python runtime: one machine, one bundle, in turn.

    lp-pack build -o demo.lpbundle
    python benchmarks/native_vs_python.py demo.lpbundle [--rounds 9] [--seconds 2] [--threads 2]

For each scene, both runtimes play the same sound one after the other, so that whatever else the
machine does hits both. "C++" and "Python" are medians of the processor time of a frame, all
threads together; the ratio is the median over the rounds, with its quartiles, and beside it that
of the time on the clock. "drawing" is the processor time of the compositing alone
(lp_render_again), "overhead" the time that a frame takes outside the engine (lp_statistics), both
of the C++ runtime, as medians. The large portrait is the bundle's own, enlarged, with a turned and
feathered frame in it.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from lp_runtime import Bundle
from lp_runtime.composer import Composer

# The C++ library is built and driven the way the tests do it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from native_bridge import NativeBridge, library_path
from native_session import NativeSession

REDRAWS = 100
LARGE = 1024
TURN_DEGREES = 7.0
BACKGROUND = "#204060"


@dataclass(frozen=True)
class Scene:
    """What is played and drawn."""

    name: str
    bundle: Path
    is_portrait: bool = True
    background: str | None = None


@dataclass(frozen=True)
class Result:
    """Milliseconds a frame, and how many times Python's cost is C++'s (median and quartiles)."""

    scene: str
    native_ms: float
    python_ms: float
    speedup: float
    quartiles: tuple[float, float]
    clock_speedup: float
    drawing_ms: float
    overhead_ms: float
    overhead_p95_ms: float


def enlarged(original: Path, folder: Path) -> Path:
    """A copy of the bundle whose frame fills most of a large portrait, turned a little."""
    copy = folder / "large.lpbundle"
    shutil.copytree(original, copy)
    data = json.loads((copy / "manifest.json").read_bytes())
    side = data["pipeline"]["frame"]["width"]
    portrait = cv2.imread(str(copy / data["paste_back"]["portrait"]))
    mask = np.zeros((side, side), np.uint8)
    cv2.rectangle(mask, (side // 10, side // 10), (side - side // 10, side - side // 10), 255, -1)
    pictures = {
        "portrait": cv2.resize(portrait, (LARGE, LARGE), interpolation=cv2.INTER_CUBIC),
        "mask": cv2.GaussianBlur(mask, (0, 0), side / 40),
    }
    for role, picture in pictures.items():
        path = data["paste_back"][role]
        cv2.imwrite(str(copy / path), picture)
        content = (copy / path).read_bytes()
        for entry in data["assets"]:
            if entry["path"] == path:
                entry["bytes"] = len(content)
                entry["sha256"] = hashlib.sha256(content).hexdigest()
    middle = (side / 2 - 0.5, side / 2 - 0.5)
    turned = cv2.getRotationMatrix2D(middle, TURN_DEGREES, 1.4)
    turned[:, 2] += LARGE / 2 - side / 2
    data["paste_back"]["frame_to_portrait"] = turned.tolist()
    (copy / "manifest.json").write_text(json.dumps(data))
    return copy


def scenes(bundle: Path, folder: Path) -> list[Scene]:
    """The bare frame, the bundle's own portrait and a large one, with and without a background."""
    large = enlarged(bundle, folder)
    return [
        Scene("bare frame", bundle, is_portrait=False),
        Scene("own portrait", bundle),
        Scene("own portrait, colour behind", bundle, background=BACKGROUND),
        Scene(f"portrait {LARGE}", large),
        Scene(f"portrait {LARGE}, colour behind", large, background=BACKGROUND),
    ]


def native_player(scene: Scene, session: NativeSession) -> Callable[[np.ndarray], int]:
    """Plays a sound in C++ and returns how many frames were drawn."""
    info = session.info
    buffer = np.zeros(info.width_px * info.height_px * 4, np.uint8)
    surface = session.surface(buffer, info.width_px * 4)
    surface.memory = buffer  # the surface holds only its address
    frame = session.bridge.new("lp_frame_info")
    if scene.background:
        red, green, blue = bytes.fromhex(scene.background[1:])
        session.set_background(kind=1, red=red, green=green, blue=blue, alpha=255)

    def play(sound: np.ndarray) -> int:
        session.push(sound)
        session.flush()
        frame.is_last, count = 0, 0
        while not frame.is_last:
            status = session.call("lp_render", ctypes.byref(surface), 20_000, ctypes.byref(frame))
            if status != "LP_OK":
                raise click.ClickException(f"lp_render: {status}")
            count += 1
        return count

    return play


def python_player(scene: Scene, threads: int) -> Callable[[np.ndarray], int]:
    """Plays a sound in Python and returns how many frames were drawn."""
    bundle = Bundle.open(scene.bundle)
    session = bundle.session(target="onnx", precision="fp32", threads=threads)
    composer = Composer(bundle, session, paste_back=scene.is_portrait, background=scene.background)

    def play(sound: np.ndarray) -> int:
        count = 0
        for stream in (session.push_pcm(sound), session.flush()):
            for values in stream:
                composer(values["frame"])
                count += 1
        session.reset()
        return count

    return play


def redraw_ms(session: NativeSession) -> float:
    """Median processor time of drawing one frame again."""
    buffer = np.zeros(session.info.width_px * session.info.height_px * 4, np.uint8)
    surface = session.surface(buffer, session.info.width_px * 4)
    times = []
    for _ in range(REDRAWS):
        start = time.thread_time()
        session.call("lp_render_again", ctypes.byref(surface))
        times.append(time.thread_time() - start)
    return float(np.median(times)) * 1e3


def measure(
    bridge: NativeBridge, scene: Scene, sound: np.ndarray, rounds: int, threads: int
) -> Result:
    """Play the scene in both runtimes, in turn."""
    picture = bridge.constants["LP_PICTURE_PORTRAIT" if scene.is_portrait else "LP_PICTURE_FRAME"]
    with NativeSession(
        bridge, scene.bundle, precision=b"fp32", picture=picture, thread_count=threads
    ) as session:
        players = (native_player(scene, session), python_player(scene, threads))
        for play in players:
            play(sound[: len(sound) // 4])
        # Rounds, runtimes, (processor, clock).
        milliseconds = np.zeros((rounds, 2, 2))
        for row in milliseconds:
            for column, play in enumerate(players):
                start = np.array([time.process_time(), time.perf_counter()])
                count = play(sound)
                end = np.array([time.process_time(), time.perf_counter()])
                row[column] = (end - start) / count * 1e3
        drawing, statistics = redraw_ms(session), session.statistics()
    ratios = milliseconds[:, 1] / milliseconds[:, 0]
    low, high = np.quantile(ratios[:, 0], (0.25, 0.75))
    native, python = np.median(milliseconds[:, :, 0], axis=0)
    speedup, clock_speedup = np.median(ratios, axis=0)
    return Result(
        scene.name,
        float(native),
        float(python),
        float(speedup),
        (float(low), float(high)),
        float(clock_speedup),
        drawing,
        statistics.overhead_p50_ms,
        statistics.overhead_p95_ms,
    )


@click.command()
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=9, show_default=True, help="Times that each runtime plays.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of the sound.")
@click.option("--threads", default=2, show_default=True, help="Threads of the engine.")
def main(bundle: Path, rounds: int, seconds: float, threads: int) -> None:
    """Print one row a scene."""
    bridge = NativeBridge(library_path())
    rate = Bundle.open(bundle).manifest.pipeline.sample_rate
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, round(seconds * rate))
    click.echo(
        f"{'scene':32} {'C++ ms':>7} {'Python':>7} {'ratio':>6} {'quartiles':>11} {'clock':>6} "
        f"{'drawing':>8} {'overhead':>9} {'p95':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for scene in scenes(bundle, Path(folder)):
            row = measure(bridge, scene, noise.astype(np.float32), rounds, threads)
            low, high = row.quartiles
            click.echo(
                f"{row.scene:32} {row.native_ms:7.2f} {row.python_ms:7.2f} {row.speedup:6.2f} "
                f"{low:5.2f}-{high:5.2f} {row.clock_speedup:6.2f} {row.drawing_ms:8.2f} "
                f"{row.overhead_ms:9.2f} "
                f"{row.overhead_p95_ms:6.2f}"
            )


if __name__ == "__main__":
    main()
