"""The sizes of LivePortrait's networks, as one flat value that travels with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from .errors import LpModelError

NUM_KEYPOINTS = 21  # fixed by the motion vector of 70 numbers
CONVNEXT_STRIDE = 32  # pixels of the image per position of the last ConvNeXt stage
SPADE_UPSAMPLING = 8  # frame pixels per volume position: two nearest x2, one pixel shuffle x2
NUM_LIP_RATIOS = 2  # lip opening of the source and of the driving frame
NUM_EYE_RATIOS = 3  # left and right eye opening of the source, driving eye opening


@dataclass(frozen=True)
class LivePortraitDims:
    """Sizes of the five networks; the defaults are those of the published weights.

    Lengths are in pixels or volume positions, everything else counts channels or blocks.
    """

    image_size: int = 256
    num_keypoints: int = NUM_KEYPOINTS

    # appearance feature extractor
    appearance_channels: int = 64
    appearance_down_blocks: int = 2
    appearance_residual_blocks: int = 6
    volume_channels: int = 32
    volume_depth: int = 16
    volume_size: int = 64

    # motion extractor (ConvNeXt V2 tiny)
    convnext_channels: tuple[int, ...] = (96, 192, 384, 768)
    convnext_depths: tuple[int, ...] = (3, 3, 9, 3)
    num_pose_bins: int = 66

    # warping
    compressed_channels: int = 4
    hourglass_channels: int = 32
    hourglass_max_channels: int = 1024
    hourglass_blocks: int = 5
    feature_channels: int = 256

    # SPADE decoder
    spade_hidden_channels: int = 128
    spade_middle_blocks: int = 6
    spade_output_channels: int = 64
    frame_size: int = 512

    # stitching and retargeting: widths of the hidden layers
    stitching_hidden: tuple[int, ...] = (128, 128, 64)
    lip_hidden: tuple[int, ...] = (128, 128, 64)
    eye_hidden: tuple[int, ...] = (256, 256, 128, 128, 64)

    def __post_init__(self) -> None:
        self.validate()

    @classmethod
    def tiny(cls) -> LivePortraitDims:
        """The same structure at a size that a test runs in milliseconds."""
        return cls(
            image_size=64,
            appearance_channels=8,
            appearance_residual_blocks=2,
            volume_channels=4,
            volume_depth=4,
            volume_size=16,
            convnext_channels=(8, 8, 12, 16),
            convnext_depths=(1, 1, 2, 1),
            compressed_channels=3,
            hourglass_channels=4,
            hourglass_max_channels=16,
            hourglass_blocks=3,
            feature_channels=12,
            spade_hidden_channels=6,
            spade_middle_blocks=2,
            spade_output_channels=8,
            frame_size=128,
            stitching_hidden=(16, 8),
            lip_hidden=(16, 8),
            eye_hidden=(16, 8),
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> LivePortraitDims:
        """The inverse of `to_dict`; also takes the lists that JSON makes of tuples.

        Raises:
            LpModelError: an unknown name, or sizes that do not fit each other.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise LpModelError(
                "unknown network dimensions",
                expected=", ".join(field.name for field in fields(cls)),
                got=", ".join(unknown),
                remedy="remove them, or use the version of lp-pack that wrote them",
            )
        parsed = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**parsed)  # type: ignore[arg-type]  # validate() checks every type

    def to_dict(self) -> dict[str, int | list[int]]:
        """Plain values for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def validate(self) -> None:
        """Raise `LpModelError` unless the sizes are positive and fit each other."""
        for field in fields(self):
            _check_positive(field.name, getattr(self, field.name), "tuple" in str(field.type))
        downsampling = 2**self.appearance_down_blocks
        rules = (
            ("volume_depth is more than one layer", self.volume_depth > 1, True),
            ("num_keypoints", self.num_keypoints, NUM_KEYPOINTS),
            ("image_size", self.image_size, self.volume_size * downsampling),
            ("frame_size", self.frame_size, SPADE_UPSAMPLING * self.volume_size),
            ("image_size modulo the ConvNeXt stride", self.image_size % CONVNEXT_STRIDE, 0),
            ("convnext_channels, length", len(self.convnext_channels), 4),
            ("convnext_depths, length", len(self.convnext_depths), 4),
            (
                "volume_size modulo the hourglass stride",
                self.volume_size % 2**self.hourglass_blocks,
                0,
            ),
        )
        for name, got, expected in rules:
            if got != expected:
                raise LpModelError(
                    "network dimensions do not fit each other",
                    where=name,
                    expected=expected,
                    got=got,
                    remedy="image_size is volume_size * 2 ** appearance_down_blocks, frame_size is "
                    f"{SPADE_UPSAMPLING} * volume_size; or use the defaults",
                )

    @property
    def volume_shape(self) -> tuple[int, int, int, int]:
        """Channels, depth, height, width of the appearance volume."""
        return (self.volume_channels, self.volume_depth, self.volume_size, self.volume_size)

    @property
    def flat_volume_channels(self) -> int:
        """Channels when depth is folded into them: 512."""
        return self.volume_channels * self.volume_depth

    @property
    def keypoint_values(self) -> int:
        """Numbers in one set of keypoints: 63."""
        return 3 * self.num_keypoints

    @property
    def num_motions(self) -> int:
        """Motions that the dense motion network mixes: background and every keypoint, 22."""
        return self.num_keypoints + 1

    @property
    def hourglass_input_channels(self) -> int:
        """For each motion one heatmap and the warped compressed volume: 110."""
        return self.num_motions * (1 + self.compressed_channels)

    @property
    def hourglass_output_channels(self) -> int:
        """The last up block beside the hourglass's own input: 142."""
        return self.hourglass_channels + self.hourglass_input_channels

    @property
    def appearance_output_channels(self) -> int:
        """Channels after the 2-D down blocks of the appearance extractor: 256."""
        return min(
            self.appearance_channels * 2**self.appearance_down_blocks, self.flat_volume_channels
        )

    @property
    def spade_channels(self) -> int:
        """Width of the decoder's middle blocks: 512."""
        return 2 * self.feature_channels


def _check_positive(name: str, value: object, several: bool) -> None:
    values = value if several else (value,)
    if (
        isinstance(values, tuple)
        and values
        and all(type(item) is int and item > 0 for item in values)
    ):
        return
    raise LpModelError(
        "a network dimension is not a positive integer",
        where=name,
        expected="positive integers" if several else "a positive integer",
        got=repr(value),
    )
