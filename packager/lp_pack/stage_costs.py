"""Measured times of build stages, for estimates where this machine has built nothing yet.

Taken from the times that `lp-pack build` keeps beside its cached stages, on two busy cores of an
AMD EPYC with AVX-512: the demo persona with `--targets onnx,coreml,tflite`, and a persona of the
published size with `--targets onnx`. Other machines differ; the times of a machine's own builds
replace these as soon as there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Networks of another size than the measured ones get no estimate.
LARGEST_RATIO = 2.0


@dataclass(frozen=True)
class MeasuredTier:
    """Seconds by stage, for networks of so many weights together."""

    weights: int
    seconds: Mapping[str, float]


MEASURED: Mapping[str, MeasuredTier] = {
    "lite": MeasuredTier(
        3_700_000,
        {
            "crop": 3.2,
            "bake": 0.1,
            "reference": 11.9,
            "rewrite_parity": 0.8,
            "export_audio2motion": 5.4,
            "fp32_audio2motion": 0.3,
            "fp16_audio2motion": 0.1,
            "export_stitching": 5.7,
            "fp32_stitching": 0.6,
            "fp16_stitching": 0.1,
            "export_generator": 19.3,
            "fp32_generator": 1.2,
            "fp16_generator": 0.2,
            "coreml_fp32_audio2motion": 18.2,
            "coreml_fp16_audio2motion": 16.1,
            "coreml_fp32_stitching": 32.8,
            "coreml_fp16_stitching": 32.6,
            "coreml_fp32_generator": 36.1,
            "coreml_fp16_generator": 43.7,
            "tflite_fp32_audio2motion": 38.8,
            "tflite_fp16_audio2motion": 0.2,
            "tflite_fp32_stitching": 35.7,
            "tflite_fp16_stitching": 0.1,
            "tflite_fp32_generator": 82.8,
            "tflite_fp16_generator": 0.1,
            "parity_onnx_fp32": 4.4,
            "parity_onnx_fp16": 4.9,
            "parity_coreml_fp32": 29.1,
        },
    ),
    "full": MeasuredTier(
        104_200_000,
        {
            "crop": 0.4,
            "bake": 20.7,
            "reference": 182.7,
            "rewrite_parity": 116.3,
            "export_audio2motion": 9.6,
            "fp32_audio2motion": 0.5,
            "fp16_audio2motion": 0.1,
            "export_stitching": 10.9,
            "fp32_stitching": 0.6,
            "fp16_stitching": 0.1,
            "export_generator": 82.0,
            "fp32_generator": 11.6,
            "fp16_generator": 5.1,
            "parity_onnx_fp32": 191.6,
            "parity_onnx_fp16": 250.8,
        },
    ),
}


def table_seconds(tier: str, weights: int, stage: str) -> float | None:
    """How long a stage took for networks of this tier and about this size; None if unknown."""
    measured = MEASURED.get(tier)
    if measured is None:
        return None
    ratio = max(weights, 1) / measured.weights
    if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        return None
    return measured.seconds.get(stage)
