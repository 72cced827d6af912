"""Measure a bundle from sound to shown frame: latency per graph and frame, first frame, memory."""

from __future__ import annotations

import multiprocessing
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import psutil

from lp_pack.target_engines import evaluates_programs, packager_engine
from lp_runtime.bundle import Bundle
from lp_runtime.composer import Composer
from lp_runtime.errors import InputError
from lp_runtime.latency import LatencySummary, Timings, peak_memory_mb
from lp_runtime.manifest import Measurement, Precision, Target
from lp_runtime.pipeline import Session
from lp_runtime.processors import available_processors, default_threads

FRAME, PASTE_BACK = "frame", "paste_back"
DEFAULT_FRAMES = 250
DEFAULT_SECONDS = 60.0
# The first frame is measured again this often after a reset, for the figure of a warm start.
WARM_STARTS = 5
SOUND_SEED = 0
# The run is cut into so many parts; how far their medians lie apart is the figure's spread.
PARTS = 5
# A sustained run is told in so many windows, the first against the last.
WINDOWS = 10
DEFAULT_THREADS = (1, 2)


@dataclass(frozen=True)
class BenchOptions:
    """What to measure."""

    target: Target = "onnx"
    precision: Precision = "fp32"
    threads: int | None = None
    frames: int = DEFAULT_FRAMES
    # Stop earlier when this is used up; a full-size generator takes seconds for each frame.
    max_seconds: float = DEFAULT_SECONDS
    # Sound to play, repeated if it is short; None plays seeded bursts of noise.
    audio: Path | None = None
    paste_back: bool = True
    low_memory: bool = False
    # Go on playing for so long after the timed frames, to see the machine grow warm; 0: do not.
    sustained_minutes: float = 0.0


@dataclass(frozen=True)
class SustainedRun:
    """Frames played without a pause for minutes."""

    minutes: float
    frames: int
    # Median milliseconds of a frame in each of several windows of equal length.
    window_medians_ms: tuple[float, ...]

    @property
    def drift(self) -> float:
        """How much longer a frame took in the last window than in the first; 0.1 is 10 %."""
        return self.window_medians_ms[-1] / self.window_medians_ms[0] - 1

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**vars(self), "drift": self.drift}


@dataclass(frozen=True)
class BenchReport:
    """The figures of one variant on this machine."""

    machine: str
    engine: str
    # The programs were evaluated by lp-pack: no phone is as slow, and none was asked.
    evaluated: bool
    # Load of the machine over the last minute before the run, where the system tells.
    load_average: float | None
    target: Target
    precision: Precision
    threads: int
    frames: int
    deadline_ms: float
    # By graph name, then "paste_back" (frame value to shown picture) and "frame" (all of it).
    latency: Mapping[str, LatencySummary]
    # Smallest and largest median of a whole frame over parts of the run, in milliseconds.
    frame_spread_ms: tuple[float, float]
    frames_per_second: float
    # Time of all processors together.
    cpu_ms_per_frame: float
    # Opening the bundle and its graphs: the first time in a process, engine included, and again.
    load_cold_ms: float
    load_warm_ms: float
    # From the first sample to the first picture: the sound that must be heard for it (frame and
    # look-ahead), and the time to compute it; right after loading, and after a reset.
    first_frame_cold_ms: float
    first_frame_warm_ms: float
    peak_memory_mb: float
    # Resident after the frames, the graphs still loaded.
    steady_memory_mb: float
    width: int
    height: int
    sustained: SustainedRun | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        latency = {name: summary.as_dict() for name, summary in self.latency.items()}
        sustained = None if self.sustained is None else self.sustained.as_dict()
        return {**vars(self), "latency": latency, "sustained": sustained}

    def measurement(self) -> Measurement:
        """The part that a manifest keeps."""
        first = {"cold": self.first_frame_cold_ms, "warm": self.first_frame_warm_ms}
        table = {name: summary.as_dict() for name, summary in self.latency.items()}
        return Measurement(
            machine=self.machine,
            target=self.target,
            precision=self.precision,
            threads=self.threads,
            frames=self.frames,
            latency_ms={
                **table,
                "first_audio_to_first_frame": first,
                "load": {"cold": self.load_cold_ms, "warm": self.load_warm_ms},
                "cpu": {"per_frame": self.cpu_ms_per_frame},
            },
            peak_memory_mb=self.peak_memory_mb,
        )


def bench_bundle(path: Path, options: BenchOptions) -> BenchReport:
    """Measure one variant in this process.

    The peak memory is the whole process's: call `bench_in_fresh_process` for an honest figure.
    Raises InputError, BundleError or EngineError when the variant cannot be played.
    """
    if options.frames < 1:
        raise InputError(
            "There is nothing to measure.", expected="1 frame or more", got=options.frames
        )
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    start = perf_counter()
    session, composer = _load(path, options)
    cold_load = (perf_counter() - start) * 1e3
    chunks = _sound(session, options)
    session.timings = Timings()
    cold = _time_first_frame(session, composer, chunks)
    cpu_before = process_time()
    seconds = _time_frames(session, composer, chunks, options.max_seconds)
    cpu = process_time() - cpu_before
    steady = psutil.Process().memory_info().rss / 1e6
    peak = peak_memory_mb()
    timings, session.timings = session.timings, None
    latency = timings.summaries(_period_ms(session))
    frames = latency[FRAME].count
    starts = WARM_STARTS if seconds < options.max_seconds else 1
    warm = [_time_first_frame(session, composer, chunks) for _ in range(starts)]
    sustained = _sustained(session, composer, chunks, options.sustained_minutes)
    start = perf_counter()
    _load(path, options)
    warm_load = (perf_counter() - start) * 1e3
    return BenchReport(
        machine=machine_name(),
        engine=packager_engine(options.target).version(),
        evaluated=evaluates_programs(options.target),
        load_average=load_average,
        target=options.target,
        precision=options.precision,
        threads=options.threads or default_threads(),
        frames=frames,
        deadline_ms=_period_ms(session),
        latency=latency,
        frame_spread_ms=spread(timings.milliseconds[FRAME]),
        frames_per_second=frames / seconds,
        cpu_ms_per_frame=cpu * 1e3 / frames,
        load_cold_ms=cold_load,
        load_warm_ms=warm_load,
        first_frame_cold_ms=cold,
        first_frame_warm_ms=float(np.median(warm)),
        peak_memory_mb=peak,
        steady_memory_mb=steady,
        width=composer.size[0],
        height=composer.size[1],
        sustained=sustained,
    )


def spread(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Smallest and largest median over consecutive parts of a series, the first value left out."""
    steady = np.asarray(milliseconds[1:] or milliseconds)
    medians = [float(np.median(part)) for part in np.array_split(steady, min(PARTS, len(steady)))]
    return min(medians), max(medians)


def bench_in_fresh_process(path: Path, options: BenchOptions) -> BenchReport:
    """`bench_bundle` in a process of its own, whose memory holds nothing but the playing."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(bench_bundle, path, options).result()


def bench_variants(
    path: Path,
    options: BenchOptions,
    precision: Precision | None,
    threads: Sequence[int] = DEFAULT_THREADS,
) -> Iterator[BenchReport]:
    """Measure one precision, or with None every precision that the bundle has for the target.

    Each precision is measured with each number of threads; the reports come one by one, so that
    an interrupted run keeps what it has.
    """
    manifest = Bundle.open(path).manifest
    available = [v.precision for v in manifest.variants if v.target == options.target]
    if not available:
        raise InputError(
            f"The bundle has no graphs for the target '{options.target}'.",
            where=path,
            expected=" or ".join(sorted({v.target for v in manifest.variants})),
            got=options.target,
        )
    wanted = available if precision is None else [precision]
    for one in wanted:
        for count in threads:
            yield bench_in_fresh_process(path, replace(options, precision=one, threads=count))


def machine_name() -> str:
    """Processor, cores at hand and system; nothing that identifies the owner."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    return f"{processor}, {available_processors()} cores, {platform.system()} {platform.machine()}"


def _load(path: Path, options: BenchOptions) -> tuple[Session, Composer]:
    bundle = Bundle.open(path, verify=False)
    threads = options.threads or default_threads()
    engine = packager_engine(options.target)
    session = bundle.session(options.target, options.precision, threads, options.low_memory, engine)
    return session, Composer(bundle, session, options.paste_back)


def _sustained(
    session: Session, composer: Composer, chunks: list[np.ndarray], minutes: float
) -> SustainedRun | None:
    """Play the chunks over and over for `minutes`."""
    if minutes <= 0:
        return None
    milliseconds: list[float] = []
    start = perf_counter()
    while perf_counter() - start < minutes * 60:
        session.timings = Timings()
        _time_frames(session, composer, chunks, minutes * 60 - (perf_counter() - start))
        milliseconds += session.timings.milliseconds[FRAME]
    session.timings = None
    windows = np.array_split(np.asarray(milliseconds), min(WINDOWS, len(milliseconds)))
    return SustainedRun(
        minutes=(perf_counter() - start) / 60,
        frames=len(milliseconds),
        window_medians_ms=tuple(float(np.median(window)) for window in windows),
    )


def _time_first_frame(session: Session, composer: Composer, chunks: list[np.ndarray]) -> float:
    """Milliseconds from the first sample to the first picture, from a fresh start.

    Sound arrives in real time, so all but the last push hide behind the wait for the next chunk.
    """
    session.reset()
    for count, chunk in enumerate(chunks, start=1):
        start = perf_counter()
        for values in session.push_pcm(chunk):
            composer(values[session.pipeline.frame.value])
            computed = (perf_counter() - start) * 1e3
            session.reset()
            return count * _period_ms(session) + computed
    raise InputError("No frame came out.", expected="more sound", got=f"{len(chunks)} chunks")


def _time_frames(
    session: Session, composer: Composer, chunks: list[np.ndarray], max_seconds: float
) -> float:
    """Play the chunks as fast as they go; returns seconds for the frames that came out."""
    assert session.timings is not None
    session.reset()
    total = 0.0
    for chunk in chunks:
        start = perf_counter()
        for values in session.push_pcm(chunk):
            with session.timings.measure(PASTE_BACK):
                composer(values[session.pipeline.frame.value])
            elapsed = perf_counter() - start
            session.timings.add(FRAME, elapsed * 1e3)
            total += elapsed
        if total >= max_seconds:
            break
    session.reset()
    return total


def _sound(session: Session, options: BenchOptions) -> list[np.ndarray]:
    """One chunk for each frame that shall come out, and the look-ahead."""
    pipeline = session.pipeline
    count = options.frames + pipeline.look_ahead_frames
    samples = count * pipeline.samples_per_frame
    if options.audio is not None:
        from lp_runtime.audio import read_audio

        sound = np.resize(read_audio(options.audio, pipeline.sample_rate), samples)
    else:
        time = np.arange(samples) / pipeline.sample_rate
        loudness = np.maximum(np.sin(2 * np.pi * 3 * time), 0)
        noise = np.random.default_rng(SOUND_SEED).standard_normal(samples)
        sound = (0.1 * loudness * noise).clip(-1, 1).astype(np.float32)
    return np.split(sound, count)


def _period_ms(session: Session) -> float:
    return 1000.0 / session.pipeline.frame_rate
