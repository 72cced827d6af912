"""The frames that torch computed when the bundle was built, as pictures for the page."""

from __future__ import annotations

import numpy as np

from lp_pack.report.pictures import jpeg_url
from lp_runtime.bundle import Bundle
from lp_runtime.frames import rgb_pixels
from lp_runtime.golden import read_golden

MOST = 3


def golden_pictures(bundle: Bundle) -> tuple[str, ...]:
    """Data URLs of a few recorded frames; empty when the bundle has no golden data."""
    frame = bundle.manifest.pipeline.frame
    for case in bundle.manifest.golden:
        recorded = read_golden(bundle, case).outputs.get(frame.value)
        if recorded is None:
            continue
        layout = "NCHW" if recorded.shape[-3] == 3 else "NHWC"
        chosen = np.linspace(0, len(recorded) - 1, min(MOST, len(recorded))).astype(int)
        return tuple(
            jpeg_url(rgb_pixels(recorded[index], layout, frame.value_range)) for index in chosen
        )
    return ()
