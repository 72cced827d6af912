"""The table of recipes, and recipes as files."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import REPOSITORY

from lp_pack.errors import ConfigError
from lp_pack.manifest import GRAPHS
from lp_pack.quantize.compressors import MODULES, SOURCES
from lp_pack.quantize.recipe_file import format_recipe, parse_recipe, read_recipe
from lp_pack.quantize.recipe_table import recipe_table
from lp_pack.quantize.recipes import COMPRESSED, METHODS, RECIPES, Recipe, offered, recipe_for
from lp_runtime.manifest import Precision, Target

DOCUMENT = REPOSITORY / "docs" / "compression.md"
NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=30)


def test_every_recipe_is_named_described_and_has_a_method() -> None:
    for recipe in RECIPES:
        assert recipe.name == f"{recipe.target}-{recipe.precision}"
        assert recipe.summary in recipe.description
        assert recipe.runtime in recipe.description
        assert METHODS[recipe.target, recipe.precision] == recipe.method("generator")
        assert all(rule.reason for rule in recipe.wide)
        assert recipe.target in MODULES
        assert SOURCES[recipe.target] in offered(recipe.target)


def test_the_document_holds_this_table() -> None:
    text = DOCUMENT.read_text()
    begin, end = "<!-- recipes -->\n", "<!-- end of recipes -->"
    table = text[text.index(begin) + len(begin) : text.index(end)]
    assert table == recipe_table(), "run python -m lp_pack.quantize.recipe_table"


def test_motion_graphs_never_get_activations_of_eight_bits() -> None:
    for recipe in RECIPES:
        for graph in ("audio2motion", "stitching"):
            assert recipe.method(graph).activations is None
            assert recipe.method(graph).weights.bits >= 8
            assert not recipe.needs_calibration(graph)


@pytest.mark.parametrize("target", get_args(Target))
def test_a_precision_that_a_target_lacks_is_refused_with_those_it_has(target: Target) -> None:
    for precision in set(COMPRESSED) - set(offered(target)):
        with pytest.raises(ConfigError) as error:
            recipe_for(target, precision)
        assert all(one in str(error.value) for one in offered(target))


def test_an_override_asks_for_calibration_where_the_recipe_did_not() -> None:
    narrow = recipe_for("onnx", "w8")
    assert not narrow.needs_calibration("generator")
    assert narrow.with_overrides("mixed", {"generator": {"a": "int8"}}).needs_calibration(
        "generator"
    )


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    base = draw(st.sampled_from(RECIPES))
    chosen = st.sampled_from(offered(base.target))
    layers = st.dictionaries(NAMES, chosen, max_size=4)
    return base.with_overrides(
        "file", draw(st.dictionaries(st.sampled_from(GRAPHS), layers, max_size=3))
    )


@given(recipes(), st.text(st.characters(blacklist_categories=("Cs",)), max_size=40))
def test_a_written_recipe_reads_back(recipe: Recipe, note: str) -> None:
    again = parse_recipe(format_recipe(recipe, note), Path("file.toml"))
    assert again == recipe


@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str) -> None:
    with pytest.raises(ConfigError, match=r"strange\.toml"):
        parse_recipe(f"{text}\nspeed = 3", Path("strange.toml"))


GOOD = 'format = 1\ntarget = "onnx"\nprecision = "int8"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format = 1\n", ("target", "onnx, coreml, tflite")),
        (GOOD.replace("1", "2", 1), ("format", "2")),
        (GOOD.replace("int8", "fp16"), ("precision", "fp16")),
        (GOOD + "speed = 3", ("speed", "unknown key")),
        (GOOD + "layers = 3", ("layers", "int")),
        (GOOD + '[layers.nose]\na = "fp32"', ("layers.nose", "generator")),
        (GOOD + '[layers.generator]\na = "fp61"', ('layers.generator."a"', "fp61")),
        (GOOD + '[layers.generator]\na = "w6"', ("layer 'a' of 'generator'", "w6")),
        (GOOD + "note = 3", ("note", "int")),
        ("format =", ("TOML",)),
    ],
)
def test_a_bad_recipe_file_is_refused_by_name(
    text: str, says: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "chosen.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_recipe(path)
    for words in (str(path), *says):
        assert words in str(error.value)


def test_an_absent_or_binary_recipe_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe file"):
        read_recipe(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_recipe(tmp_path / "binary.toml")


def test_a_recipe_is_named_after_its_file(tmp_path: Path) -> None:
    (tmp_path / "lips.toml").write_text(GOOD)
    precision: Precision = read_recipe(tmp_path / "lips.toml").precision
    assert (read_recipe(tmp_path / "lips.toml").name, precision) == ("lips", "int8")
