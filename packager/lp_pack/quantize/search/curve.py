"""Size against decibels as an SVG: lines as the probes foretell, dots as real runs came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lp_pack.quantize.search.allocation import Floor, Goal
from lp_pack.quantize.search.layers import Group
from lp_pack.quantize.search.search import Found
from lp_pack.quantize.search.trials import Noise
from lp_runtime.manifest import Precision

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 48, 56
TICKS = 5
# What lies above is drawn at the edge: nobody sees such an error.
HIGHEST = 80.0
FRAME_COLOR, LIPS_COLOR = "#1f5fa8", "#b4501e"
PARTS = ("whole frame", "lips")
AXES: dict[Goal, str] = {
    "size": "size of the generator, MB",
    "time": "convolutions' arithmetic left in floating point, %",
}
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .title { font-weight: 600; font-size: 15px }
  .axis { stroke: #888; stroke-width: 1 }
  .grid { stroke: #ddd; stroke-width: 1 }
  .frame { fill: none; stroke: #1f5fa8; stroke-width: 2 }
  .lips { fill: none; stroke: #b4501e; stroke-width: 2; stroke-dasharray: 6 4 }
  .floor { stroke: #555; stroke-width: 1; stroke-dasharray: 2 4 }
  .chosen { fill: none; stroke: #222; stroke-width: 2 }
"""


@dataclass(frozen=True)
class Mark:
    """One choice on the drawing: its place to the right, and decibels of the worst frame."""

    across: float
    frame: float
    lips: float


def draw_curve(
    title: str,
    found: Found,
    expected: Sequence[tuple[dict[str, Precision], Noise]],
    floor: Floor,
    goal: Goal,
    groups: Sequence[Group],
    source_bytes: int,
) -> str:
    """The SVG: what the goal makes small to the right, decibels of the worst frame upwards.

    Args:
        title: above it.
        found: the search; its real runs are dots.
        expected: choices with the sum of their probes, the lines.
        floor: drawn as levels.
        goal: "size": megabytes of the file; "time": arithmetic left in floating point.
        groups: for that arithmetic.
        source_bytes: of the float graph.
    """

    def across(chosen: Mapping[str, Precision], size: float) -> float:
        return size / 1e6 if goal == "size" else _float_percent(chosen, groups)

    def mark(chosen: Mapping[str, Precision], size: float, noise: Noise) -> Mark:
        frame, lips = min(noise.decibels, HIGHEST), min(noise.lips_decibels, HIGHEST)
        return Mark(across(chosen, size), frame, lips)

    line = [
        mark(chosen, source_bytes - saved_bytes(groups, chosen), noise)
        for chosen, noise in expected
    ]
    dots = [mark(one.chosen, one.trial.bytes, one.trial.noise) for one in found.points]
    best = mark(found.best.chosen, found.best.trial.bytes, found.best.trial.noise)
    bounds = [floor.frame, *([floor.lips] if floor.lips is not None else [])]
    everything = [*line, *dots]
    levels = [level for one in everything for level in (one.frame, one.lips)]
    xs = [one.across for one in everything]
    x = _Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    y = _Scale(min(*levels, *bounds), max(*levels, *bounds), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *_axes(x, y, AXES[goal]),
        *(
            _level(y(bound), f"{bound:g} dB, {part}")
            for bound, part in zip(bounds, PARTS, strict=False)
        ),
        _line("frame", [(x(one.across), y(one.frame)) for one in sorted(line, key=_place)]),
        _line("lips", [(x(one.across), y(one.lips)) for one in sorted(line, key=_place)]),
        *(_dot(x(one.across), y(one.frame), FRAME_COLOR) for one in dots),
        *(_dot(x(one.across), y(one.lips), LIPS_COLOR) for one in dots),
        f'<circle class="chosen" cx="{x(best.across):.1f}" cy="{y(best.frame):.1f}" r="9"/>',
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def saved_bytes(groups: Sequence[Group], chosen: Mapping[str, Precision]) -> int:
    """How much smaller the file should be by these choices."""
    return sum(group.saved_bytes(chosen[group.name]) for group in groups)


def _place(one: Mark) -> tuple[float, float]:
    return one.across, one.frame


def _float_percent(chosen: Mapping[str, Precision], groups: Sequence[Group]) -> float:
    total = sum(group.work for group in groups)
    left = sum(group.work - group.saved_work(chosen[group.name]) for group in groups)
    return 100 * left / max(total, 1)


class _Scale:
    """A value's place on an axis; a little room at both ends."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        room = max((high - low) * 0.06, 1e-3 * max(abs(high), 1.0))
        self.low, self.high = low - room, high + room
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        step = (self.high - self.low) / TICKS
        return [self.low + step * (index + 0.5) for index in range(TICKS)]


def _axes(x: _Scale, y: _Scale, label: str) -> list[str]:
    parts = []
    for tick in y.ticks():
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" '
            f'y2="{y(tick):.1f}"/><text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" '
            f'text-anchor="end">{tick:.1f}</text>'
        )
    for tick in x.ticks():
        parts.append(
            f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 20}" '
            f'text-anchor="middle">{tick:.3g}</text>'
        )
    base = HEIGHT - BOTTOM
    parts += [
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{base}"/>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 16}" text-anchor="end">{escape(label)}</text>',
        f'<text x="{LEFT}" y="{TOP - 6}">worst frame, dB</text>',
    ]
    return parts


def _level(y: float, label: str) -> str:
    return (
        f'<line class="floor" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT + 6}" y="{y - 4:.1f}">floor {escape(label)}</text>'
    )


def _line(kind: str, places: Sequence[tuple[float, float]]) -> str:
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    return f'<polyline class="{kind}" points="{line}"/>'


def _dot(x: float, y: float, color: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>'


def _legend() -> list[str]:
    left, y = WIDTH - 330, 24
    return [
        f'<line class="frame" x1="{left}" x2="{left + 28}" y1="{y - 4}" y2="{y - 4}"/>',
        f'<text x="{left + 34}" y="{y}">whole frame</text>',
        f'<line class="lips" x1="{left + 124}" x2="{left + 152}" y1="{y - 4}" y2="{y - 4}"/>',
        f'<text x="{left + 158}" y="{y}">lips</text>',
        f'<circle class="chosen" cx="{left + 208}" cy="{y - 4}" r="7"/>',
        f'<text x="{left + 222}" y="{y}">the recipe</text>',
        f'<text x="{left}" y="{y + 18}">lines: sum of the probes; dots: real runs</text>',
    ]
