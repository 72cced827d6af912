"""Opening a bundle: what is accepted, and the error for everything that is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_bundle import TinyBundle

from lp_runtime import Bundle, BundleError, EngineError, InputError
from lp_runtime.bundle import MAX_MANIFEST_BYTES
from lp_runtime.manifest import FileRecord

GRAPH = "graphs/onnx/fp32/generator.onnx"


def fp32(data: dict) -> dict:
    return data["variants"][0]["graphs"]


def step(data: dict, graph: str) -> dict:
    return next(step for step in data["pipeline"]["steps"] if step["graph"] == graph)


def test_an_intact_bundle_opens_and_says_what_it_holds(pristine: Path) -> None:
    bundle = Bundle.open(pristine)
    assert bundle.manifest.name == "tiny"
    assert bundle.manifest.trained is False
    assert bundle.verify_files() == 6 + 2 + 4  # graphs, assets, golden cases
    assert bundle.asset("assets/mask.png").is_file()


def test_a_string_path_is_accepted(pristine: Path) -> None:
    assert Bundle.open(str(pristine)).path == pristine


@pytest.mark.parametrize("kind", ["nothing", "file"])
def test_something_else_than_a_bundle_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.write_bytes(b"PK")
    with pytest.raises(BundleError, match=f"no bundle here(.|\n)*got: +(a )?{kind}"):
        Bundle.open(path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"missing(.|\n)*manifest\.json"):
        Bundle.open(tmp_path)


class TestFiles:
    def test_a_missing_file_is_named(self, tiny: TinyBundle) -> None:
        (tiny.path / GRAPH).unlink()
        with pytest.raises(BundleError, match=rf"missing(.|\n)*{GRAPH}"):
            Bundle.open(tiny.path)

    def test_a_changed_byte_is_found(self, tiny: TinyBundle) -> None:
        content = bytearray((tiny.path / GRAPH).read_bytes())
        content[-1] ^= 1
        (tiny.path / GRAPH).write_bytes(content)
        with pytest.raises(BundleError, match=rf"changed(.|\n)*{GRAPH}(.|\n)*sha256"):
            Bundle.open(tiny.path)

    def test_without_verify_the_bytes_are_not_read(self, tiny: TinyBundle) -> None:
        content = (tiny.path / GRAPH).read_bytes()
        (tiny.path / GRAPH).write_bytes(bytes(len(content)))
        assert Bundle.open(tiny.path, verify=False).manifest.name == "tiny"

    def test_a_truncated_file_is_found_even_without_verify(self, tiny: TinyBundle) -> None:
        content = (tiny.path / GRAPH).read_bytes()
        (tiny.path / GRAPH).write_bytes(content[:-10])
        with pytest.raises(BundleError, match="wrong size"):
            Bundle.open(tiny.path)
        with pytest.raises(BundleError, match="wrong size"):
            Bundle.open(tiny.path, verify=False).session()

    def test_a_path_with_dots_is_refused_by_the_manifest(self, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data["assets"][0].update(path="assets/../../secret"))
        with pytest.raises(BundleError, match=r"\$\.assets\[0\]\.path"):
            Bundle.open(tiny.path)

    def test_a_path_with_dots_is_refused_on_disk_as_well(self, pristine: Path) -> None:
        (pristine.parent / "secret").write_bytes(b"secret")
        record = FileRecord(path="../secret", sha256="0" * 64, bytes=6)
        with pytest.raises(BundleError, match="leads out of the bundle"):
            Bundle.open(pristine).file(record)

    @pytest.mark.parametrize("relative", [GRAPH, "manifest.json", "assets/portrait.png"])
    def test_a_symbolic_link_out_of_the_bundle_is_refused(
        self, tiny: TinyBundle, relative: str
    ) -> None:
        outside = tiny.path.parent / "outside"
        (tiny.path / relative).rename(outside)
        (tiny.path / relative).symlink_to(outside)
        with pytest.raises(BundleError, match="leads out of the bundle"):
            Bundle.open(tiny.path)

    def test_a_linked_folder_out_of_the_bundle_is_refused(self, tiny: TinyBundle) -> None:
        outside = tiny.path.parent / "outside"
        (tiny.path / "golden").rename(outside)
        (tiny.path / "golden").symlink_to(outside, target_is_directory=True)
        with pytest.raises(BundleError, match="leads out of the bundle"):
            Bundle.open(tiny.path)

    def test_a_link_to_itself_is_refused(self, tiny: TinyBundle) -> None:
        (tiny.path / GRAPH).unlink()
        (tiny.path / GRAPH).symlink_to("generator.onnx")
        with pytest.raises(BundleError, match="missing"):
            Bundle.open(tiny.path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_a_named_pipe_is_refused_without_waiting_for_it(self, tiny: TinyBundle) -> None:
        (tiny.path / GRAPH).unlink()
        os.mkfifo(tiny.path / GRAPH)
        with pytest.raises(BundleError, match="not a plain file"):
            Bundle.open(tiny.path)

    def test_an_unknown_asset_is_refused(self, pristine: Path) -> None:
        with pytest.raises(BundleError, match="no such asset"):
            Bundle.open(pristine).asset("manifest.json")


class TestSchema:
    def test_a_newer_version_asks_for_an_update(self, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data.update(schema_version=99, surprise=1))
        with pytest.raises(BundleError, match=r"newer lp-pack(.|\n)*99(.|\n)*update lp-pack"):
            Bundle.open(tiny.path)

    def test_a_version_that_never_was_is_refused(self, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data.update(schema_version=0))
        with pytest.raises(BundleError, match="schema_version 0"):
            Bundle.open(tiny.path)

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (lambda d: d.update(surprise=1), "surprise"),
            (lambda d: d["pipeline"].update(fps=25), r"fps(.|\n)*\$\.pipeline"),
            (lambda d: d["pipeline"].pop("steps"), r"steps(.|\n)*\$\.pipeline"),
            (lambda d: d["pipeline"].update(frame_rate="fast"), r"\$\.pipeline\.frame_rate"),
            (lambda d: d["variants"][0].update(target="cuda"), r"'cuda'(.|\n)*\$\.variants"),
            (lambda d: d["variants"][0].update(precision="fp8"), r"'fp8'(.|\n)*\$\.variants"),
            (lambda d: d["assets"][0].update(sha256="abc"), r"\$\.assets\[0\]\.sha256"),
        ],
    )
    def test_the_bad_field_is_named(
        self, tiny: TinyBundle, change: Callable[[dict], None], named: str
    ) -> None:
        tiny.rewrite(change)
        with pytest.raises(BundleError, match=named):
            Bundle.open(tiny.path)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"\xff\xfe", b'{"schema_version": "1"}', b"[" * 100_000],
        ids=["empty", "cut", "list", "not text", "text version", "deep"],
    )
    def test_what_is_not_a_manifest_is_refused(self, tiny: TinyBundle, content: bytes) -> None:
        (tiny.path / "manifest.json").write_bytes(content)
        with pytest.raises(BundleError, match="not valid"):
            Bundle.open(tiny.path)

    def test_an_oversized_manifest_is_not_parsed(self, tiny: TinyBundle) -> None:
        with (tiny.path / "manifest.json").open("ab") as stream:
            stream.truncate(MAX_MANIFEST_BYTES + 1)
        with pytest.raises(BundleError, match="too large"):
            Bundle.open(tiny.path)


def duplicate_variant(data: dict) -> None:
    data["variants"].append(data["variants"][0])


CONTRADICTIONS: dict[str, tuple[Callable[[dict], object], str]] = {
    "missing graph": (lambda d: fp32(d).pop("stitching"), "lacks the graph 'stitching'"),
    "wrong tensor shape": (
        lambda d: fp32(d)["stitching"]["inputs"][0].update(shape=[1, 71]),
        r"does not fit the value 'motion'(.|\n)*\[1, 70\](.|\n)*\[1, 71\]",
    ),
    "wrong tensor type": (
        lambda d: fp32(d)["stitching"]["inputs"][0].update(dtype="int32"),
        "does not fit(.|\n)*float32(.|\n)*int32",
    ),
    "wrong state shape": (
        lambda d: d["pipeline"]["states"][0].update(shape=[1, 5]),
        "does not fit the value 'memory'",
    ),
    "renamed tensor": (
        lambda d: fp32(d)["generator"]["inputs"][0].update(name="points"),
        "not those that its step connects(.|\n)*keypoints(.|\n)*points",
    ),
    "negative size": (
        lambda d: fp32(d)["generator"]["outputs"][0].update(shape=[1, 3, -1, 16]),
        "shape is out of range",
    ),
    "huge tensor": (
        lambda d: d["pipeline"]["states"][0].update(shape=[1 << 40]),
        "shape is out of range",
    ),
    "huge values together": (
        lambda d: d["pipeline"]["states"].append(
            {"value": "huge", "next_value": "huge", "dtype": "float32", "shape": [1 << 27]}
        ),
        "values are too large",
    ),
    "frame of another size": (
        lambda d: d["pipeline"]["frame"].update(width=17),
        "not a picture of the declared size",
    ),
    "no frame layout": (
        lambda d: fp32(d)["generator"]["outputs"][0].update(layout=""),
        "not a picture",
    ),
    "value not connected": (
        lambda d: step(d, "stitching")["inputs"].update(motion="emotions"),
        "'emotions' is not connected",
    ),
    "steps out of order": (
        lambda d: d["pipeline"]["steps"].reverse(),
        "is not connected",
    ),
    "two sources": (
        lambda d: step(d, "generator")["outputs"].update(frame="motion"),
        "'motion' has two sources",
    ),
    "state never updated": (
        lambda d: d["pipeline"]["states"][0].update(next_value="nothing"),
        "'memory' is never updated",
    ),
    "no step makes the frame": (
        lambda d: d["pipeline"]["frame"].update(value="picture"),
        "No step makes the frame",
    ),
    "no steps": (lambda d: d["pipeline"].update(steps=[]), "no steps"),
    "no variants": (lambda d: d.update(variants=[]), "no variant"),
    "variant twice": (duplicate_variant, "occurs twice"),
    "rates disagree": (lambda d: d["pipeline"].update(frame_rate=30.0), "640"),
    "frame rate zero": (lambda d: d["pipeline"].update(frame_rate=0.0), "frame rate is out of"),
    "sample rate": (lambda d: d["pipeline"].update(sample_rate=-1), "sample rate is out of"),
    "look-ahead": (lambda d: d["pipeline"].update(look_ahead_frames=-1), "look-ahead is out of"),
    "default of wrong length": (
        lambda d: d["pipeline"]["inputs"][1].update(default=[1.0, 2.0]),
        "do not fill the tensor(.|\n)*1 or 8",
    ),
    "labels of wrong length": (
        lambda d: d["pipeline"]["inputs"][1].update(labels=["happy"]),
        "8 labels",
    ),
    "audio of wrong length": (
        lambda d: d["pipeline"]["inputs"][0].update(shape=[1, 320]),
        "one frame of samples",
    ),
    "motion parts overlap": (
        lambda d: d["pipeline"]["motion"][1].update(start=62),
        "overlap",
    ),
    "graph outside its files": (
        lambda d: fp32(d)["generator"].update(path="graphs/onnx/fp32/other.onnx"),
        "do not lie under its path",
    ),
    "paste-back without asset": (
        lambda d: d["paste_back"].update(mask="assets/other.png"),
        "mask is not among the assets",
    ),
    "golden of unknown graph": (
        lambda d: d["golden"][0].update(graph="ears"),
        "unknown graph",
    ),
    "parity with unknown threshold": (
        lambda d: d["parity"][0].update(threshold="none"),
        "unknown threshold",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_manifest_that_contradicts_itself_is_refused(tiny: TinyBundle, name: str) -> None:
    change, text = CONTRADICTIONS[name]
    tiny.rewrite(change)
    with pytest.raises(BundleError, match=text):
        Bundle.open(tiny.path)


class TestSession:
    def test_fp32_is_the_default_precision(self, pristine: Path) -> None:
        session = Bundle.open(pristine).session(threads=1)
        assert session.graph_files["generator"].path == GRAPH

    @pytest.mark.parametrize("target", ["tflite", "coreml", "cuda"])
    def test_an_unknown_target_is_refused(self, pristine: Path, target: str) -> None:
        with pytest.raises(InputError, match=rf"{target}(.|\n)*expected: +onnx"):
            Bundle.open(pristine).session(target=target)

    def test_an_unknown_precision_is_refused(self, pristine: Path) -> None:
        with pytest.raises(InputError, match=r"int8(.|\n)*fp32 or fp16"):
            Bundle.open(pristine).session(precision="int8")

    def test_precisions_must_name_every_graph(self, pristine: Path) -> None:
        with pytest.raises(InputError, match="name each graph once"):
            Bundle.open(pristine).session(precision={"generator": "fp16"})

    def test_a_target_without_an_engine_is_refused(self, tiny: TinyBundle) -> None:
        tiny.rewrite(lambda data: data["variants"][0].update(target="coreml"))
        with pytest.raises(EngineError, match="coreml"):
            Bundle.open(tiny.path).session(target="coreml")

    def test_zero_threads_are_refused(self, pristine: Path) -> None:
        with pytest.raises(InputError, match="threads"):
            Bundle.open(pristine).session(threads=0)
