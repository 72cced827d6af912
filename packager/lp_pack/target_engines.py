"""Which engine runs a target where bundles are built and checked.

ONNX and LiteRT graphs run in lp_runtime's engines. Core ML programs run in Core ML on a Mac and are
evaluated by `lp_pack.coreml_evaluator` elsewhere; the engine's version text says which.
"""

from __future__ import annotations

import importlib
import sys

from lp_pack.export.coreml_package import coremltools
from lp_runtime.engines import Engine, engine_for
from lp_runtime.errors import EngineError

MAC = "darwin"


def packager_engine(target: str) -> Engine:
    """The engine for this target; EngineError when there is none on this machine."""
    if target != "coreml":
        return engine_for(target)
    name = "lp_pack.coreml_predict" if sys.platform == MAC else "lp_pack.coreml_evaluator.engine"
    try:
        module = importlib.import_module(name)
        coremltools()
    except ImportError as error:
        raise EngineError(
            "Core ML programs can neither be run nor evaluated here.",
            expected="the extra 'coreml' of lp-pack",
            got=error,
            remedy='pip install "lp-pack[coreml]"',
        ) from error
    engine: Engine = module.ENGINE
    return engine


def evaluates_programs(target: str) -> bool:
    """Whether what runs this target here is our evaluation rather than the vendor's runtime."""
    return target == "coreml" and sys.platform != MAC
