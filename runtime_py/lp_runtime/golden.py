"""Golden cases: does this device compute what torch computed when the bundle was built?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from lp_runtime.bundle import Bundle
from lp_runtime.errors import BundleError
from lp_runtime.files import REBUILD
from lp_runtime.frames import as_planes
from lp_runtime.manifest import GoldenCase, Manifest, Threshold
from lp_runtime.metrics import METRICS
from lp_runtime.pipeline import Session

PIPELINE = "pipeline"
# From the most to the least exact; a chain of graphs is judged by its least exact one.
PRECISIONS = ("fp32", "fp16", "w8", "int8", "w6", "w4")


@dataclass(frozen=True)
class GoldenData:
    """Recorded values by name, each with a leading axis of frames."""

    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class GoldenFigure:
    """How well one recorded tensor was reproduced, in its threshold's metric."""

    case: str
    # A graph's name, or "pipeline".
    graph: str
    tensor: str
    threshold: Threshold
    worst: float
    mean: float
    worst_frame: int
    frames: int

    @property
    def passed(self) -> bool:
        """Whether the worst frame meets the bound; NaN never does."""
        if self.threshold.direction == "at_most":
            return self.worst <= self.threshold.bound
        return self.worst >= self.threshold.bound


def read_golden(bundle: Bundle, case: GoldenCase) -> GoldenData:
    """The recorded tensors of a case; raises BundleError when they are not what they should be."""
    where = bundle.path / case.file.path
    try:
        tensors = load_file(bundle.file(case.file))
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleError(
            "A golden file is damaged.", where=where, got=error, remedy=REBUILD
        ) from error
    inputs: dict[str, np.ndarray] = {}
    outputs: dict[str, np.ndarray] = {}
    for key, tensor in tensors.items():
        side, _, name = key.partition(".")
        if side not in ("input", "output") or not name:
            raise BundleError(
                "A golden file holds a tensor of unknown role.",
                where=where,
                expected="input.<value> or output.<value>",
                got=key,
            )
        if tensor.ndim < 1 or len(tensor) != case.frames:
            raise BundleError(
                "A golden tensor has the wrong number of frames.",
                where=f"{where}: {key}",
                expected=case.frames,
                got=f"shape {list(tensor.shape)}",
            )
        (inputs if side == "input" else outputs)[name] = tensor
    if not outputs:
        raise BundleError("A golden case has no outputs.", where=where, remedy=REBUILD)
    return GoldenData(inputs, outputs)


def replay(session: Session, data: GoldenData) -> dict[str, np.ndarray]:
    """Run the recorded inputs, state carried along; the same outputs, each (frames, ...).

    Resets the session before and after.
    """
    wanted = tuple(data.outputs)
    frames = len(next(iter(data.outputs.values())))
    session.reset()
    results = []
    for index in range(frames):
        feeds = {name: tensor[index] for name, tensor in data.inputs.items()}
        results.append(session.step(feeds, wanted))
    session.reset()
    return {name: np.stack([values[name] for values in results]) for name in wanted}


def self_check(bundle: Bundle, session: Session) -> list[GoldenFigure]:
    """Replay every golden case of the bundle in this session and measure the agreement.

    Raises BundleError when golden data or thresholds are missing or damaged, EngineError when a
    graph does not run. A figure that misses its threshold is returned, not raised.
    """
    figures = []
    for case in bundle.manifest.golden:
        data = read_golden(bundle, case)
        got = replay(session, data)
        for tensor, expected in data.outputs.items():
            found = as_planes(got[tensor])
            figures.append(_figure(bundle.manifest, session, case, tensor, expected, found))
    return figures


def _figure(
    manifest: Manifest,
    session: Session,
    case: GoldenCase,
    tensor: str,
    expected: np.ndarray,
    got: np.ndarray,
) -> GoldenFigure:
    if expected.shape != got.shape:
        raise BundleError(
            "A golden tensor has another shape than the value it records.",
            where=f"{case.file.path}: output.{tensor}",
            expected=list(got.shape),
            got=list(expected.shape),
        )
    threshold = _threshold(manifest, session, case, tensor)
    parts = manifest.pipeline.motion if tensor == "motion" else ()
    with np.errstate(invalid="ignore"):
        values = METRICS[threshold.metric](expected, got, parts)
    # NaN counts as the worst there is, whichever direction is good.
    bad = np.inf if threshold.direction == "at_most" else -np.inf
    values = np.where(np.isnan(values), bad, values)
    worst_frame = int(values.argmax() if threshold.direction == "at_most" else values.argmin())
    return GoldenFigure(
        case=case.name,
        graph=case.graph or PIPELINE,
        tensor=tensor,
        threshold=threshold,
        worst=float(values[worst_frame]),
        mean=float(values.mean()),
        worst_frame=worst_frame,
        frames=len(values),
    )


def _threshold(manifest: Manifest, session: Session, case: GoldenCase, tensor: str) -> Threshold:
    """The threshold that the build applied to this tensor at the session's precision."""
    graphs = [case.graph] if case.graph else list(session.graph_files)
    in_use = {_variant(manifest, session, graph) for graph in graphs}
    candidates = [
        figure
        for figure in manifest.parity
        if figure.tensor == tensor
        and not figure.region
        and figure.target is not None
        and figure.precision is not None
        and (figure.target, figure.precision) in in_use
    ]
    if not candidates:
        raise BundleError(
            "No threshold covers a golden tensor.",
            where=f"manifest.json: parity, for {case.name}.{tensor}",
            expected=f"a parity figure of '{tensor}' at {sorted(in_use)}",
            got="none",
            remedy=REBUILD,
        )
    chosen = max(candidates, key=lambda figure: PRECISIONS.index(figure.precision or "fp32"))
    return next(t for t in manifest.thresholds if t.name == chosen.threshold)


def _variant(manifest: Manifest, session: Session, graph: str) -> tuple[str, str]:
    path = session.graph_files[graph].path
    for variant in manifest.variants:
        if variant.graphs[graph].path == path:
            return variant.target, variant.precision
    raise BundleError(
        "The session plays another bundle.", where=path, expected="a session of this bundle"
    )
