#include "frame_pixels.h"

#include <cstring>

#include "wide_vectors.h"

namespace lp {
namespace {

// The half in `offset` rounds to nearest, because the conversion cuts the fraction off. The first
// comparison also catches NaN.
inline std::uint8_t level(float value, float gain, float offset) {
  float scaled = value * gain + offset;
  scaled = scaled > 0.0f ? scaled : 0.0f;
  scaled = scaled < 255.0f ? scaled : 255.0f;
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(scaled));
}

// One store of four bytes, so that the loop becomes vector instructions.
LP_WIDE_VECTORS void convert_planes(const float* values, std::size_t pixels, float gain,
                                    float offset, std::uint8_t* out) {
  const float* red = values;
  const float* green = values + pixels;
  const float* blue = green + pixels;
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint32_t r = level(red[i], gain, offset);
    const std::uint32_t g = level(green[i], gain, offset);
    const std::uint32_t b = level(blue[i], gain, offset);
    const std::uint32_t pixel = r | g << 8 | b << 16 | 0xff000000u;
    std::memcpy(out + 4 * i, &pixel, 4);
  }
}

}  // namespace

FramePixels::FramePixels(const FrameFormat& format, const ValueSpec& spec)
    : planar_(spec.layout == "NCHW"),
      pixels_(static_cast<std::size_t>(format.width * format.height)),
      gain_(static_cast<float>(255.0 / (format.high - format.low))),
      offset_(static_cast<float>(0.5 - format.low * static_cast<double>(gain_))) {
  if (spec.dtype == ElementType::kUint8) gain_ = 1.0f, offset_ = 0.0f;
  if (spec.dtype != ElementType::kFloat32) staging_.resize(pixels_ * 3);
}

const float* FramePixels::as_floats(const Tensor& frame) {
  if (staging_.empty()) return frame.floats();
  read_floats(frame, staging_.data());
  return staging_.data();
}

void FramePixels::convert(const Tensor& frame, Picture& picture) {
  const float* values = as_floats(frame);
  std::uint8_t* out = picture.rgba.data();
  // Copies, since bytes that are written might otherwise be these members.
  const std::size_t pixels = pixels_;
  const float gain = gain_;
  const float offset = offset_;
  if (planar_) {
    convert_planes(values, pixels, gain, offset, out);
    return;
  }
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) out[4 * i + c] = level(values[3 * i + c], gain, offset);
  }
}

}  // namespace lp
