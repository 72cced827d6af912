"""Options and build files: what is refused, how, and before anything long starts."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from tiny_persona import write_weights

from lp_models.errors import LpModelError
from lp_pack.build_config import BuildOptions, make_plan, read_options
from lp_pack.cli import main
from lp_pack.errors import ConfigError, LpPackError
from lp_pack.persona.liveportrait import astronaut_path
from lp_runtime.errors import LpRuntimeError


def options_from(tmp_path: Path, toml: str, **command_line: object) -> BuildOptions:
    config = tmp_path / "build.toml"
    config.write_text(toml)
    return read_options(config, command_line)


def test_the_file_and_the_command_line_mean_the_same(tmp_path: Path) -> None:
    toml = 'output = "o"\nprecision = ["fp16"]\nmotion-mode = "absolute"\ncrop = "none"\n'
    given = {"precision": "fp16", "motion_mode": "absolute", "crop": "none"}
    from_file = options_from(tmp_path, toml)
    from_line = read_options(None, {"output": tmp_path / "o", **given})
    assert from_file == from_line


def test_the_command_line_wins(tmp_path: Path) -> None:
    merged = options_from(tmp_path, 'output = "o"\nprecision = "fp16"', precision="fp32", crop=None)
    assert merged.precision == ("fp32",)
    assert merged.output == tmp_path / "o"


def test_precisions_come_in_one_order_and_once(tmp_path: Path) -> None:
    assert options_from(tmp_path, 'output="o"\nprecision="fp16, fp32,fp16"').precision == (
        "fp32",
        "fp16",
    )


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('output = "o"\npresicion = "fp32"', "did you mean 'precision'?"),
        ('output = "o"\nprecision = "fp61"', "did you mean 'fp16'?"),
        ('output = "o"\ntargets = ["tensorrt"]', "'tensorrt'"),
        ('output = "o"\nmotion_mode = "both"', "relative or absolute"),
        ('output = "o"\nportrait = 3', "'portrait'"),
        ('output = "o"\nforce = "yes"', "true or false"),
        ('output = "o"\nprecision = []', "at least one"),
        ("output = o", "TOML"),
        ("", "No output"),
    ],
)
def test_a_bad_build_file_is_refused(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        options_from(tmp_path, toml)
    assert says in str(error.value)


def test_an_absent_or_binary_build_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_options(tmp_path / "absent.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_options(tmp_path / "binary.toml", {})


@pytest.fixture
def good(tmp_path: Path, tiny_weights: Path) -> dict[str, object]:
    return {"output": tmp_path / "o", "portrait": astronaut_path(), "weights": tiny_weights}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("portrait", "absent.png"),
        ("weights", "absent"),
        ("audio2motion", "absent.safetensors"),
        ("crop", "1,2"),
        ("parity_motion", "absent.pkl"),
        ("output", "absent/folder/o"),
    ],
)
def test_a_bad_option_fails_before_the_build(
    good: dict[str, object], tmp_path: Path, option: str, value: str
) -> None:
    good[option] = value if option == "crop" else tmp_path / value
    with pytest.raises((LpPackError, LpModelError, LpRuntimeError)) as error:
        make_plan(read_options(None, good))
    assert value.split(".")[0].split("/")[0] in str(error.value)


def test_a_missing_checkpoint_fails_before_the_build(
    good: dict[str, object], tmp_path: Path
) -> None:
    weights = write_weights(tmp_path / "weights")
    (weights / "base_models" / "warping_module.pth").unlink()
    with pytest.raises(ConfigError, match=r"warping_module\.pth"):
        make_plan(read_options(None, {**good, "weights": weights}))


def test_dims_beside_the_checkpoints_that_make_no_sense_are_refused(
    good: dict[str, object], tmp_path: Path
) -> None:
    weights = write_weights(tmp_path / "weights")
    for text in ("{", '{"num_kp": 21}', "[]"):
        (weights / "dims.json").write_text(text)
        with pytest.raises((ConfigError, LpModelError)):
            make_plan(read_options(None, {**good, "weights": weights}))


def test_a_portrait_without_weights_is_refused(tmp_path: Path) -> None:
    given = {"output": tmp_path / "o", "portrait": astronaut_path()}
    with pytest.raises(ConfigError, match="fetch-weights"):
        make_plan(read_options(None, given))


def test_a_hostile_motion_template_is_refused(good: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle.dumps(print))
    with pytest.raises(LpRuntimeError):
        make_plan(read_options(None, {**good, "parity_motion": path}))


def test_an_output_that_exists_is_refused_without_force(
    good: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "o").mkdir()
    with pytest.raises(ConfigError, match="--force"):
        make_plan(read_options(None, good))
    with pytest.raises(ConfigError, match="not a bundle"):
        make_plan(read_options(None, {**good, "force": True}))
    (tmp_path / "o" / "manifest.json").touch()
    assert make_plan(read_options(None, {**good, "force": True})).replace


def test_without_arguments_it_is_the_embedded_default(tmp_path: Path) -> None:
    plan = make_plan(read_options(None, {"output": tmp_path / "o"}))
    assert plan.name == "astronaut"
    assert plan.persona.notes or plan.persona.trained


@pytest.mark.parametrize(
    "arguments",
    [
        ["--precision", "fp61"],
        ["--portrait", "absent.png"],
        ["--crop", "face"],
        ["--config", "absent.toml"],
    ],
)
def test_the_command_prints_the_error_without_a_traceback(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["build", *arguments, "-o", str(tmp_path / "o")])
    assert stop.value.code == 1
    printed = capsys.readouterr()
    assert "error:" in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_cache_and_no_cache_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["build", "--cache", str(tmp_path), "--no-cache", "-o", str(tmp_path / "o")])
    assert stop.value.code == 2
    assert "--no-cache" in capsys.readouterr().err
