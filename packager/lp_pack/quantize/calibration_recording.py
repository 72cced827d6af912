"""Recording a calibration set: what the graphs are fed while the persona moves and speaks.

Half of the keypoints come from driving motion (the templates that were given, or a seeded walk),
half from the persona's own Audio2Motion on speech, with emotions and styles that change. Only the
small networks run here; the generator's inputs are keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import lp_pack
from lp_models.audio2motion import Audio2Motion
from lp_pack.driving_motion import DrivingMotion, seeded_walk, template_motion
from lp_pack.export.exportable import Exportable
from lp_pack.manifest import AUDIO2MOTION, GENERATOR, STITCHING
from lp_pack.quantize.calibration import (
    CalibrationSet,
    check_count,
    check_motion,
    write_calibration,
)
from lp_pack.reference import run_stitching
from lp_runtime.audio import read_audio
from lp_runtime.motion_template import read_motion_template

DEFAULT_SAMPLES = 32
SPEECH = Path(lp_pack.__file__).parent / "demo" / "speech" / "hello.flac"
SPEECH_SOURCE = "Audio2Motion on speech"
# Another walk than the one that parity is measured on.
WALK_SEED_OFFSET = 1000
# An emotion holds for so many frames of sound.
FRAMES_PER_EMOTION = 20
# Speech is recorded at these levels of loudness in turn.
GAINS = (1.0, 0.5, 0.25)


@dataclass(frozen=True)
class CalibrationOptions:
    """What a build was asked for.

    motions: motion templates; empty: a seeded walk.
    samples: how many sets of inputs for each graph.
    seed: of walk, emotions and styles.
    """

    motions: tuple[Path, ...] = ()
    samples: int = DEFAULT_SAMPLES
    seed: int = 0

    @property
    def source(self) -> str:
        """In words, for the manifest."""
        driving = ", ".join(path.name for path in self.motions) or "seeded walk"
        return f"{driving}; {SPEECH_SOURCE}"

    def check(self) -> None:
        """Raise ConfigError or InputError for what can be known before any work starts."""
        check_count(self.samples, "--calibration-samples")
        for path in self.motions:
            check_motion(read_motion_template(path).motion, str(path))


def record_calibration(
    audio2motion: Audio2Motion,
    stitching: Exportable,
    rest: np.ndarray,
    options: CalibrationOptions,
    folder: Path,
) -> CalibrationSet:
    """Run the small networks and store every graph's inputs.

    Args:
        audio2motion: module of the first graph.
        stitching: module of the second.
        rest: (70,) the motion network's motion of a face at rest.
        options: which motion, how much, which seed.
        folder: to write into.

    Raises:
        ConfigError, InputError: the set is empty, constant, or holds NaN or infinity.
    """
    options.check()
    wanted = options.samples
    heard, spoken = _speak(audio2motion, wanted, options.seed)
    # Alternating, so that the first few samples already show both kinds.
    parts = _driving(options, rest, wanted - wanted // 2)
    parts.append(DrivingMotion(spoken[_spread(len(spoken), wanted // 2)], rest, SPEECH_SOURCE))
    motions = np.concatenate([part.motion for part in parts])
    references = np.concatenate([np.tile(p.reference, (len(p.motion), 1)) for p in parts])
    check_motion(motions, options.source)
    order = np.random.default_rng(options.seed).permutation(len(motions))
    motions, references = motions[order], references[order]
    keypoints = np.concatenate(
        [
            run_stitching(stitching, one[None], reference[None])
            for one, reference in zip(motions, references, strict=True)
        ]
    )
    stitched = {"motion": motions[:, None], "reference_motion": references[:, None]}
    graphs = {
        AUDIO2MOTION: heard,
        STITCHING: {name: stitched[name] for name in stitching.input_names},
        GENERATOR: {"keypoints": keypoints},
    }
    return write_calibration(folder, graphs, options.source, options.seed)


def _driving(options: CalibrationOptions, rest: np.ndarray, wanted: int) -> list[DrivingMotion]:
    """`wanted` motions spread over the templates, or over a walk."""
    if not options.motions:
        return [seeded_walk(rest, wanted, options.seed + WALK_SEED_OFFSET)]
    share = [len(part) for part in np.array_split(np.arange(wanted), len(options.motions))]
    recorded = [
        template_motion(path, count)
        for path, count in zip(options.motions, share, strict=True)
        if count
    ]
    # A template shorter than its share is repeated, so that every graph has as many samples.
    return [
        DrivingMotion(
            np.resize(one.motion, (count, one.motion.shape[1])), one.reference, one.source
        )
        for one, count in zip(recorded, (count for count in share if count), strict=True)
    ]


@torch.inference_mode()
def _speak(
    network: Audio2Motion, wanted: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The network's inputs (wanted, ...) by name, and all motions (frames, 70) it answered."""
    dims, random = network.dims, np.random.default_rng(seed)
    pcm = _speech(network, max(wanted, FRAMES_PER_EMOTION * dims.num_emotions))
    chosen = set(_spread(len(pcm), wanted).tolist())
    states: Sequence[torch.Tensor] = network.initial_states()
    emotion, style = np.zeros((1, dims.num_emotions)), np.zeros((1, dims.style_size))
    samples, motions = [], []
    for index, chunk in enumerate(pcm):
        if index % FRAMES_PER_EMOTION == 0:
            emotion = np.zeros_like(emotion)
            emotion[0, (index // FRAMES_PER_EMOTION) % dims.num_emotions] = random.uniform(0, 1)
            style = random.uniform(-1, 1, style.shape)
        controls = (torch.from_numpy(one.astype(np.float32)) for one in (emotion, style))
        inputs = (torch.from_numpy(chunk[None]), *controls, *states)
        if index in chosen:
            samples.append([one.numpy().copy() for one in inputs])
        motion, *states = network(*inputs)
        motions.append(motion[0].numpy())
    heard = {
        name: np.stack(arrays)
        for name, arrays in zip(network.input_names, zip(*samples, strict=True), strict=True)
    }
    return heard, np.stack(motions)


def _speech(network: Audio2Motion, frames: int) -> np.ndarray:
    """(at least `frames`, samples per frame) of the shipped sentence at several loudnesses."""
    dims = network.dims
    sentence = read_audio(SPEECH, dims.sample_rate)
    repeats = -(-frames * dims.samples_per_frame // len(sentence))
    gains = [GAINS[index % len(GAINS)] for index in range(repeats)]
    sound = np.concatenate([gain * sentence for gain in gains]).astype(np.float32)
    count = len(sound) // dims.samples_per_frame
    return sound[: count * dims.samples_per_frame].reshape(count, -1)


def _spread(total: int, wanted: int) -> np.ndarray:
    """`wanted` indices spread evenly over `total`; repeats where there are too few."""
    return np.linspace(0, total - 1, wanted).round().astype(int)
