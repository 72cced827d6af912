"""The C++ runtime on Core ML. Runs on a Mac only, with a bundle that was built for it:

lp-pack build --targets onnx,coreml --precision fp32 -o face.lpbundle
LP_COREML_BUNDLE=face.lpbundle pytest tests/flutter_bridge/test_coreml_engine.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from native_bridge import NativeBridge
from native_session import NativeSession, StatusError
from tiny_bundle import TinyBundle

from lp_runtime.bundle import Bundle

# Core ML's fp32 on whichever unit it chooses; the golden thresholds bound it as well.
MOTION_TOLERANCE = 1e-3


@pytest.fixture
def coreml_bundle() -> Path:
    if sys.platform != "darwin":
        pytest.skip("Core ML is on Apple's systems only")
    given = os.environ.get("LP_COREML_BUNDLE")
    if given is None:
        pytest.skip("LP_COREML_BUNDLE names no bundle with the targets onnx and coreml")
    return Path(given)


def test_golden_tensors(bridge: NativeBridge, coreml_bundle: Path) -> None:
    with NativeSession(bridge, coreml_bundle, target=b"coreml") as native:
        assert native.json("lp_describe")["engine"] == "Core ML (coreml)"
        result = native.self_check()
    assert result.compared > 0
    assert result.failed == 0


@pytest.mark.parametrize("units", [b"coreml", b"cpu"])
def test_motion_is_that_of_python(bridge: NativeBridge, coreml_bundle: Path, units: bytes) -> None:
    session = Bundle.open(coreml_bundle).session(target="onnx", precision="fp32")
    rate = Bundle.open(coreml_bundle).manifest.pipeline.sample_rate
    sound = np.random.default_rng(3).uniform(-0.3, 0.3, rate).astype(np.float32)
    expected = [*session.push_pcm(sound, ("motion",)), *session.flush(("motion",))]
    with NativeSession(
        bridge, coreml_bundle, target=b"coreml", precision=b"fp32", execution_provider=units
    ) as native:
        native.watch("motion")
        native.push(sound)
        native.flush()
        for values in expected:
            native.render()
            got = native.value("motion")
            assert np.abs(got - values["motion"].reshape(-1)).max() <= MOTION_TOLERANCE


def test_elsewhere_it_is_a_status(bridge: NativeBridge, tiny: TinyBundle) -> None:
    if sys.platform == "darwin":
        pytest.skip("this system has Core ML")
    tiny.rewrite(lambda data: [v.update(target="coreml") for v in data["variants"]])
    with pytest.raises(StatusError, match="Apple") as caught:
        NativeSession(bridge, tiny.path, target=b"coreml")
    assert caught.value.status == "LP_ERROR_UNSUPPORTED"
