"""A distilled generator becomes a bundle of tier lite."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_persona import write_lite

from lp_models.audio2motion import Audio2Motion
from lp_pack.build_config import make_plan, read_options
from lp_pack.cli import group
from lp_pack.demo.face import demo_face
from lp_pack.errors import DistillationError
from lp_runtime.bundle import Bundle
from lp_runtime.golden import self_check


def test_a_distilled_generator_and_its_own_picture(
    tiny_audio2motion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lite = write_lite(tmp_path / "me.safetensors")
    output = tmp_path / "me.lpbundle"
    arguments = ["build", "--lite", str(lite), "--audio2motion", str(tiny_audio2motion)]
    arguments += ["--cache", str(tmp_path / "cache"), "--json", "-o", str(output)]
    group.main(arguments, prog_name="lp-pack", standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["tier"] == "lite"
    bundle = Bundle.open(output)
    manifest = bundle.manifest
    assert (manifest.name, manifest.tier, manifest.trained) == ("me", "lite", True)
    assert "MIT" not in {licence.spdx for licence in manifest.licences}
    assert all(figure.passed for figure in self_check(bundle, bundle.session(precision="fp16")))
    # Without a checkpoint's word on it, motion is relative to the mean that the network was given.
    reference = next(i for i in manifest.pipeline.inputs if i.name == "reference_motion")
    mean = Audio2Motion.load(tiny_audio2motion).motion_mean
    np.testing.assert_allclose(reference.default, mean, rtol=1e-5)
    keypoints = bundle.session().step(
        {"motion": np.array([reference.default], np.float32)}, ("keypoints",)
    )["keypoints"]
    np.testing.assert_allclose(keypoints, demo_face().keypoints, atol=1e-5)


def test_a_generator_that_does_not_say_whose_face_it_is_is_refused(tmp_path: Path) -> None:
    lite = write_lite(tmp_path / "me.safetensors", with_face=False)
    with pytest.raises(DistillationError, match="whose face"):
        make_plan(read_options(None, {"output": tmp_path / "o", "lite": lite}))
