"""What changed between two bundles, read from their manifests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lp_runtime.manifest import Manifest

ABSENT = "absent"
LONG = 160


@dataclass(frozen=True)
class Change:
    """One fact that differs; `absent` stands for what one of the two does not have."""

    # "bundle", "pipeline", "graphs", "compression", "operators", "parity", ... as listed below.
    section: str
    what: str
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return dict(vars(self))


def compare_manifests(before: Manifest, after: Manifest) -> list[Change]:
    """Every difference, grouped by section; empty when both hold the same."""
    sections = (
        ("bundle", _bundle),
        ("pipeline", _pipeline),
        ("graphs", _graphs),
        ("compression", _compression),
        ("operators", _operators),
        ("parity", _parity),
        ("assets and golden data", _files),
        ("provenance", _provenance),
        ("licences", _licences),
        ("measured", _measured),
    )
    changes: list[Change] = []
    for section, facts in sections:
        changes += _changes(section, facts(before), facts(after))
    return changes


def _changes(section: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for what in [*before, *(key for key in after if key not in before)]:
        pair = before.get(what, ABSENT), after.get(what, ABSENT)
        if pair[0] != pair[1]:
            yield Change(section, what, *pair)


def _bundle(manifest: Manifest) -> dict[str, str]:
    return {
        "schema version": str(manifest.schema_version),
        "name": manifest.name,
        "tier": manifest.tier,
        "trained": "yes" if manifest.trained else "no",
        "notes": " | ".join(manifest.notes),
    }


def _pipeline(manifest: Manifest) -> dict[str, str]:
    plain: dict[str, Any] = msgspec.to_builtins(manifest.pipeline)
    facts = {}
    for key, value in plain.items():
        named = isinstance(value, list | tuple) and value and isinstance(value[0], dict)
        if not named:
            facts[key] = _text(value)
            continue
        for item in value:
            name = item.get("name") or item.get("value") or item.get("graph")
            facts[f"{key} {name}"] = _text({k: v for k, v in item.items() if k != "name"})
    return facts


def _graphs(manifest: Manifest) -> dict[str, str]:
    facts = {}
    for variant in manifest.variants:
        for name, graph in variant.graphs.items():
            size = sum(record.bytes for record in graph.files)
            digests = "+".join(record.sha256[:8] for record in graph.files)
            requires = graph.minimum_os or (f"opset {graph.opset}" if graph.opset else "")
            facts[f"{variant.target} {variant.precision} {name}"] = ", ".join(
                part
                for part in (
                    f"{size / 1e6:.3f} MB",
                    f"{sum(graph.operators.values())} operators",
                    requires,
                    graph.compression.recipe if graph.compression else "",
                    f"sha256 {digests}",
                )
                if part
            )
    return facts


def _compression(manifest: Manifest) -> dict[str, str]:
    """How each graph was narrowed, from what it was calibrated, what stays wide or falls off."""
    facts = {}
    for variant in manifest.variants:
        for name, graph in variant.graphs.items():
            where = f"{variant.target} {variant.precision} {name}"
            done = graph.compression
            if done is not None:
                facts[f"{where} how"] = f"{done.recipe}: {done.description}"
                if done.calibration is not None:
                    used = done.calibration
                    facts[f"{where} calibration"] = (
                        f"{used.samples} samples of {used.source}, seed {used.seed}, "
                        f"sha256 {used.sha256[:8]}"
                    )
                for kept in done.kept_wide:
                    facts[f"{where} kept wide: {kept.rule}"] = (
                        f"{kept.layers} layers in {kept.precision}"
                    )
            for left in graph.exceptions:
                what = f"{where} {left.accelerator} leaves {left.operator}"
                facts[what] = f"{left.count}, {left.reason}"
    return facts


def _operators(manifest: Manifest) -> dict[str, str]:
    return {
        f"{variant.target} {variant.precision} {name} {operator}": str(count)
        for variant in manifest.variants
        for name, graph in variant.graphs.items()
        for operator, count in graph.operators.items()
    }


def _parity(manifest: Manifest) -> dict[str, str]:
    facts = {
        f"threshold {one.name}": f"{one.metric} {one.direction.replace('_', ' ')} {one.bound:g}"
        for one in manifest.thresholds
    }
    for figure in manifest.parity:
        where = (figure.stage, figure.target, figure.precision, figure.graph, figure.part)
        facts[" ".join(part for part in where if part)] = (
            f"worst {figure.worst:g}, mean {figure.mean:g} over {figure.frames} frames of "
            f"{figure.motion_source or 'recorded data'}"
        )
    return facts


def _files(manifest: Manifest) -> dict[str, str]:
    records = [*manifest.assets, *(case.file for case in manifest.golden)]
    return {one.path: f"{one.bytes} bytes, sha256 {one.sha256[:8]}" for one in records}


def _provenance(manifest: Manifest) -> dict[str, str]:
    made = manifest.provenance
    return {
        **{f"input {role}": f"sha256 {digest[:12]}" for role, digest in made.inputs.items()},
        **{f"version of {package}": version for package, version in made.versions.items()},
        **{f"option {option}": value for option, value in made.options.items()},
    }


def _licences(manifest: Manifest) -> dict[str, str]:
    return {one.subject: f"{one.spdx} ({one.file})" for one in manifest.licences}


def _measured(manifest: Manifest) -> dict[str, str]:
    facts = {}
    for one in manifest.measurements:
        frame = one.latency_ms.get("frame", {})
        what = f"{one.target} {one.precision}, {one.threads} threads, {one.machine}"
        facts[what] = (
            f"median {frame.get('median', float('nan')):.1f} ms, "
            f"p99 {frame.get('p99', float('nan')):.1f} ms, peak {one.peak_memory_mb:.0f} MB"
        )
    return facts


def _text(value: Any) -> str:
    """As JSON; a long vector by its beginning and a digest of all of it."""
    text = msgspec.json.encode(value)
    if len(text) <= LONG:
        return text.decode()
    digest = hashlib.sha256(text).hexdigest()[:8]
    return f"{text[:LONG].decode(errors='ignore')}... sha256 {digest}"
