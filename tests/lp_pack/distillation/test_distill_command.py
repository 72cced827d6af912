"""`lp-pack distill` from checkpoints to a generator's file, on tiny networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from lp_models.lite_generator import KIND, LiteGenerator
from lp_models.own_checkpoint import load_own
from lp_pack.cli import group
from lp_pack.distillation.face_record import FACE_KEY, face_from_text
from lp_pack.errors import DistillationError
from lp_pack.persona.liveportrait import astronaut_path


def arguments(weights: Path, work: Path, output: Path) -> list[str]:
    return [
        "distill",
        *("--portrait", str(astronaut_path()), "--crop", "96,0,256", "--weights", str(weights)),
        *(
            "--size",
            "nano",
            "--steps",
            "6",
            "--clips",
            "4",
            "--held-out-frames",
            "3",
            "--threads",
            "1",
            "--device",
            "cpu",
        ),
        *("--work", str(work), "-o", str(output), "--json"),
    ]


def test_a_full_generator_teaches_a_lite_one(tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "lite.safetensors"
    result = CliRunner().invoke(group, arguments(tiny_weights, tmp_path / "work", output))
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert {each["name"] for each in figures["held_out"]} >= {"all"}
    assert figures["gigaflops"] < 6
    assert (tmp_path / "lite_report.json").is_file()
    assert (tmp_path / "lite_report.png").is_file()
    generator = LiteGenerator.load(output)
    face = face_from_text(load_own(output, KIND).extra[FACE_KEY], output)
    with torch.no_grad():
        frame = generator(face.keypoints)
    assert frame.shape == (1, 3, 128, 128)
    # Even an untaught student shows the teacher's picture at rest.
    assert np.isfinite(frame.numpy()).all()


@pytest.mark.parametrize(
    ("option", "value"), [("--portrait", "nowhere.png"), ("--weights", "nowhere")]
)
def test_an_absent_input_is_named(
    tiny_weights: Path, tmp_path: Path, option: str, value: str
) -> None:
    given = arguments(tiny_weights, tmp_path / "work", tmp_path / "lite.safetensors")
    given[given.index(option) + 1] = str(tmp_path / value)
    result = CliRunner().invoke(group, given)
    assert result.exit_code != 0
    assert value in str(result.exception)
    assert not list(tmp_path.glob("*.safetensors"))


def test_an_absent_device_is_named(tiny_weights: Path, tmp_path: Path) -> None:
    given = arguments(tiny_weights, tmp_path / "work", tmp_path / "lite.safetensors")
    given[given.index("--device") + 1] = "abacus"
    result = CliRunner().invoke(group, given)
    assert isinstance(result.exception, DistillationError)
    assert "abacus" in str(result.exception)


@pytest.mark.parametrize("text", ["", "{}", '{"canonical_keypoints": [], "source_motion": []}'])
def test_a_file_without_a_face_is_refused(text: str) -> None:
    with pytest.raises(DistillationError, match="whose face"):
        face_from_text(text, "a file")
