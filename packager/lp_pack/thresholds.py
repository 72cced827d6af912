"""Every bound of the parity gate, by name (design.md, "Parity, in three separate steps")."""

from __future__ import annotations

from lp_runtime.manifest import Precision, Threshold

FRAME, LIPS = "frame", "lips"

# The baked rewrite against the original networks, both in torch; frames lie in [0, 1].
REWRITE = Threshold(name="rewrite", metric="max_abs", bound=1e-4, direction="at_most")
# The engine against torch at full precision: any tensor.
ENGINE_FP32 = Threshold(name="engine_fp32", metric="max_abs", bound=1e-3, direction="at_most")
# The engine at half precision: pictures by signal to noise, motion and keypoints by their range.
ENGINE_FP16_FRAME = Threshold(
    name="engine_fp16_frame", metric="psnr_db", bound=45.0, direction="at_least"
)
ENGINE_FP16_LIPS = Threshold(
    name="engine_fp16_lips", metric="psnr_db", bound=45.0, direction="at_least"
)
ENGINE_FP16_MOTION = Threshold(
    name="engine_fp16_motion", metric="range_fraction", bound=0.01, direction="at_most"
)
# Eight bits and fewer.
COMPRESSED_FRAME = Threshold(
    name="compressed_frame", metric="psnr_db", bound=35.0, direction="at_least"
)
# Random weights have no features that a face would hold together: every layer's rounding is noise
# of full bandwidth, and nothing that a user would see follows from the last two decibels.
COMPRESSED_FRAME_UNTRAINED = Threshold(
    name="compressed_frame_untrained", metric="psnr_db", bound=33.0, direction="at_least"
)
# A box of a few thousand pixels with most of the picture's edges and all of its fast motion: the
# mean over a calm background and hair is what lifts the whole frame above it.
COMPRESSED_LIPS = Threshold(
    name="compressed_lips", metric="psnr_db", bound=33.0, direction="at_least"
)
COMPRESSED_LIPS_UNTRAINED = Threshold(
    name="compressed_lips_untrained", metric="psnr_db", bound=31.0, direction="at_least"
)
COMPRESSED_MOTION = Threshold(
    name="compressed_motion", metric="range_fraction", bound=0.01, direction="at_most"
)

THRESHOLDS = (
    REWRITE,
    ENGINE_FP32,
    ENGINE_FP16_FRAME,
    ENGINE_FP16_LIPS,
    ENGINE_FP16_MOTION,
    COMPRESSED_FRAME,
    COMPRESSED_FRAME_UNTRAINED,
    COMPRESSED_LIPS,
    COMPRESSED_LIPS_UNTRAINED,
    COMPRESSED_MOTION,
)


def engine_threshold(precision: Precision, tensor: str, trained: bool = True) -> Threshold:
    """The bound that an engine's `tensor` must meet at this precision.

    Args:
        precision: of the variant.
        tensor: frame, motion or keypoints.
        trained: False where a network of the persona holds random weights.
    """
    if precision == "fp32":
        return ENGINE_FP32
    if precision == "fp16":
        return ENGINE_FP16_FRAME if tensor == FRAME else ENGINE_FP16_MOTION
    if tensor != FRAME:
        return COMPRESSED_MOTION
    return COMPRESSED_FRAME if trained else COMPRESSED_FRAME_UNTRAINED


def lips_threshold(precision: Precision, trained: bool = True) -> Threshold | None:
    """The bound for the lips apart; None in fp32, where no pixel of the frame may be off by more.

    Args:
        precision: of the variant.
        trained: False where a network of the persona holds random weights.
    """
    if precision == "fp32":
        return None
    if precision == "fp16":
        return ENGINE_FP16_LIPS
    return COMPRESSED_LIPS if trained else COMPRESSED_LIPS_UNTRAINED
