"""Editing a pubspec: only our entries change, whatever else is in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from lp_pack.flutter_app.pubspec import updated_pubspec

PREFIX = "assets/personas/eve/"
PLATFORMS = ("android", "ios", "linux", "macos")
words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
asset_paths = st.builds(lambda a, b: f"media/{a}/{b}", words, words)
entries = st.one_of(
    asset_paths,
    st.builds(lambda path, where: {"path": path, "flavors": [where]}, asset_paths, words),
)
limits = st.none() | st.lists(st.sampled_from(PLATFORMS), min_size=1, unique=True).map(tuple)
ours = st.dictionaries(words.map(lambda w: f"{PREFIX}{w}/"), limits, max_size=4)


@st.composite
def pubspecs(draw: st.DrawFn) -> tuple[str, dict]:
    """The text of a pubspec, comments and either indentation included, and what it says."""
    dependencies = draw(st.dictionaries(words, words.map(lambda w: f"^{w}"), max_size=3))
    assets = draw(st.lists(entries, max_size=4))
    comment = f"# {draw(words)}"
    pad = draw(st.sampled_from(["", "  "]))
    lines = [comment, "name: app", f"version: 1.0.0 {comment}", ""]
    if dependencies:
        lines += ["dependencies:", *(f"  {k}: {v}" for k, v in dependencies.items()), ""]
    lines += ["flutter:", f"  {comment}", "  uses-material-design: true"]
    if assets:
        lines.append("  assets:")
    for entry in assets:
        if isinstance(entry, str):
            lines.append(f"  {pad}- {entry} {comment}")
        else:
            lines.append(f"  {pad}- path: {entry['path']}")
            lines.append(f"  {pad}  flavors: [{entry['flavors'][0]}]")
    text = "\n".join(lines) + "\n"
    return text, YAML(typ="safe").load(text)


@given(pubspecs(), ours)
def test_the_rest_stays_and_ours_is_there(pubspec: tuple[str, dict], assets: dict) -> None:
    text, before = pubspec
    written = updated_pubspec(text, "../bridge", PREFIX, assets)
    after = YAML(typ="safe").load(written)
    dependencies = after.pop("dependencies")
    assert dependencies.pop("lp_pack_flutter") == {"path": "../bridge"}
    assert dependencies == before.pop("dependencies", {})
    listed = after["flutter"].pop("assets")
    kept = before["flutter"].pop("assets", [])
    assert listed[: len(kept)] == kept
    expected = [p if o is None else {"path": p, "platforms": [*o]} for p, o in assets.items()]
    assert listed[len(kept) :] == expected
    assert after == before
    assert written.count("#") == text.count("#")
    for line in text.splitlines():
        assert line in written.splitlines()


@given(pubspecs(), ours, ours)
def test_a_second_time_changes_nothing_and_old_entries_go(
    pubspec: tuple[str, dict], first: dict, second: dict
) -> None:
    once = updated_pubspec(pubspec[0], "p", PREFIX, first)
    assert updated_pubspec(once, "p", PREFIX, first) == once
    replaced = YAML(typ="safe").load(updated_pubspec(once, "p", PREFIX, second))
    paths = [e["path"] if isinstance(e, dict) else e for e in replaced["flutter"]["assets"]]
    assert {p for p in paths if p.startswith(PREFIX)} == set(second)
