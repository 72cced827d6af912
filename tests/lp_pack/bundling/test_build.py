"""`lp-pack build` on a tiny persona: what comes out, what runs again, what happens on failure."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import onnx
import pytest
from tiny_persona import build_arguments, write_audio2motion, write_weights

from lp_pack.atomic_folder import PARTIAL
from lp_pack.cache import ENTRY_NAME
from lp_pack.hashing import folder_records
from lp_runtime.bundle import Bundle
from lp_runtime.golden import self_check

LP_PACK = [sys.executable, "-c", "from lp_pack.cli import main; main()"]
ALL_STAGES = 15


def lp_pack(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command in a process of its own: exit code, standard output, standard error."""
    done = subprocess.run([*LP_PACK, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def stages_run(printed: str) -> list[str]:
    """Which stages a build with --json says it did not find in the cache."""
    return [stage["name"] for stage in json.loads(printed)["stages"] if not stage["from_cache"]]


def content(bundle: Path) -> dict[str, bytes]:
    return {r.path: (bundle / r.path).read_bytes() for r in folder_records(bundle)}


def test_the_bundle_opens_checks_and_plays(tiny_built: Path) -> None:
    bundle = Bundle.open(tiny_built / "tiny.lpbundle")
    for precision in ("fp32", "fp16"):
        session = bundle.session("onnx", precision)
        assert all(figure.passed for figure in self_check(bundle, session))
        frames = list(session.push_pcm(np.zeros(4 * 640, np.float32)))
        frames += list(session.flush())
        assert len(frames) == 4
        assert frames[0]["frame"].shape == (1, 3, 128, 128)


def test_the_manifest_says_what_a_user_must_know(tiny_built: Path) -> None:
    manifest = Bundle.open(tiny_built / "tiny.lpbundle").manifest
    assert (manifest.name, manifest.tier) == ("astronaut", "full")
    assert [(v.target, v.precision) for v in manifest.variants] == [
        ("onnx", "fp32"),
        ("onnx", "fp16"),
    ]
    for variant in manifest.variants:
        for graph in variant.graphs.values():
            assert graph.opset == 13
            assert "GridSample" not in graph.operators
    stages = {(figure.stage, figure.precision, figure.graph) for figure in manifest.parity}
    assert ("rewrite", None, "generator") in stages
    for precision in ("fp32", "fp16"):
        for graph in ("audio2motion", "stitching", "generator"):
            assert ("engine", precision, graph) in stages
        assert ("end_to_end", precision, "pipeline") in stages
    assert {"portrait", "audio2motion"} <= set(manifest.provenance.inputs)
    assert manifest.provenance.inputs["base_models/warping_module.pth"]
    assert {licence.spdx for licence in manifest.licences} >= {"Apache-2.0", "MIT"}
    reference = next(i for i in manifest.pipeline.inputs if i.name == "reference_motion")
    assert reference.default is not None
    assert reference.default[63] == 1.0


def test_the_schema_beside_the_manifest_validates_it(tiny_built: Path) -> None:
    bundle = tiny_built / "tiny.lpbundle"
    schema = json.loads((bundle / "manifest.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    manifest = json.loads((bundle / "manifest.json").read_text())
    jsonschema.validate(manifest, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest, "tier": "huge"}, schema)


def test_half_precision_halves_the_generator(tiny_built: Path) -> None:
    variants = {v.precision: v for v in Bundle.open(tiny_built / "tiny.lpbundle").manifest.variants}
    sizes = {p: v.graphs["generator"].files[0].bytes for p, v in variants.items()}
    assert sizes["fp16"] < 0.55 * sizes["fp32"]


def test_two_builds_elsewhere_are_identical_to_the_last_byte(
    tiny_built: Path, tmp_path: Path
) -> None:
    # Other folders for everything, the same content.
    weights = write_weights(tmp_path / "other" / "weights")
    audio2motion = write_audio2motion(tmp_path / "network.safetensors")
    output = tmp_path / "named otherwise.lpbundle"
    arguments = build_arguments(weights, audio2motion)
    code, _, printed = lp_pack([*arguments, "--cache", str(tmp_path / "cache"), "-o", str(output)])
    assert code == 0, printed
    first, second = content(tiny_built / "tiny.lpbundle"), content(output)
    assert list(first) == list(second)
    for path, data in first.items():
        assert second[path] == data, f"{path} differs"


def test_no_path_of_this_machine_is_inside(tiny_built: Path) -> None:
    for path, data in content(tiny_built / "tiny.lpbundle").items():
        for trace in (str(tiny_built), sys.prefix, str(Path.home()), "site-packages"):
            assert trace.encode() not in data, f"{path} holds {trace}"


def test_a_second_build_runs_no_stage(
    tiny_options: list[str], cache_copy: Path, tmp_path: Path
) -> None:
    output = str(tmp_path / "b.lpbundle")
    code, printed, _ = lp_pack([*tiny_options, "--cache", str(cache_copy), "--json", "-o", output])
    assert code == 0
    assert stages_run(printed) == []
    assert len(json.loads(printed)["stages"]) == ALL_STAGES


def test_another_motion_network_redoes_only_what_depends_on_it(
    tiny_weights: Path, cache_copy: Path, tmp_path: Path
) -> None:
    other = write_audio2motion(tmp_path / "other.safetensors", seed=1)
    arguments = build_arguments(tiny_weights, other)
    outputs = ["--cache", str(cache_copy), "--json", "-o", str(tmp_path / "b.lpbundle")]
    code, printed, _ = lp_pack([*arguments, *outputs])
    assert code == 0
    assert stages_run(printed) == [
        "reference",
        "rewrite_parity",
        "export_audio2motion",
        "fp32_audio2motion",
        "fp16_audio2motion",
        "parity_onnx_fp32",
        "parity_onnx_fp16",
    ]


def test_a_killed_build_resumes_after_its_last_finished_stage(
    tiny_options: list[str], tmp_path: Path
) -> None:
    cache, output = tmp_path / "cache", tmp_path / "b.lpbundle"
    arguments = [*tiny_options, "--cache", str(cache), "-o", str(output)]
    with subprocess.Popen([*LP_PACK, *arguments], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list(cache.glob("export_audio2motion-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not output.exists()
    finished = {path.name.split("-")[0] for path in cache.glob("[!.]*")}
    assert {"crop", "bake", "reference", "export_audio2motion"} <= finished
    code, printed, _ = lp_pack([*arguments, "--json"])
    assert code == 0
    assert not finished & set(stages_run(printed))
    assert not list(tmp_path.glob(f"{PARTIAL}*"))
    Bundle.open(output)


def tamper(cache: Path, stage: str, name: str) -> None:
    """Change one weight of a finished graph, and its entry, as a faulty conversion would."""
    (folder,) = cache.glob(f"{stage}-*")
    model = onnx.load(folder / name)
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = np.frombuffer(weight.raw_data, np.float32).copy()
    values[: len(values) // 2] *= 1.5
    weight.raw_data = values.tobytes()
    onnx.save(model, folder / name)
    entry = msgspec.json.decode((folder / ENTRY_NAME).read_bytes())
    entry["files"] = msgspec.to_builtins(folder_records(folder, exclude=(ENTRY_NAME,)))
    (folder / ENTRY_NAME).write_bytes(msgspec.json.encode(entry))


@pytest.mark.parametrize("graph", ["generator", "stitching", "audio2motion"])
def test_a_graph_that_differs_from_torch_fails_the_gate_and_leaves_nothing(
    tiny_options: list[str], cache_copy: Path, tmp_path: Path, graph: str
) -> None:
    tamper(cache_copy, f"fp32_{graph}", f"{graph}.onnx")
    output = tmp_path / "b.lpbundle"
    arguments = [*tiny_options, "--precision", "fp32", "--cache", str(cache_copy)]
    code, printed, message = lp_pack([*arguments, "-o", str(output)])
    assert code == 1
    assert printed == ""
    for part in ("Parity failed", f"graph '{graph}'", "onnx fp32", "expected: max_abs <= 0.001"):
        assert part in message
    assert "next:" in message
    assert "Traceback" not in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


def test_a_failed_build_keeps_the_bundle_that_it_would_replace(
    tiny_built: Path, tiny_options: list[str], cache_copy: Path, tmp_path: Path
) -> None:
    output = tmp_path / "b.lpbundle"
    shutil.copytree(tiny_built / "tiny.lpbundle", output)
    before = content(output)
    tamper(cache_copy, "fp32_generator", "generator.onnx")
    arguments = [*tiny_options, "--cache", str(cache_copy), "--force", "-o", str(output)]
    code, _, _ = lp_pack(arguments)
    assert code == 1
    assert content(output) == before


def test_force_replaces_a_bundle(
    tiny_built: Path, tiny_options: list[str], cache_copy: Path, tmp_path: Path
) -> None:
    output = tmp_path / "b.lpbundle"
    shutil.copytree(tiny_built / "tiny.lpbundle", output)
    (output / "leftover").touch()
    arguments = [*tiny_options, "--cache", str(cache_copy), "--force", "-o", str(output)]
    code, _, _ = lp_pack([*arguments, "--precision", "fp32"])
    assert code == 0
    assert not (output / "leftover").exists()
    assert len(Bundle.open(output).manifest.variants) == 1


def test_a_cache_that_cannot_be_written_is_named(tiny_options: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    output = tmp_path / "b.lpbundle"
    arguments = [*tiny_options, "--cache", str(tmp_path / "cache"), "-o", str(output)]
    code, _, message = lp_pack(arguments)
    assert code == 1
    assert "could not read or write" in message
    assert str(tmp_path / "cache") in message
    assert not output.exists()


def test_absolute_motion_has_no_reference(
    tiny_options: list[str], cache_copy: Path, tmp_path: Path
) -> None:
    output = tmp_path / "b.lpbundle"
    arguments = [*tiny_options, "--motion-mode", "absolute", "--cache", str(cache_copy)]
    code, printed, _ = lp_pack([*arguments, "--json", "-o", str(output)])
    assert code == 0
    # Baking, the generator and the motion network do not depend on the mode.
    assert not {"bake", "export_generator", "export_audio2motion"} & set(stages_run(printed))
    bundle = Bundle.open(output)
    assert "reference_motion" not in {item.name for item in bundle.manifest.pipeline.inputs}
    frames = bundle.session().step({"motion": np.ones((1, 70), np.float32)})
    assert frames["frame"].shape == (1, 3, 128, 128)
