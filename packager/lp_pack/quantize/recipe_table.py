"""The table of recipes as Markdown, for docs/compression.md.

python -m lp_pack.quantize.recipe_table
"""

from __future__ import annotations

from lp_pack.quantize.methods import Method, Weights
from lp_pack.quantize.recipes import RECIPES, Recipe

SHARED_BY = {
    "tensor": "one scale for a tensor",
    "channel": "one scale for a channel",
    "block": "one scale for {} numbers",
    "palette": "palette for {} channels",
}


def recipe_table() -> str:
    """One row for each recipe, then the rules of what stays wide, each with its reason."""
    rows = [
        "| target | precision | weights | activations | calibration | what is done |",
        "|---|---|---|---|---|---|",
        *(_row(recipe) for recipe in RECIPES),
        "",
        "| stays wide | in | of | reason |",
        "|---|---|---|---|",
        *_rules(),
    ]
    return "\n".join(rows) + "\n"


def _row(recipe: Recipe) -> str:
    method = recipe.method("generator")
    calibrated = "yes" if recipe.needs_calibration("generator") else "no"
    cells = (
        *(recipe.target, recipe.precision, _weights(method.weights), _activations(method)),
        *(calibrated, recipe.description),
    )
    return f"| {' | '.join(cells)} |"


def _weights(weights: Weights) -> str:
    shared = SHARED_BY[weights.granularity].format(weights.block_size)
    if weights.granularity == "palette" and not weights.block_size:
        shared = "palette for a tensor"
    return f"{weights.bits} bits, {shared}"


def _activations(method: Method) -> str:
    if method.activations is None:
        return "float"
    sign = "signed" if method.activations.signed else "unsigned"
    return f"{method.activations.bits} bits, {sign}, {method.activations.ranges} range"


def _rules() -> list[str]:
    """Rules in order of appearance; those of several recipes in one row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for recipe in RECIPES:
        for rule in recipe.wide:
            found.setdefault((rule.name, rule.precision, rule.reason), []).append(recipe.name)
    everything = len(RECIPES)
    return [
        f"| {name} | {precision} | "
        f"{'every recipe' if len(users) == everything else ', '.join(users)} | {reason} |"
        for (name, precision, reason), users in found.items()
    ]


if __name__ == "__main__":
    print(recipe_table(), end="")
