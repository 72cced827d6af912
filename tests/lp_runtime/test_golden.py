"""The self-check: a bundle agrees with its golden data, and every way in which it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_bundle import TinyBundle, record

from lp_runtime import Bundle, BundleError
from lp_runtime.golden import read_golden, self_check


def spoil(tiny: TinyBundle, case: str, change: Callable[[dict[str, np.ndarray]], object]) -> Bundle:
    """Rewrite a golden file and its record, so that only its content is wrong."""
    file = tiny.path / "golden" / f"{case}.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    renew_record(tiny, case)
    return Bundle.open(tiny.path)


def renew_record(tiny: TinyBundle, case: str) -> None:
    new = record(tiny.path, tiny.path / "golden" / f"{case}.safetensors")

    def change(data: dict) -> None:
        entry = next(entry for entry in data["golden"] if entry["name"] == case)
        entry["file"].update(sha256=new.sha256, bytes=new.bytes)

    tiny.rewrite(change)


@pytest.mark.parametrize(
    "precision",
    ["fp32", "fp16", {"audio2motion": "fp32", "stitching": "fp16", "generator": "fp32"}],
)
def test_an_intact_bundle_agrees(pristine: Path, precision: str | dict[str, str]) -> None:
    bundle = Bundle.open(pristine)
    figures = self_check(bundle, bundle.session(precision=precision, threads=1))
    assert [(figure.graph, figure.tensor) for figure in figures] == [
        ("audio2motion", "motion"),
        ("stitching", "keypoints"),
        ("generator", "frame"),
        ("pipeline", "frame"),
        ("pipeline", "motion"),
    ]
    assert all(figure.passed for figure in figures)
    assert all(figure.frames == 5 for figure in figures)


def test_each_graph_is_judged_by_its_own_precision(pristine: Path) -> None:
    bundle = Bundle.open(pristine)
    mixed = {"audio2motion": "fp32", "stitching": "fp32", "generator": "fp16"}
    figures = self_check(bundle, bundle.session(precision=mixed, threads=1))
    names = {(figure.graph, figure.tensor): figure.threshold.name for figure in figures}
    assert names["audio2motion", "motion"] == "fp32"
    assert names["generator", "frame"] == "fp16"
    assert names["pipeline", "frame"] == "fp16"


def test_a_disagreement_is_returned_with_its_frame(tiny: TinyBundle) -> None:
    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors["output.frame"][3, 0, 1, 2, 2] += 0.01

    bundle = spoil(tiny, "generator", change)
    failed = [f for f in self_check(bundle, bundle.session(threads=1)) if not f.passed]
    assert [(f.graph, f.tensor, f.worst_frame) for f in failed] == [("generator", "frame", 3)]
    assert failed[0].worst == pytest.approx(0.01, abs=1e-4)


def test_nan_never_passes(tiny: TinyBundle) -> None:
    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors["output.frame"][1] = np.nan

    bundle = spoil(tiny, "generator", change)
    for precision in ("fp32", "fp16"):
        failed = [
            f
            for f in self_check(bundle, bundle.session(precision=precision, threads=1))
            if not f.passed
        ]
        assert [(f.graph, f.worst_frame) for f in failed] == [("generator", 1)]


def test_state_is_carried_through_a_case(tiny: TinyBundle) -> None:
    def swap(tensors: dict[str, np.ndarray]) -> None:
        for tensor in tensors.values():
            tensor[:2] = tensor[1::-1].copy()

    bundle = spoil(tiny, "audio2motion", swap)
    assert not self_check(bundle, bundle.session(threads=1))[0].passed


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.update({"output.frame": t["output.frame"][:4]}), "number of frames"),
        (lambda t: t.update({"frame": t["output.frame"]}), "unknown role"),
        (lambda t: t.pop("output.frame"), "no outputs"),
        (
            lambda t: t.update({"output.frame": t["output.frame"][..., :8].copy()}),
            "another shape",
        ),
    ],
)
def test_golden_data_that_does_not_fit_is_refused(
    tiny: TinyBundle, change: Callable[[dict[str, np.ndarray]], object], text: str
) -> None:
    bundle = spoil(tiny, "generator", change)
    with pytest.raises(BundleError, match=text):
        self_check(bundle, bundle.session(threads=1))


def test_a_damaged_golden_file_is_refused(tiny: TinyBundle) -> None:
    file = tiny.path / "golden" / "generator.safetensors"
    file.write_bytes(b"\xff" * 64)
    renew_record(tiny, "generator")
    bundle = Bundle.open(tiny.path)
    with pytest.raises(BundleError, match="golden file is damaged"):
        read_golden(bundle, bundle.manifest.golden[2])


def test_a_tensor_without_threshold_is_refused(tiny: TinyBundle) -> None:
    tiny.rewrite(lambda data: data.update(parity=[]))
    bundle = Bundle.open(tiny.path)
    with pytest.raises(BundleError, match="No threshold covers"):
        self_check(bundle, bundle.session(threads=1))


def test_a_session_of_another_bundle_is_refused(pristine: Path, tiny: TinyBundle) -> None:
    session = Bundle.open(pristine).session(precision="fp16", threads=1)
    tiny.rewrite(lambda data: data["variants"].pop())
    tiny.rewrite(lambda data: data.update(parity=data["parity"][:5]))
    with pytest.raises(BundleError, match="plays another bundle"):
        self_check(Bundle.open(tiny.path), session)
