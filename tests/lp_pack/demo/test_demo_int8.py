"""What eight bits may cost on the demo persona: more than the gate asks, lips apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from lp_pack.cli import group
from lp_runtime.bundle import Bundle

FRAME_DB, LIPS_DB = 38.0, 35.0
LARGEST_BYTES = 5_000_000


@pytest.mark.full_size
def test_the_demo_keeps_its_picture_and_its_lips_in_int8(tmp_path: Path) -> None:
    output = tmp_path / "demo.lpbundle"
    arguments = ["build", "--targets", "onnx", "--precision", "int8"]
    arguments += ["--cache", str(tmp_path / "cache"), "-o", str(output)]
    group.main(arguments, prog_name="lp-pack", standalone_mode=False)
    manifest = Bundle.open(output).manifest
    figures = [figure for figure in manifest.parity if figure.precision == "int8"]
    worst = {
        (figure.stage, figure.region): figure.worst
        for figure in figures
        if figure.tensor == "frame"
    }
    assert set(worst) == {(s, r) for s in ("engine", "end_to_end") for r in ("", "lips")}
    for (stage, region), decibels in worst.items():
        assert decibels >= (LIPS_DB if region else FRAME_DB), f"{stage} {region}"
    (variant,) = manifest.variants
    size = sum(record.bytes for graph in variant.graphs.values() for record in graph.files)
    assert size <= LARGEST_BYTES
