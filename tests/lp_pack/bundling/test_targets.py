"""One bundle for all three targets: what it holds, and that each target plays it alike."""

from __future__ import annotations

import html
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_persona import write_lite

from lp_pack.build import make_stages
from lp_pack.build_config import make_plan, read_options
from lp_pack.cli import group
from lp_pack.errors import ConfigError
from lp_pack.speech.wave_file import write_wave
from lp_pack.target_engines import evaluates_programs, packager_engine
from lp_pack.verify import verify_bundle
from lp_runtime.bundle import Bundle
from lp_runtime.frames import rgb_pixels

ALL = "onnx,coreml,tflite"
TARGETS = tuple(ALL.split(","))

pytest.importorskip("coremltools", reason="the extra 'coreml' is not installed")
pytest.importorskip("litert_torch", reason="the extra 'tflite' is not installed")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_audio2motion: Path) -> Path:
    """A tiny lite persona in every target and precision."""
    place = tmp_path_factory.mktemp("targets")
    lite, output = write_lite(place / "me.safetensors"), place / "me.lpbundle"
    arguments = ["build", "--lite", str(lite), "--audio2motion", str(tiny_audio2motion)]
    arguments += ["--targets", ALL, "--cache", str(place / "cache"), "-o", str(output)]
    group.main(arguments, prog_name="lp-pack", standalone_mode=False)
    return output


def test_stages_of_a_target_do_not_touch_those_of_another(
    tiny_audio2motion: Path, tmp_path: Path
) -> None:
    lite = write_lite(tmp_path / "me.safetensors")
    options = {"lite": lite, "audio2motion": tiny_audio2motion, "output": tmp_path / "b"}
    alone = make_stages(make_plan(read_options(None, options)))
    both = make_stages(make_plan(read_options(None, {**options, "targets": "tflite,onnx"})))
    names = [stage.name for stage in both]
    assert "tflite_fp16_generator" in names
    assert not any(name.startswith("coreml") for name in names)
    others = {stage.name: stage for stage in both}
    for stage in alone:
        assert others[stage.name].inputs == stage.inputs
        assert others[stage.name].needs == stage.needs


@pytest.mark.full_size
def test_every_variant_is_there_and_verified(built: Path) -> None:
    manifest = Bundle.open(built).manifest
    assert [(v.target, v.precision) for v in manifest.variants] == [
        (target, precision) for target in TARGETS for precision in ("fp32", "fp16")
    ]
    report = verify_bundle(built)
    assert report.passed
    assert all(variant.status == "passed" for variant in report.variants)
    if evaluates_programs("coreml"):
        details = [v.detail for v in report.variants if v.target == "coreml"]
        assert all("not Apple's runtime" in detail for detail in details)
        assert any("evaluation of the programs" in note for note in manifest.notes)


@pytest.mark.full_size
def test_every_target_plays_the_same_frames(built: Path) -> None:
    bundle = Bundle.open(built)
    pcm = np.random.default_rng(0).normal(size=5 * 640).astype(np.float32) * 0.1
    frames = {}
    for target in TARGETS:
        session = bundle.session(target, "fp32", threads=1, engine=packager_engine(target))
        frames[target] = np.stack([values["frame"] for values in session.push_pcm(pcm)])
    for target in TARGETS:
        np.testing.assert_allclose(frames[target], frames["onnx"], atol=1e-3)


@pytest.mark.full_size
def test_half_precision_is_smaller_in_every_target(built: Path) -> None:
    sizes = {
        (variant.target, variant.precision): sum(
            record.bytes for graph in variant.graphs.values() for record in graph.files
        )
        for variant in Bundle.open(built).manifest.variants
    }
    for target in TARGETS:
        assert sizes[target, "fp16"] < sizes[target, "fp32"]


@pytest.mark.full_size
def test_the_command_line_shows_the_targets(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group.main(["inspect", str(built), "--json"], prog_name="lp-pack", standalone_mode=False)
    graphs = json.loads(capsys.readouterr().out)["graphs"]
    requires = {(g["target"], g["requires"]) for g in graphs}
    assert ("coreml", "iOS16") in requires
    assert all(g["operators"] > 0 and g["bytes"] > 0 for g in graphs)


@pytest.mark.full_size
@pytest.mark.skipif(not evaluates_programs("coreml"), reason="Core ML itself runs here")
def test_core_ml_is_performed_benched_and_reported_as_an_evaluation(
    built: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def lp_pack(*arguments: object) -> tuple[str, str]:
        capfd.readouterr()
        words = [str(argument) for argument in arguments]
        group.main(words, prog_name="lp-pack", standalone_mode=False)
        printed = capfd.readouterr()
        return printed.out, printed.err

    sound = tmp_path / "sound.wav"
    write_wave(sound, np.zeros(3200, np.float32), 16000)
    for target in ("onnx", "coreml"):
        output = tmp_path / f"{target}.npz"
        _, said = lp_pack("keypoints", built, "--audio", sound, "--target", target, "-o", output)
        assert ("evaluates the programs" in said) == (target == "coreml")
    onnx, coreml = (np.load(tmp_path / f"{target}.npz") for target in ("onnx", "coreml"))
    np.testing.assert_allclose(coreml["landmarks"], onnx["landmarks"], atol=1e-3)

    bench = ("bench", built, "--target", "coreml", "--precision", "fp32", "--threads", 1)
    printed, _ = lp_pack(*bench, "--frames", 2, "--no-history", "--json")
    (measured,) = json.loads(printed)
    assert measured["evaluated"]
    assert "not Apple's runtime" in measured["engine"]
    with pytest.raises(ConfigError, match="evaluation"):
        lp_pack(*bench, "--record", "--no-history")

    page = tmp_path / "page.html"
    lp_pack("report", built, "--audio", sound, "-o", page)
    text = html.unescape(page.read_text())
    assert "coreml fp16 (evaluated, not Apple's runtime)" in text
    assert "Not played" not in text


@pytest.mark.full_size
def test_core_ml_may_draw_into_a_pixel_buffer(tiny_audio2motion: Path, tmp_path: Path) -> None:
    lite, output = write_lite(tmp_path / "me.safetensors"), tmp_path / "me.lpbundle"
    arguments = ["build", "--lite", str(lite), "--audio2motion", str(tiny_audio2motion)]
    arguments += ["--targets", "coreml", "--precision", "fp16,w8", "--coreml-image-output"]
    arguments += ["--cache", str(tmp_path / "cache"), "-o", str(output)]
    group.main(arguments, prog_name="lp-pack", standalone_mode=False)
    bundle = Bundle.open(output)
    assert bundle.manifest.provenance.options["coreml_image_output"] == "pixel buffer"
    for variant in bundle.manifest.variants:
        (frame,) = variant.graphs["generator"].outputs
        size = bundle.manifest.pipeline.frame.width
        assert (frame.dtype, frame.shape) == ("uint8", (1, size, size, 3))
        assert (frame.layout, frame.value_range) == ("NHWC", (0.0, 255.0))
    assert verify_bundle(output).passed
    session = bundle.session("coreml", "w8", engine=packager_engine("coreml"))
    values = next(iter(session.push_pcm(np.zeros(5 * 640, np.float32))))
    picture = rgb_pixels(values["frame"], session.values["frame"].layout)
    assert picture.shape == (size, size, 3)
    assert picture.std() > 1


@pytest.mark.full_size
def test_targets_are_compressed_as_their_recipes_say(
    built: Path, tiny_audio2motion: Path, tmp_path: Path
) -> None:
    lite, output = write_lite(tmp_path / "me.safetensors"), tmp_path / "small.lpbundle"
    arguments = ["build", "--lite", str(lite), "--audio2motion", str(tiny_audio2motion)]
    arguments += ["--targets", "coreml,tflite", "--precision", "w8", "-o", str(output)]
    group.main(
        [*arguments, "--cache", str(built.parent / "cache")],
        prog_name="lp-pack",
        standalone_mode=False,
    )
    for variant in Bundle.open(output).manifest.variants:
        for graph in variant.graphs.values():
            assert graph.compression is not None
            assert graph.compression.recipe == f"{variant.target}-w8"
    assert verify_bundle(output).passed
