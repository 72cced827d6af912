"""From whatever mode a picture is stored in to 8-bit sRGB plus an alpha plane.

Pillow opens palettes, 16-bit greys, CMYK, Lab, float rasters and more; the networks see 8-bit RGB
only. Each conversion that loses or guesses something leaves a notice.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

# A cut-out is shown on white: the usual ground of cut-out portraits, so that their soft edges,
# which carry a little of it, do not become a dark halo.
ALPHA_BACKGROUND = (255, 255, 255)

# Pillow's raw names for one 16-bit sample.
SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
TIFF_BITS_PER_SAMPLE = 258


@dataclass(frozen=True)
class Pixels:
    """A decoded picture: `rgb` (height, width, 3) uint8, `alpha` (height, width) uint8 or None."""

    rgb: np.ndarray
    alpha: np.ndarray | None
    notices: tuple[str, ...]


class UnsupportedPixelsError(ValueError):
    """The stored pixel format has no faithful 8-bit version; the text says which and why."""


def to_pixels(image: Image.Image) -> Pixels:
    """Convert a loaded Pillow image to 8-bit sRGB; alpha is composited over ALPHA_BACKGROUND.

    Raises UnsupportedPixelsError for float rasters and integers beyond 16 bits.
    """
    notices: list[str] = []
    image, alpha = split_alpha(reduce_to_8_bits(image))
    rgb = np.asarray(to_srgb(image, notices))
    if alpha is None:
        return Pixels(np.ascontiguousarray(rgb), None, tuple(notices))
    notices.append(
        "the portrait is partly transparent: it is shown over white "
        f"(RGB {ALPHA_BACKGROUND}), and its alpha is kept"
    )
    return Pixels(composite(rgb, alpha), alpha, tuple(notices))


def reduce_to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit (and 9- to 15-bit) greys to 0..255, rounding; other modes pass through.

    Pillow itself decodes 16-bit colour to 8 bits (the high byte, at most one level off).
    """
    if image.mode == "F":
        raise UnsupportedPixelsError("floating-point pixels have no fixed range")
    if image.mode not in (*SIXTEEN_BIT_MODES, "I"):
        return image
    samples = np.asarray(image).astype(np.int64)
    full_scale = (1 << sample_bits(image)) - 1
    if samples.min() < 0 or samples.max() > full_scale:
        raise UnsupportedPixelsError(
            f"integer pixels from {samples.min()} to {samples.max()}, beyond 0..{full_scale}"
        )
    scaled = (samples * 255 + full_scale // 2) // full_scale
    result = Image.fromarray(scaled.astype(np.uint8))
    # A profile describes the stored samples; scaling is linear, so it still holds.
    if "icc_profile" in image.info:
        result.info["icc_profile"] = image.info["icc_profile"]
    return result


def sample_bits(image: Image.Image) -> int:
    """Bits that a grey sample really uses: TIFF may store 12 of 16."""
    tags = getattr(image, "tag_v2", None)
    bits = tags.get(TIFF_BITS_PER_SAMPLE) if tags is not None else None
    if isinstance(bits, tuple) and len(bits) == 1 and bits[0] in range(9, 17):
        return int(bits[0])
    return 16


def split_alpha(image: Image.Image) -> tuple[Image.Image, np.ndarray | None]:
    """Separate transparency (alpha band, palette entry, colour key) from colour.

    A fully opaque alpha counts as none.
    """
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBa", "La"):
        image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
    if image.mode == "P" or image.mode == "PA":
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("LA" if "transparency" in image.info else "L")
    elif image.mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode not in ("RGBA", "LA"):
        return image, None
    alpha = np.array(image.getchannel("A"))
    colour = image.convert("RGB" if image.mode == "RGBA" else "L")
    if profile is not None:
        colour.info["icc_profile"] = profile
    return colour, None if (alpha == 255).all() else alpha


def to_srgb(image: Image.Image, notices: list[str]) -> Image.Image:
    """Convert to sRGB through the embedded ICC profile where there is a usable one."""
    profile_bytes = image.info.get("icc_profile")
    if profile_bytes:
        try:
            return convert_with_profile(image, profile_bytes)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            notices.append(f"the embedded ICC profile is unusable and was ignored ({error})")
    if image.mode == "CMYK":
        notices.append("CMYK without a usable ICC profile: colours are approximate")
    elif image.mode not in ("RGB", "L", "YCbCr", "LAB", "HSV"):
        raise UnsupportedPixelsError(f"pixel mode {image.mode}")
    if image.mode == "LAB":
        lab_to_srgb = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        converted = ImageCms.applyTransform(image, lab_to_srgb)
        assert converted is not None, "applyTransform returns an image unless it works in place"
        return converted
    return image.convert("RGB")


def convert_with_profile(image: Image.Image, profile_bytes: bytes) -> Image.Image:
    """Apply the ICC profile; an sRGB profile on RGB pixels changes nothing and is skipped."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile_bytes))
    if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
        return image
    converted = ImageCms.profileToProfile(
        image,
        source,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None, "profileToProfile returns an image unless it works in place"
    return converted


def composite(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay `rgb` over ALPHA_BACKGROUND with `alpha`, rounding to nearest."""
    weight = alpha.astype(np.uint32)[..., None]
    ground = np.asarray(ALPHA_BACKGROUND, dtype=np.uint32)
    mixed = (rgb.astype(np.uint32) * weight + ground * (255 - weight) + 127) // 255
    return mixed.astype(np.uint8)
