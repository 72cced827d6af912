"""The dimensions of the networks: published defaults, JSON, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lp_models.dims import LivePortraitDims
from lp_models.errors import LpModelError


def test_derived_sizes_of_the_published_networks() -> None:
    dims = LivePortraitDims()
    assert dims.volume_shape == (32, 16, 64, 64)
    assert dims.flat_volume_channels == 512
    assert dims.appearance_output_channels == 256
    assert dims.hourglass_input_channels == 110
    assert dims.hourglass_output_channels == 142
    assert dims.spade_channels == 512


@pytest.mark.parametrize("dims", [LivePortraitDims(), LivePortraitDims.tiny()])
def test_survives_json(dims: LivePortraitDims) -> None:
    assert LivePortraitDims.from_dict(json.loads(json.dumps(dims.to_dict()))) == dims


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(LpModelError, match="num_kp"):
        LivePortraitDims.from_dict({"num_kp": 21})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", 128),
        ("frame_size", 256),
        ("num_keypoints", 20),
        ("hourglass_blocks", 7),
        ("convnext_depths", (3, 3, 9)),
        ("convnext_channels", (96, 192, 384, 0)),
        ("volume_channels", 0),
        ("volume_channels", 2.5),
        ("volume_depth", 1),
        ("stitching_hidden", ()),
        ("lip_hidden", 128),
    ],
)
def test_sizes_that_do_not_fit_are_refused(name: str, value: object) -> None:
    with pytest.raises(LpModelError):
        replace(LivePortraitDims(), **{name: value})
