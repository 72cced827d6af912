"""Calibration sets: recorded, streamed, hashed, and refused where they calibrate nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from export_networks import tiny_graphs

from lp_models.audio2motion import Audio2Motion
from lp_models.motion_stitcher import MotionStitcher
from lp_pack.build_config import make_plan, read_options
from lp_pack.errors import ConfigError
from lp_pack.persona.motion_network import resting_motion
from lp_pack.quantize.calibration import (
    FACTS_NAME,
    CalibrationSet,
    check_motion,
    write_calibration,
)
from lp_pack.quantize.calibration_recording import CalibrationOptions, record_calibration
from lp_runtime.errors import LpRuntimeError

RANDOM = np.random.default_rng(0)
KEYPOINTS = RANDOM.standard_normal((3, 1, 21, 3)).astype(np.float32)


def recorded(folder: Path, options: CalibrationOptions) -> CalibrationSet:
    graphs = tiny_graphs()
    audio2motion, stitching = graphs["audio2motion"], graphs["stitching"]
    assert isinstance(audio2motion, Audio2Motion)
    assert isinstance(stitching, MotionStitcher)
    folder.mkdir()
    return record_calibration(audio2motion, stitching, resting_motion(), options, folder)


def test_a_recording_holds_every_graph_s_inputs(tmp_path: Path) -> None:
    found = recorded(tmp_path / "a", CalibrationOptions(samples=5, seed=3))
    for graph, module in tiny_graphs().items():
        if graph not in ("audio2motion", "stitching", "generator"):
            continue
        samples = list(found.of(graph))
        assert len(samples) == 5
        names: tuple[str, ...] = module.input_names  # type: ignore[assignment]
        examples: tuple[torch.Tensor, ...] = module.example_inputs()  # type: ignore[operator]
        for name, example in zip(names, examples, strict=True):
            assert samples[0][name].shape == tuple(example.shape), name
    record = found.record()
    assert (record.samples, record.seed) == (5, 3)
    assert record.source == "seeded walk; Audio2Motion on speech"


def test_the_same_seed_gives_the_same_hash_and_another_seed_another(tmp_path: Path) -> None:
    options = CalibrationOptions(samples=4, seed=1)
    hashes = {
        name: recorded(tmp_path / name, chosen).sha256
        for name, chosen in (("a", options), ("b", options), ("c", CalibrationOptions((), 4, 2)))
    }
    assert hashes["a"] == hashes["b"] != hashes["c"]


def test_the_hash_depends_on_the_order_of_samples(tmp_path: Path) -> None:
    hashes = set()
    for name, array in (("a", KEYPOINTS), ("b", KEYPOINTS[::-1])):
        (tmp_path / name).mkdir()
        graphs = {"generator": {"keypoints": array}}
        hashes.add(write_calibration(tmp_path / name, graphs, "test", 0).sha256)
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("keypoints", "says"),
    [
        (KEYPOINTS[:0], "at least 2"),
        (KEYPOINTS[:1], "at least 2"),
        (np.repeat(KEYPOINTS[:1], 4, axis=0), "equal samples"),
        (np.where(KEYPOINTS > 1, np.nan, KEYPOINTS), "finite"),
        (np.where(KEYPOINTS > 1, np.inf, KEYPOINTS), "finite"),
    ],
    ids=["empty", "one", "constant", "nan", "infinite"],
)
def test_a_set_that_calibrates_nothing_is_refused(
    keypoints: np.ndarray, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        write_calibration(tmp_path, {"generator": {"keypoints": keypoints}}, "test", 0)
    assert "calibration set cannot be used" in str(error.value)
    assert says in str(error.value)


def test_a_damaged_set_is_refused(tmp_path: Path) -> None:
    write_calibration(tmp_path, {"generator": {"keypoints": KEYPOINTS}}, "test", 0)
    with pytest.raises(ConfigError):
        CalibrationSet.open(tmp_path / "absent")
    stored = tmp_path / "calibration_generator.safetensors"
    stored.write_bytes(stored.read_bytes()[:-40])
    with pytest.raises(ConfigError, match="calibration_generator"):
        CalibrationSet.open(tmp_path)
    (tmp_path / FACTS_NAME).write_text("{}")
    with pytest.raises(ConfigError, match=FACTS_NAME):
        CalibrationSet.open(tmp_path)


@pytest.mark.parametrize(
    ("motion", "says"),
    [
        (np.zeros((0, 70)), "empty"),
        (np.zeros((9, 70)), "equal frames"),
        (np.full((9, 70), np.nan), "NaN"),
    ],
)
def test_motion_that_calibrates_nothing_is_refused(motion: np.ndarray, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_motion(motion, "still.pkl")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"precision": "int8", "calibration_samples": 1}, "--calibration-samples"),
        ({"precision": "int8", "calibration_motion": ("absent.pkl",)}, "absent.pkl"),
        ({"precision": "w4"}, "'onnx' does not have the precision 'w4'"),
        ({"precision": "int8", "recipe": ("absent.toml",)}, "absent.toml"),
        ({"precision": "int8", "seed": -1}, "seed"),
    ],
)
def test_a_bad_option_fails_before_the_build(
    options: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(LpRuntimeError) as error:
        make_plan(read_options(None, {"output": tmp_path / "o", **options}))
    assert says in str(error.value)


def test_a_recipe_for_a_variant_that_is_not_built_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "chosen.toml"
    recipe.write_text('format = 1\ntarget = "onnx"\nprecision = "int8"\n')
    given = {"output": tmp_path / "o", "precision": "fp32", "recipe": (recipe,)}
    with pytest.raises(ConfigError, match="--precision int8"):
        make_plan(read_options(None, given))
