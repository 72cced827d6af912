"""A persona's face beside its generator, so that one file is enough to build a bundle."""

from __future__ import annotations

import json
import math

import torch

from lp_models.baking import SourceFace
from lp_models.motion import MOTION_SIZE, HeadMotion
from lp_pack.errors import DistillationError

FACE_KEY = "face"
CANONICAL_SIZE = 63


def face_to_text(face: SourceFace) -> str:
    """JSON: canonical keypoints (63 numbers) and source motion (70)."""
    return json.dumps(
        {
            "canonical_keypoints": [
                round(v, 7) for v in face.canonical_keypoints.flatten().tolist()
            ],
            "source_motion": [round(v, 7) for v in face.motion.to_vector().flatten().tolist()],
        },
        sort_keys=True,
    )


def face_from_text(text: str, where: object) -> SourceFace:
    """The inverse of `face_to_text`.

    Raises:
        DistillationError: The text is not such a record.
    """
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        content = None
    sizes = {"canonical_keypoints": CANONICAL_SIZE, "source_motion": MOTION_SIZE}
    if not isinstance(content, dict) or set(content) != set(sizes):
        raise _unusable(where, "something else")
    for name, size in sizes.items():
        numbers = content[name]
        usable = isinstance(numbers, list) and len(numbers) == size
        if not usable or not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
            raise _unusable(where, f"{name} that is not {size} finite numbers")
    motion = HeadMotion.from_vector(torch.tensor([content["source_motion"]]).float())
    canonical = torch.tensor(content["canonical_keypoints"]).float().reshape(1, 21, 3)
    return SourceFace(canonical, motion)


def _unusable(where: object, got: str) -> DistillationError:
    return DistillationError(
        "the generator's file does not say whose face it is",
        where=where,
        expected="a record of canonical keypoints (63 numbers) and source motion (70)",
        got=got,
        remedy="use a file that `lp-pack distill` wrote",
    )
