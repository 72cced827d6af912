"""Run a variant's graphs in their engine and compare them with what torch recorded.

The pipeline executor is lp_runtime's own, and so are the engines of ONNX and LiteRT: what is
checked is what will play. See `target_engines` for Core ML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lp_pack.driving_motion import spread_indices
from lp_pack.frame_regions import keypoint_region
from lp_pack.manifest import AUDIO2MOTION, GENERATOR, STITCHING
from lp_pack.parity import Comparison, check
from lp_pack.reference import Reference
from lp_pack.target_engines import packager_engine
from lp_pack.thresholds import FRAME, LIPS, engine_threshold, lips_threshold
from lp_runtime.engines import EngineOptions, LoadedGraph
from lp_runtime.frames import as_planes
from lp_runtime.manifest import GraphFile, MotionPart, ParityFigure, Pipeline, Precision, Target
from lp_runtime.pipeline import Session

GENERATOR_FRAMES = 3
SOUND = "seeded sound"
PIPELINE = "pipeline"


class EngineParity:
    """One variant against the recording; each `check_*` returns figures or raises ParityError."""

    def __init__(
        self,
        pipeline: Pipeline,
        target: Target,
        precision: Precision,
        graphs: Mapping[str, tuple[Path, GraphFile]],
        reference: Reference,
        motion_source: str,
        trained: bool = True,
    ) -> None:
        """Load the graphs.

        Args:
            pipeline: how they connect.
            target: which engine.
            precision: which thresholds.
            graphs: graph name -> its file and the manifest's record of it.
            reference: torch's recording.
            motion_source: where the driving motion came from.
            trained: False where a network holds random weights, which has bounds of its own.

        Raises:
            EngineError: the engine is absent or refuses a graph.
        """
        engine = packager_engine(target)
        self.pipeline = pipeline
        self.target = target
        self.precision = precision
        self.reference = reference
        self.motion_source = motion_source
        self.trained = trained
        self.loaded: dict[str, LoadedGraph] = {
            name: engine.load(path, file, EngineOptions()) for name, (path, file) in graphs.items()
        }
        files = {name: file for name, (_, file) in graphs.items()}
        self.session = Session(pipeline, files, self.loaded)

    def check_all(self) -> tuple[ParityFigure, ...]:
        """Every graph alone, cheapest first, then the whole chain."""
        return (
            self.check_audio2motion(),
            self.check_stitching(),
            *self.check_generator(),
            *self.check_end_to_end(),
        )

    def check_audio2motion(self) -> ParityFigure:
        """Motion over the recorded sound; the engine carries its own state."""
        recorded = self.reference
        self.session.reset()
        motions = [
            self.session.step({"pcm": pcm, "emotion": emotion, "style": style}, ("motion",))
            for pcm, emotion, style in zip(
                recorded.pcm, recorded.emotion, recorded.style, strict=True
            )
        ]
        got = np.stack([values["motion"] for values in motions])
        return self._check("engine", AUDIO2MOTION, "motion", recorded.audio_motion, got, SOUND)

    def check_stitching(self) -> ParityFigure:
        """Keypoints over the whole driving motion."""
        got = np.stack([self._from_motion(one, ("keypoints",)) for one in self.reference.motion])
        return self._check("engine", STITCHING, "keypoints", self.reference.keypoints, got)

    def check_generator(self) -> tuple[ParityFigure, ...]:
        """Some frames from torch's keypoints, and the lips in them."""
        recorded = self.reference
        chosen = spread_indices(len(recorded.drawn), GENERATOR_FRAMES)
        frames = [
            self.loaded[GENERATOR].run({"keypoints": recorded.keypoints[recorded.drawn[index]]})
            for index in chosen
        ]
        got = np.stack([values[FRAME] for values in frames])
        return self._check_frames("engine", GENERATOR, chosen, got)

    def check_end_to_end(self) -> tuple[ParityFigure, ...]:
        """All drawn frames, from motion through two graphs, as a runtime plays them; lips apart."""
        recorded = self.reference
        got = np.stack([self._from_motion(recorded.motion[i], (FRAME,)) for i in recorded.drawn])
        return self._check_frames("end_to_end", PIPELINE, np.arange(len(recorded.drawn)), got)

    def _from_motion(self, motion: np.ndarray, outputs: tuple[str, ...]) -> np.ndarray:
        feeds = {"motion": motion}
        if any(item.name == "reference_motion" for item in self.pipeline.inputs):
            feeds["reference_motion"] = self.reference.reference_motion
        return self.session.step(feeds, outputs)[outputs[0]]

    def _check_frames(
        self, stage: str, graph: str, chosen: np.ndarray, got: np.ndarray
    ) -> tuple[ParityFigure, ...]:
        """Whole frames, and the lips where the precision has a bound of their own for them.

        Args:
            stage: of the figures.
            graph: of the figures.
            chosen: which of the drawn frames.
            got: what the engine drew, (chosen, 1, 3, height, width) or 8-bit pixels.
        """
        got = as_planes(got)
        expected = self.reference.frame[chosen]
        whole = self._check(stage, graph, FRAME, expected, got)
        threshold = lips_threshold(self.precision, self.trained)
        group = self.pipeline.keypoint_groups.get(LIPS, ())
        keypoints = self.reference.keypoints[self.reference.drawn[chosen]]
        boxes = [keypoint_region(points, group, *got.shape[-2:]) for points in keypoints]
        seen = [index for index, box in enumerate(boxes) if box is not None]
        if threshold is None or not seen:
            return (whole,)
        comparison = Comparison(
            stage=stage,
            graph=graph,
            tensor=FRAME,
            threshold=threshold,
            target=self.target,
            precision=self.precision,
            motion_source=self.motion_source,
            regions=tuple(box for box in boxes if box is not None),
            region="lips",
        )
        return whole, check(comparison, expected[seen], got[seen])

    def _check(
        self,
        stage: str,
        graph: str,
        tensor: str,
        expected: np.ndarray,
        got: np.ndarray,
        motion_source: str | None = None,
    ) -> ParityFigure:
        parts: tuple[MotionPart, ...] = self.pipeline.motion if tensor == "motion" else ()
        comparison = Comparison(
            stage=stage,
            graph=graph,
            tensor=tensor,
            threshold=engine_threshold(self.precision, tensor, self.trained),
            target=self.target,
            precision=self.precision,
            motion_source=self.motion_source if motion_source is None else motion_source,
            parts=parts,
        )
        return check(comparison, expected, got)
