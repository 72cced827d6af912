"""Cost of listening, and what hours of it do: python benchmarks/streaming.py --hours 8

Plays 48 kHz stereo through `SpeechStream` into an Audio2Motion graph on ONNX Runtime, one thread,
and prints for every hour: CPU time relative to real time, memory, and how the motion is spread. A
drift would show in mean or spread, a leak in memory.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click
import msgspec
import numpy as np
import psutil

from lp_models.audio2motion import Audio2Motion
from lp_pack.demo.judge_audio2motion import WEIGHTS
from lp_pack.export.onnx import export_onnx
from lp_pack.manifest import make_pipeline, onnx_graph_file
from lp_pack.speech.espeak import Voice, espeak
from lp_runtime.engines import EngineOptions, engine_for
from lp_runtime.manifest import FrameFormat
from lp_runtime.pipeline import Session
from lp_runtime.streaming import SpeechStream

RATE = 48_000
CHUNK_SECONDS = 0.02
TEXT = "Speech that goes on and on, hour after hour, must neither drift nor grow. " * 3


def motion_session(weights: Path, folder: Path) -> Session:
    """A session of one graph, whose frame is the motion."""
    model = Audio2Motion.load(weights)
    path = folder / "audio2motion.onnx"
    export_onnx(model, path, "audio2motion")
    pipeline = make_pipeline(model, "absolute", np.zeros(70, np.float32), 512)
    pipeline = msgspec.structs.replace(
        pipeline, steps=pipeline.steps[:1], frame=FrameFormat(value="motion", width=1, height=1)
    )
    graph = onnx_graph_file(path, path.name)
    loaded = engine_for("onnx").load(path, graph, EngineOptions(threads=1))
    return Session(pipeline, {"audio2motion": graph}, {"audio2motion": loaded})


def spoken() -> np.ndarray:
    """Some seconds of speech with a pause, (n, 2) int16 at 48 kHz."""
    samples = espeak().speak(TEXT, Voice()).samples
    held = np.repeat(np.concatenate([samples, np.zeros(16_000, np.float32)]), 3)
    return np.stack([held, held], axis=1).astype(np.float32)


@click.command()
@click.option("--hours", default=0.1, show_default=True, help="Hours of sound.")
@click.option(
    "--weights", type=click.Path(path_type=Path), default=WEIGHTS, help="Audio2Motion checkpoint."
)
def main(hours: float, weights: Path) -> None:
    """Print one line for every hour of sound, or for all of it when it is shorter."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as temporary:
        session = motion_session(weights, Path(temporary))
    stream = SpeechStream(session, RATE, 2)
    sound = np.round(spoken() * 32767).astype(np.int16)
    size = round(CHUNK_SECONDS * RATE)
    chunks = [sound[at : at + size] for at in range(0, len(sound), size)]
    click.echo("hours  CPU/real time  real time factor  MB  mean |motion|  largest |motion|")
    done, span = 0.0, min(hours, 1.0)
    while done < hours - 1e-9:
        heard, total, largest, count = 0.0, 0.0, 0.0, 0
        cpu, wall = time.process_time(), time.monotonic()
        while heard < 3600 * span:
            for chunk in chunks:
                for values in stream.push(chunk):
                    size_of_motion = float(np.abs(values["motion"]).mean())
                    total += size_of_motion
                    largest = max(largest, size_of_motion)
                    count += 1
                heard += len(chunk) / RATE
        done += span
        click.echo(
            f"{done:5.2f}  {(time.process_time() - cpu) / heard:13.4%}  "
            f"{heard / (time.monotonic() - wall):16.0f}  {process.memory_info().rss / 1e6:.1f}  "
            f"{total / count:.5f}  {largest:.5f}"
        )


if __name__ == "__main__":
    main()
