"""The search for a mixed precision: algebra of its choices, and a real search on a tiny persona."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_persona import write_audio2motion, write_lite

from lp_pack.cli import group as lp_pack_command
from lp_pack.cli import main
from lp_pack.errors import LpPackError
from lp_pack.hashing import file_sha256
from lp_pack.quantize.recipe_file import read_recipe
from lp_pack.quantize.recipes import recipe_for
from lp_pack.quantize.search.allocation import Floor, Goal, expected_noise, fill, order_steps
from lp_pack.quantize.search.layers import Group, Layer, group_layers
from lp_pack.quantize.search.run import ProbeMemory
from lp_pack.quantize.search.search import Search
from lp_pack.quantize.search.trials import Frames, Noise, Trial, measure
from lp_runtime.manifest import Precision

CONVOLUTION: tuple[Precision, ...] = ("fp32", "w8", "int8")


def group(name: str, numbers: int, work: int = 0) -> Group:
    return Group(name, (name,), numbers, work, CONVOLUTION if work else CONVOLUTION[:2])


def noise(*frames: float) -> Noise:
    return Noise(np.array(frames), np.zeros(len(frames)))


class AdditiveBench:
    """Groups whose noise adds up, a little more than the probes say: layers excite one another."""

    def __init__(self, groups: list[Group], probes: Mapping[tuple[str, Precision], Noise]) -> None:
        self.groups, self.probes = groups, probes
        self.probed: list[tuple[str, Precision]] = []

    def probe(self, chosen: Group, choice: Precision) -> Noise:
        self.probed.append((chosen.name, choice))
        return self.probes[chosen.name, choice]

    def verify(self, chosen: Mapping[str, Precision]) -> Trial:
        total = expected_noise(self.groups, chosen, self.probes) or noise(0.0)
        saved = sum(one.saved_bytes(chosen[one.name]) for one in self.groups)
        real = Noise(1.5 * total.frame, 1.5 * total.lips)
        return Trial(real, 10_000_000 - saved, "", seconds=0.0, milliseconds=1.0)


def search(bench: AdditiveBench, floor: float, goal: Goal = "size", seconds: float = 60) -> Search:
    return Search(bench.groups, bench, Floor(floor), goal, seconds)


@st.composite
def benches(draw: st.DrawFn) -> AdditiveBench:
    groups, probes = [], {}
    for index in range(draw(st.integers(1, 8))):
        one = group(
            f"g{index}", draw(st.integers(1000, 100_000)), draw(st.sampled_from([0, 10**6]))
        )
        groups.append(one)
        level = draw(st.floats(1e-8, 1e-3))
        for choice in one.choices[1:]:
            probes[one.name, choice] = noise(level, level * draw(st.floats(0.1, 2.0)))
            level *= draw(st.floats(1.0, 10.0))
    return AdditiveBench(groups, probes)


@settings(max_examples=60, deadline=None)
@given(benches(), st.floats(30, 70))
def test_what_is_found_meets_the_floor_in_a_real_run(bench: AdditiveBench, floor: float) -> None:
    found = search(bench, floor).run()
    assert found.best.trial.noise.decibels >= floor
    again = search(bench, floor).run()
    assert again.overrides == found.overrides


@settings(max_examples=60, deadline=None)
@given(benches(), st.floats(30, 60), st.floats(3, 20))
def test_a_higher_margin_never_saves_less(bench: AdditiveBench, floor: float, more: float) -> None:
    # One choice for each group, so that no step is a trade between two kinds of saving.
    tight = fill(bench.groups, bench.probes, Floor(floor), "size", 10 ** (-more / 10))
    assert expected_share(bench, tight, floor) <= 10 ** (-more / 10)
    everything = fill(bench.groups, bench.probes, Floor(floor), "size", 1e12)
    saved = [
        sum(one.saved_bytes(chosen[one.name]) for one in bench.groups)
        for chosen in (tight, everything)
    ]
    assert saved[0] <= saved[1]


def expected_share(bench: AdditiveBench, chosen: Mapping[str, Precision], floor: float) -> float:
    total = expected_noise(bench.groups, chosen, bench.probes)
    return 0.0 if total is None else Floor(floor).share(total)


def three_groups() -> AdditiveBench:
    """A large calm one, a small calm one, a large noisy one."""
    groups = [group("calm", 100_000), group("small", 2_000), group("noisy", 100_000)]
    levels = {"calm": 1e-6, "small": 2e-7, "noisy": 1e-3}
    probes: dict[tuple[str, Precision], Noise] = {
        (name, "w8"): noise(level) for name, level in levels.items()
    }
    return AdditiveBench(groups, probes)


def test_most_saved_for_least_noise_comes_first() -> None:
    bench = three_groups()
    steps = order_steps(bench.groups, bench.probes, Floor(40), "size")
    assert [step.group.name for step in steps] == ["calm", "small", "noisy"]


def test_more_quality_costs_more_bytes() -> None:
    sizes = [search(three_groups(), floor).run().best.trial.bytes for floor in (25, 50, 59, 90)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


def test_a_recipe_that_meets_the_floor_as_it_stands_is_not_searched() -> None:
    bench = three_groups()
    found = search(bench, 20).run()
    assert found.overrides == {}
    assert bench.probed == []


def test_a_choice_above_the_hull_is_never_taken() -> None:
    one = group("convolution", 50_000, work=10**6)
    probes: dict[tuple[str, Precision], Noise] = {
        ("convolution", "w8"): noise(1e-4),
        ("convolution", "int8"): noise(1.1e-4),
    }
    by_time = order_steps([one], probes, Floor(40), "time")
    assert [step.choice for step in by_time] == ["int8"]
    by_size = order_steps([one], probes, Floor(40), "size")
    assert [step.choice for step in by_size] == ["w8", "int8"]


def test_without_time_everything_stays_wide_and_is_named() -> None:
    found = search(three_groups(), 40, seconds=0.0).run()
    assert set(found.unprobed) == {"calm", "small", "noisy"}
    assert set(found.overrides.values()) == {"fp32"}


def test_a_floor_beyond_everything_is_an_error() -> None:
    bench = three_groups()
    real = bench.verify

    def never_quiet(chosen: Mapping[str, Precision]) -> Trial:
        trial = real(chosen)
        return Trial(trial.noise + noise(1e-3), trial.bytes, "", 0.0, 1.0)

    bench.verify = never_quiet  # type: ignore[method-assign]
    with pytest.raises(LpPackError, match="No choice of layers"):
        search(bench, 60).run()


def test_like_layers_are_probed_together_where_there_are_many() -> None:
    layers = [Layer(f"conv{index}", "Conv 3x3", 9_000, 1_000) for index in range(60)]
    recipe = recipe_for("onnx", "int8")
    (block,) = group_layers(layers, recipe, "auto")
    assert block.name == "60 x Conv 3x3"
    assert (block.numbers, block.choices) == (540_000, CONVOLUTION)
    assert len(group_layers(layers, recipe, "layer")) == 60
    assert len(group_layers(layers[:3], recipe, "auto")) == 3


def test_noise_is_measured_frame_by_frame_with_the_lips_apart() -> None:
    keypoints = np.zeros((2, 1, 21, 3), np.float32)
    expected = np.zeros((2, 1, 3, 64, 64), np.float32)
    drawn = expected.copy()
    drawn[1, ..., 30:34, 30:34] = 0.1
    found = measure(Frames(keypoints, expected), drawn)
    assert found.frame[0] == found.lips[0] == 0
    assert found.lips[1] > 10 * found.frame[1]
    assert found.frame[1] == pytest.approx(0.01 * 16 / 64**2, rel=1e-5)


def test_probes_outlive_an_interrupted_search(tmp_path: Path) -> None:
    ProbeMemory(tmp_path / "probes.json").keep("w8 conv", noise(1e-4, 2e-4))
    again = ProbeMemory(tmp_path / "probes.json")
    known = again.find("w8 conv")
    assert known is not None
    assert known.frame.tolist() == [1e-4, 2e-4]
    assert again.find("int8 conv") is None
    (tmp_path / "probes.json").write_text("{")
    assert ProbeMemory(tmp_path / "probes.json").find("w8 conv") is None


def run(arguments: list[object]) -> None:
    words = [str(argument) for argument in arguments]
    lp_pack_command.main(words, prog_name="lp-pack", standalone_mode=False)


def test_a_recipe_found_on_a_persona_replays_to_the_same_bytes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    persona = [
        *("--lite", write_lite(tmp_path / "me.safetensors")),
        *("--audio2motion", write_audio2motion(tmp_path / "motion.safetensors")),
        *("--cache", tmp_path / "cache"),
        *("--calibration-samples", 8),
    ]

    def searched(name: str, floor: float) -> dict[str, object]:
        capfd.readouterr()
        recipe = tmp_path / f"{name}.toml"
        floors = ["--floor", floor, "--lips-floor", floor - 3]
        run(["quantize", "--search", *persona, *floors, "-o", recipe, "--json"])
        printed: dict[str, object] = json.loads(capfd.readouterr().out)
        return printed

    plain = searched("plain", 15)
    assert plain["overrides"] == {}
    reached = plain["best"]["frame_db"]  # type: ignore[index]
    better = searched("better", reached + 6)
    best = better["best"]
    assert isinstance(best, dict)
    assert best["frame_db"] >= reached + 6
    assert best["bytes"] > plain["best"]["bytes"]  # type: ignore[index]
    layers = read_recipe(tmp_path / "better.toml").overrides["generator"]
    assert dict(layers) == better["overrides"]
    ElementTree.parse(tmp_path / "better.svg")

    bundle = tmp_path / "me.lpbundle"
    variant = ["--precision", "int8", "--recipe", tmp_path / "better.toml"]
    run(["build", *persona, *variant, "-o", bundle])
    built = bundle / "graphs" / "onnx" / "int8" / "generator.onnx"
    assert file_sha256(built) == best["sha256"]
    manifest = json.loads((bundle / "manifest.json").read_text())
    compression = manifest["variants"][0]["graphs"]["generator"]["compression"]
    assert compression["recipe"] == "better"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--search"),
        (["--search", "-o", "recipe.json"], ".toml"),
        (["--search", "-o", "absent/recipe.toml"], "folder"),
        (["--search", "--precision", "w4"], "does not have the precision"),
        (["--search", "--lite", "absent.safetensors"], "absent.safetensors"),
        (["--search", "--calibration-samples", "0"], "calibration"),
    ],
)
def test_bad_options_end_before_any_stage(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    output = [] if "-o" in arguments else ["-o", "recipe.toml"]
    with pytest.raises(SystemExit) as stop:
        main(["quantize", *arguments, *output, "--cache", "cache"])
    assert stop.value.code == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_is_there_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "recipe.toml").write_text("mine")
    with pytest.raises(SystemExit):
        main(["quantize", "--search", "-o", str(tmp_path / "recipe.toml")])
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "recipe.toml").read_text() == "mine"
