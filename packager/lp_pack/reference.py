"""What torch computes, recorded once: the truth for the parity gate and the golden data.

One safetensors file holds every input and output of the three modules over the driving motion and a
stretch of seeded sound. Frames are expensive (four seconds each at full size), so a few are drawn
from the sequence, and engine, end-to-end and golden checks share them.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from lp_models.audio2motion import Audio2Motion
from lp_pack.driving_motion import DrivingMotion, spread_indices
from lp_pack.export.exportable import Exportable

REFERENCE_NAME = "reference.safetensors"
MOTION_FRAMES = 50
DRAWN_FRAMES = 6
AUDIO_FRAMES = 50
# Frames drawn from the sound's motion, for the golden case of the whole pipeline.
PIPELINE_FRAMES = 2
SOUND_SEED = 0


@dataclass(frozen=True)
class Reference:
    """Recorded tensors, each with a leading axis of frames.

    pcm, emotion, style, audio_motion: audio2motion over AUDIO_FRAMES frames, state carried.
    motion, keypoints: the driving sequence through the stitching module.
    reference_motion: (1, 70), the same on every frame.
    drawn: (drawn,) indices into the sequence of which the generator drew `frame`.
    pipeline_keypoints, pipeline_frame: the first PIPELINE_FRAMES frames of `audio_motion`, drawn
        with the manifest's default reference.
    """

    pcm: np.ndarray
    emotion: np.ndarray
    style: np.ndarray
    audio_motion: np.ndarray
    motion: np.ndarray
    reference_motion: np.ndarray
    keypoints: np.ndarray
    drawn: np.ndarray
    frame: np.ndarray
    pipeline_keypoints: np.ndarray
    pipeline_frame: np.ndarray

    def write(self, folder: Path) -> None:
        """Store the recording in a stage's folder."""
        tensors = {name: np.ascontiguousarray(array) for name, array in vars(self).items()}
        save_file(tensors, folder / REFERENCE_NAME)

    @classmethod
    def read(cls, folder: Path) -> Reference:
        """The inverse of `write`."""
        return cls(**load_file(folder / REFERENCE_NAME))


def record(
    audio2motion: Audio2Motion,
    stitching: Exportable,
    make_generator: Callable[[], Exportable],
    driving: DrivingMotion,
    neutral: np.ndarray,
) -> Reference:
    """Run the modules over the driving motion and over seeded sound.

    Args:
        audio2motion: module of the first graph.
        stitching: module of the second.
        make_generator: gives the third; called once and let go of, because it is large.
        driving: motion for stitching and generator.
        neutral: (70,) the reference in effect when sound drives.
    """
    sound = seeded_sound(audio2motion, AUDIO_FRAMES)
    audio_motion = run_audio2motion(audio2motion, *sound)
    reference = driving.reference[None]
    keypoints = run_stitching(stitching, driving.motion, reference)
    drawn = spread_indices(len(keypoints), DRAWN_FRAMES)
    first_motions = audio_motion[:PIPELINE_FRAMES, 0]
    pipeline_keypoints = run_stitching(stitching, first_motions, neutral[None])
    generator = make_generator()
    frame = draw(generator, keypoints[drawn])
    pipeline_frame = draw(generator, pipeline_keypoints)
    del generator
    gc.collect()
    return Reference(
        pcm=sound[0],
        emotion=sound[1],
        style=sound[2],
        audio_motion=audio_motion,
        motion=driving.motion[:, None],
        reference_motion=reference,
        keypoints=keypoints,
        drawn=drawn.astype(np.int64),
        frame=frame,
        pipeline_keypoints=pipeline_keypoints,
        pipeline_frame=pipeline_frame,
    )


def seeded_sound(network: Audio2Motion, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bursts of noise over a gliding tone, with silence in between, and changing controls.

    The first frames have controls at zero, the defaults of the manifest.

    Returns:
        pcm (frames, 1, samples), emotion (frames, 1, emotions), style (frames, 1, style size).
    """
    dims = network.dims
    random = np.random.default_rng(SOUND_SEED)
    time = np.arange(frames * dims.samples_per_frame) / dims.sample_rate
    loudness = np.maximum(np.sin(2 * np.pi * 1.5 * time + 0.5), 0.0)
    tone = np.sin(2 * np.pi * (120 + 30 * np.sin(2 * np.pi * 0.7 * time)) * time)
    pcm = loudness * (0.2 * tone + 0.05 * random.standard_normal(len(time)))
    emotion = np.zeros((frames, 1, dims.num_emotions))
    style = np.zeros((frames, 1, dims.style_size))
    for index in range(PIPELINE_FRAMES, frames):
        emotion[index, 0, (index // 5) % dims.num_emotions] = 0.8
        style[index, 0] = np.sin(0.1 * index + np.arange(dims.style_size))
    shaped = pcm.reshape(frames, 1, dims.samples_per_frame)
    return shaped.astype(np.float32), emotion.astype(np.float32), style.astype(np.float32)


@torch.inference_mode()
def run_audio2motion(
    network: Audio2Motion, pcm: np.ndarray, emotion: np.ndarray, style: np.ndarray
) -> np.ndarray:
    """Motion (frames, 1, 70), state carried from frame to frame."""
    states: tuple[torch.Tensor, ...] = network.initial_states()
    motions = []
    for arrays in zip(pcm, emotion, style, strict=True):
        inputs = (torch.from_numpy(array) for array in arrays)
        motion, *rest = network(*inputs, *states)
        states = tuple(rest)
        motions.append(motion.numpy())
    return np.stack(motions)


@torch.inference_mode()
def run_stitching(
    stitching: Exportable, motion: np.ndarray, reference_motion: np.ndarray
) -> np.ndarray:
    """Keypoints (frames, 1, 21, 3) of motions (frames, 70)."""
    extra = {"reference_motion": torch.from_numpy(reference_motion)}
    rest = [extra[name] for name in stitching.input_names if name != "motion"]
    results = [stitching(torch.from_numpy(one[None]), *rest) for one in motion]
    return np.stack([single_output(result).numpy() for result in results])


@torch.inference_mode()
def draw(generator: Exportable, keypoints: np.ndarray) -> np.ndarray:
    """Frames (frames, 1, 3, height, width) of keypoints (frames, 1, 21, 3)."""
    results = [single_output(generator(torch.from_numpy(one))) for one in keypoints]
    return np.stack([result.numpy() for result in results])


def single_output(result: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The one tensor that a module with one output returns."""
    return result[0] if isinstance(result, tuple) else result
