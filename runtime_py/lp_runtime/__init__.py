"""lp_runtime: open and play lp-pack bundles with numpy and one inference engine, without torch.

from lp_runtime import Bundle

session = Bundle.open("persona.lpbundle").session(precision="fp32")
for values in session.push_pcm(samples):
    show(values["frame"])
"""

from __future__ import annotations

from lp_runtime.bundle import Bundle
from lp_runtime.errors import BundleError, EngineError, InputError, LpRuntimeError
from lp_runtime.pipeline import Session

__all__ = ["Bundle", "BundleError", "EngineError", "InputError", "LpRuntimeError", "Session"]
