"""Golden cases: recorded inputs and outputs that travel with the bundle.

Layout of a file, see `lp_runtime.manifest.GoldenCase`: tensors `input.<value>` and `output.<value>`
with a leading axis of frames. Frames are stored in full and float32, so only a few of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from lp_pack.hashing import file_record
from lp_pack.manifest import AUDIO2MOTION, GENERATOR, STITCHING
from lp_pack.reference import PIPELINE_FRAMES, Reference
from lp_runtime.manifest import GoldenCase, Pipeline

GOLDEN_FOLDER = "golden"
PIPELINE_CASE = "pipeline"
AUDIO_FRAMES = 25
STITCHING_FRAMES = 25
GENERATOR_FRAMES = 3


def write_golden(reference: Reference, pipeline: Pipeline, bundle: Path) -> tuple[GoldenCase, ...]:
    """Write one case for each graph and one for the whole pipeline."""
    folder = bundle / GOLDEN_FOLDER
    folder.mkdir()
    relative = any(item.name == "reference_motion" for item in pipeline.inputs)
    cases = []
    for name, graph, tensors in _cases(reference, relative):
        path = folder / f"{name}.safetensors"
        save_file({key: np.ascontiguousarray(array) for key, array in tensors.items()}, path)
        frames = len(next(iter(tensors.values())))
        record = file_record(bundle, path)
        cases.append(GoldenCase(name=name, graph=graph, file=record, frames=frames))
    return tuple(cases)


def _cases(
    recorded: Reference, relative: bool
) -> tuple[tuple[str, str | None, dict[str, np.ndarray]], ...]:
    audio = slice(0, AUDIO_FRAMES)
    sequence = slice(0, STITCHING_FRAMES)
    drawn = recorded.drawn[:GENERATOR_FRAMES]
    few = slice(0, PIPELINE_FRAMES)
    stitching = {
        "input.motion": recorded.motion[sequence],
        "output.keypoints": recorded.keypoints[sequence],
    }
    if relative:
        repeated = np.repeat(recorded.reference_motion[None], len(stitching["input.motion"]), 0)
        stitching["input.reference_motion"] = repeated
    return (
        (
            AUDIO2MOTION,
            AUDIO2MOTION,
            {
                "input.pcm": recorded.pcm[audio],
                "input.emotion": recorded.emotion[audio],
                "input.style": recorded.style[audio],
                "output.motion": recorded.audio_motion[audio],
            },
        ),
        (STITCHING, STITCHING, stitching),
        (
            GENERATOR,
            GENERATOR,
            {
                "input.keypoints": recorded.keypoints[drawn],
                "output.frame": recorded.frame[: len(drawn)],
            },
        ),
        (
            PIPELINE_CASE,
            None,
            {
                "input.pcm": recorded.pcm[few],
                "input.emotion": recorded.emotion[few],
                "input.style": recorded.style[few],
                "output.motion": recorded.audio_motion[few],
                "output.keypoints": recorded.pipeline_keypoints,
                "output.frame": recorded.pipeline_frame,
            },
        ),
    )
