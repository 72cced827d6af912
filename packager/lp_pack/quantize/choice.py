"""A recipe applied to one layer, and what the manifest says about layers that stay wider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lp_pack.errors import ConfigError
from lp_pack.quantize.methods import WideRule
from lp_pack.quantize.recipes import Recipe
from lp_runtime.manifest import KeptWide, Precision

# From wide to narrow.
ORDER: tuple[Precision, ...] = ("fp32", "fp16", "w8", "int8", "w6", "w4")
SHOWN = 5


def layer_precision(
    recipe: Recipe, graph: str, layers: tuple[str, ...], rule: WideRule | None
) -> tuple[Precision, WideRule | None]:
    """The precision of a constant, and the rule that keeps it wider, if one does.

    Args:
        recipe: what is asked for; its overrides win, then its rules.
        graph: which graph.
        layers: the operators that read the constant; the widest choice among them counts.
        rule: the rule that the constant falls under, as the target's code sees it.
    """
    chosen = [one for one in (recipe.override(graph, layer) for layer in layers) if one]
    if chosen:
        return min(chosen, key=ORDER.index), None
    usual = recipe.method(graph).precision
    for wide in recipe.wide:
        if rule is not None and wide.name == rule.name and _wider(wide.precision, usual):
            return wide.precision, wide
    return usual, None


def _wider(one: Precision, other: Precision) -> bool:
    return ORDER.index(one) < ORDER.index(other)


def kept_wide(rules: Iterable[WideRule]) -> tuple[KeptWide, ...]:
    """The manifest's record: one entry for each rule, with its number of layers."""
    counts = Counter(rules)
    return tuple(
        KeptWide(rule=rule.name, reason=rule.reason, precision=rule.precision, layers=count)
        for rule, count in sorted(counts.items(), key=lambda item: item[0].name)
    )


def unknown_layers(recipe: Recipe, graph: str, named: Iterable[str]) -> None:
    """Raise ConfigError where the recipe names a layer that the graph does not have."""
    known = set(named)
    absent = sorted(layer for layer in recipe.overrides.get(graph, {}) if layer not in known)
    if absent:
        raise ConfigError(
            "A recipe names layers that the graph does not have",
            where=f"recipe '{recipe.name}', graph '{graph}', target {recipe.target}",
            expected=f"layers of this graph, e.g. {', '.join(sorted(known)[:SHOWN])}",
            got=", ".join(absent[:SHOWN]),
            remedy="search again on this graph: names change with the network and the converter",
        )
