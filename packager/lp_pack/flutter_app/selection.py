"""Which variant of a bundle each platform of an app gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lp_pack.errors import ConfigError
from lp_runtime.manifest import Manifest, Variant


@dataclass(frozen=True)
class Platform:
    """A platform of Flutter that the plugin supports: its choices, the best first, and why."""

    name: str
    # (target, precision)
    preferred: tuple[tuple[str, str], ...]
    reason: str


# The bridge plays the target onnx on every platform. fp32 comes first although fp16 is half the
# size: ONNX Runtime's CPU provider computes in float32 and widens half-precision graphs with casts.
_SMALLER_LATER = (
    ("onnx", "fp32"),
    ("onnx", "fp16"),
    ("onnx", "w8"),
    ("onnx", "int8"),
    ("onnx", "w6"),
    ("onnx", "w4"),
)
PLATFORMS = (
    Platform(
        "android",
        _SMALLER_LATER,
        "runs on every processor; the providers xnnpack and nnapi take the same graphs",
    ),
    Platform(
        "ios",
        _SMALLER_LATER,
        "the same graphs run on the processor and through ONNX Runtime's Core ML provider",
    ),
    Platform("macos", _SMALLER_LATER, "as on iOS"),
    Platform("linux", _SMALLER_LATER, "the processor's float32 units are the fastest it has"),
)
PLATFORM_NAMES = tuple(platform.name for platform in PLATFORMS)


@dataclass(frozen=True)
class Choice:
    """What one platform gets."""

    platform: str
    variant: Variant
    reason: str

    @property
    def label(self) -> str:
        """Names the variant's folder in the app, e.g. `onnx_fp32`."""
        return f"{self.variant.target}_{self.variant.precision}"


def choose_variants(
    manifest: Manifest, platforms: tuple[str, ...], precisions: Mapping[str, str]
) -> tuple[Choice, ...]:
    """One choice for each of `platforms`, in the table's order.

    Args:
        manifest: of the bundle.
        platforms: names out of PLATFORM_NAMES.
        precisions: a precision that the user wants, by platform.

    Raises:
        ConfigError: the bundle has nothing that a platform can play, or not what was asked for.
    """
    variants = {(v.target, v.precision): v for v in manifest.variants}
    choices = []
    for platform in PLATFORMS:
        if platform.name not in platforms:
            continue
        wanted = precisions.get(platform.name)
        allowed = [key for key in platform.preferred if wanted in (None, key[1])]
        found = next((variants[key] for key in allowed if key in variants), None)
        if found is None:
            raise ConfigError(
                f"The bundle has no variant that the bridge plays on {platform.name}.",
                where=manifest.name,
                expected=" or ".join(f"{target} {precision}" for target, precision in allowed)
                or f"a precision of the target onnx, not '{wanted}'",
                got=", ".join(f"{target} {precision}" for target, precision in variants),
                remedy="build the bundle with --target onnx and this precision",
            )
        reason = platform.reason if wanted is None else "asked for with --precision"
        choices.append(Choice(platform.name, found, reason))
    return tuple(choices)
