"""Plots without text: lines as SVG, heat maps as small pictures.

Labels are the page's HTML, so that they stay readable where a plot is squeezed onto a phone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lp_pack.report.differences import Differences
from lp_pack.report.pictures import heat_colors, png_url, scale_top

PLOT_WIDTH, PLOT_HEIGHT = 600, 120
WHERE_SIDE = 160


@dataclass(frozen=True)
class LinePlot:
    """A polyline in a box of `PLOT_WIDTH` x `PLOT_HEIGHT`, and what its edges mean."""

    points: str
    low: float
    high: float
    width: int = PLOT_WIDTH
    height: int = PLOT_HEIGHT


@dataclass(frozen=True)
class HeatMap:
    """A picture whose lightest colour is `top`."""

    url: str
    top: float


def line_plot(values: np.ndarray) -> LinePlot:
    """Values over time, from the left edge to the right."""
    low, high = float(np.floor(values.min())), float(np.ceil(values.max()))
    span = max(high - low, 1.0)
    x = np.linspace(0, PLOT_WIDTH, len(values)) if len(values) > 1 else np.zeros(1)
    y = PLOT_HEIGHT * (1 - (values - low) / span)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return LinePlot(points, low, low + span)


def heat_over_time(differences: Differences) -> HeatMap:
    """Time to the right, the picture's height downwards."""
    top = scale_top(float(differences.bands.max()))
    return HeatMap(png_url(heat_colors(differences.bands, top)), top)


def heat_over_picture(differences: Differences) -> HeatMap:
    """Mean difference of each place of the frame."""
    small = cv2.resize(differences.where, (WHERE_SIDE, WHERE_SIDE), interpolation=cv2.INTER_AREA)
    top = scale_top(float(small.max()))
    return HeatMap(png_url(heat_colors(small, top)), top)
