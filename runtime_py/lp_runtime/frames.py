"""From the pipeline's frame value to a picture of 8-bit RGB pixels."""

from __future__ import annotations

import numpy as np

from lp_runtime.errors import InputError

FRAME_LAYOUTS = ("NCHW", "NHWC")


def rgb_pixels(
    frame: np.ndarray, layout: str, value_range: tuple[float, float] = (0.0, 1.0)
) -> np.ndarray:
    """Pixels (height, width, 3) uint8 RGB of one frame.

    `frame` is (1, 3, height, width) for the layout "NCHW" and (1, height, width, 3) for "NHWC";
    float values span `value_range`, uint8 values are taken as they are. The result is a new array.

    Raises InputError when the layout is unknown or the shape does not fit it.
    """
    expected_axis = {"NCHW": 1, "NHWC": 3}.get(layout)
    if expected_axis is None or frame.ndim != 4 or frame.shape[0] != 1:
        raise InputError(
            "The frame's layout is not one that can be shown.",
            expected="one frame as NCHW or NHWC",
            got=f"layout {layout!r}, shape {frame.shape}",
        )
    if frame.shape[expected_axis] != 3:
        raise InputError(
            "The frame does not have three colour channels.",
            expected=f"3 at axis {expected_axis} ({layout})",
            got=f"shape {frame.shape}",
        )
    image = _to_uint8(frame[0], value_range)
    if layout == "NHWC":
        return image
    # Writing plane by plane is several times faster than copying a transposed view.
    pixels = np.empty((*image.shape[1:], 3), np.uint8)
    for channel in range(3):
        pixels[..., channel] = image[channel]
    return pixels


def as_planes(frame: np.ndarray) -> np.ndarray:
    """The frame as recordings hold it, (..., 3, height, width) float32 in [0, 1].

    uint8 pixels (..., height, width, 3) are turned round and divided by 255; any other array is
    returned as it is.
    """
    if frame.dtype != np.uint8:
        return frame
    return np.moveaxis(frame, -1, -3).astype(np.float32) / np.float32(255.0)


def _to_uint8(image: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    if image.dtype == np.uint8:
        return image.copy()
    low, high = value_range
    gain = np.float32(255.0 / (high - low))
    scaled = np.multiply(image, gain, dtype=np.float32)
    # The half rounds to nearest, because the conversion to uint8 cuts the fraction off.
    scaled += np.float32(0.5 - low * float(gain))
    np.clip(scaled, 0.0, 255.0, out=scaled)
    return scaled.astype(np.uint8)
