"""Dimensions of the lite generator: one flat, frozen record that travels with its checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import LpModelError

# Top, left, height and width in pixels.
Box = tuple[int, int, int, int]

# A window's decoder starts at this fraction of the frame's resolution.
WINDOW_STRIDE = 16


@dataclass(frozen=True)
class LiteGeneratorDims:
    """What fixes every shape in a `LiteGenerator`.

    Attributes:
        frame_size: side of the frame in pixels.
        flow_grid: nodes along a side of the coarse grid on which motion is predicted.
        flow_bases: displacement fields that a motion mixes.
        hidden: width of the encoders from keypoints to coefficients.
        windows: parts of the picture that change by themselves (lips, eyes), each
            (top, left, height, width) in pixels of the source frame; sides are multiples of 16,
            rows of different windows do not overlap.
        window_channels: channels of a window's decoder at 1/16, 1/8, 1/4 and 1/2 resolution.
        window_bases: feature maps that a motion mixes at a window's 1/16 resolution.
        moving_box: (top, left, height, width) outside which the picture never changes; the head
            layer is sampled inside it only.
        refiner_size: side of the map that the refiner works on.
        refiner_channels: channels of its constant features; 0 leaves the refiner out.
        refiner_bases: feature maps that a motion mixes for it.
    """

    frame_size: int = 512
    flow_grid: int = 64
    flow_bases: int = 32
    hidden: int = 128
    windows: tuple[Box, ...] = ((296, 152, 176, 208), (184, 160, 96, 192))
    window_channels: tuple[int, int, int, int] = (48, 32, 24, 16)
    window_bases: int = 32
    moving_box: Box = (0, 0, 512, 512)
    refiner_size: int = 128
    refiner_channels: int = 0
    refiner_bases: int = 16

    @classmethod
    def preset(cls, name: str) -> LiteGeneratorDims:
        """One of `PRESETS`; its windows fit a face in LivePortrait's usual crop.

        Raises:
            LpModelError: There is no such preset.
        """
        if name not in PRESETS:
            raise LpModelError(
                "unknown size of the lite generator", expected=", ".join(PRESETS), got=name
            )
        return PRESETS[name]

    @classmethod
    def tiny(cls) -> LiteGeneratorDims:
        """The same structure, small enough for a unit test."""
        return cls(
            frame_size=64,
            flow_grid=8,
            flow_bases=14,
            hidden=8,
            windows=((32, 16, 16, 32), (16, 16, 16, 32)),
            window_channels=(4, 4, 4, 4),
            window_bases=4,
            moving_box=(4, 4, 56, 52),
            refiner_size=16,
            refiner_channels=2,
            refiner_bases=2,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> LiteGeneratorDims:
        """Read dims back from a checkpoint's JSON.

        Raises:
            LpModelError: A field is missing, unknown, or not what it must be.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if set(values) != names:
            raise LpModelError(
                "these are not the dimensions of a lite generator",
                expected=", ".join(sorted(names)),
                got=", ".join(sorted(values)),
                remedy="use a checkpoint of this version",
            )
        fields = dict(values)
        try:
            fields["windows"] = tuple(tuple(window) for window in fields["windows"])  # type: ignore[attr-defined]
            fields["moving_box"] = tuple(fields["moving_box"])  # type: ignore[arg-type]
            fields["window_channels"] = tuple(fields["window_channels"])  # type: ignore[arg-type]
            dims = cls(**fields)  # type: ignore[arg-type]
            dims.validate()
        except TypeError as error:
            raise LpModelError(
                "a dimension has the wrong type", where="lite generator dims", got=str(error)
            ) from error
        return dims

    def to_dict(self) -> dict[str, object]:
        """Plain values for a checkpoint's JSON; the inverse of `from_dict`."""
        return dataclasses.asdict(self)

    def validate(self) -> None:
        """Raise LpModelError where a shape cannot be built."""
        counts = (self.flow_grid, self.hidden, self.window_bases, *self.window_channels)
        self._require(all(count > 1 for count in counts), "sizes of at least 2", counts)
        self._require(self.flow_bases >= 12, "at least 12 flow bases", self.flow_bases)
        factor = self.frame_size / max(self.refiner_size, 1)
        self._require(
            self.refiner_channels == 0 or factor == 4, "refiner_size = frame_size / 4", factor
        )
        top, left, height, width = self.moving_box
        self._require(
            min(top, left) >= 0
            and min(height, width) > 0
            and max(top + height, left + width) <= self.frame_size,
            "a moving box inside the frame",
            self.moving_box,
        )
        bottom = 0
        for top, left, height, width in sorted(self.windows):
            inside = top >= bottom and left >= 0 and left + width <= self.frame_size
            bottom = top + height
            aligned = height % WINDOW_STRIDE == 0 and width % WINDOW_STRIDE == 0
            self._require(
                inside and bottom <= self.frame_size and aligned and min(height, width) > 0,
                "windows inside the frame, sides multiples of 16, rows that do not overlap",
                self.windows,
            )

    def _require(self, condition: bool, expected: str, got: object) -> None:
        if not condition:
            raise LpModelError(
                "the lite generator cannot have these dimensions",
                where="LiteGeneratorDims",
                expected=expected,
                got=got,
                remedy="start from a preset",
            )


PRESETS: dict[str, LiteGeneratorDims] = {
    "nano": LiteGeneratorDims(
        flow_grid=48,
        flow_bases=24,
        hidden=96,
        window_channels=(32, 24, 16, 8),
        window_bases=24,
    ),
    "small": LiteGeneratorDims(),
    "base": LiteGeneratorDims(
        hidden=160,
        window_channels=(64, 48, 40, 32),
        window_bases=24,
        refiner_channels=24,
    ),
}
