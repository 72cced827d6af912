"""The page in a bundle's report folder: what the build measured, for a person to read."""

from __future__ import annotations

from lp_runtime.manifest import Manifest

_UNITS = {"max_abs": "max abs", "psnr_db": "dB", "range_fraction": "of range"}


def build_report(manifest: Manifest) -> str:
    """Markdown: variants with their sizes and operators, and every parity figure with its bound."""
    state = "trained" if manifest.trained else "**untrained**"
    lines = [f"# {manifest.name}", "", f"Tier `{manifest.tier}`, {state}.", ""]
    lines += [f"- {note}" for note in manifest.notes]
    lines += ["", "## Graphs", "", "| variant | graph | MB | operators | opset |"]
    lines.append("|---|---|---|---|---|")
    for variant in manifest.variants:
        for name, graph in variant.graphs.items():
            size = sum(record.bytes for record in graph.files) / 1e6
            count = sum(graph.operators.values())
            place = f"{variant.target} {variant.precision}"
            lines.append(f"| {place} | {name} | {size:.1f} | {count} | {graph.opset or ''} |")
    lines += ["", "## Parity", ""]
    lines.append("| step | variant | graph | tensor | worst | mean | bound | frames | motion |")
    lines.append("|---|---|---|---|---|---|---|---|---|")
    thresholds = {threshold.name: threshold for threshold in manifest.thresholds}
    for figure in manifest.parity:
        threshold = thresholds[figure.threshold]
        sign = "<=" if threshold.direction == "at_most" else ">="
        bound = f"{sign} {threshold.bound:g} {_UNITS[threshold.metric]}"
        place = " ".join(text for text in (figure.target, figure.precision) if text) or "torch"
        lines.append(
            f"| {figure.stage} | {place} | {figure.graph} | {figure.part} | {figure.worst:g} "
            f"| {figure.mean:g} | {bound} | {figure.frames} | {figure.motion_source} |"
        )
    return "\n".join(lines) + "\n"
