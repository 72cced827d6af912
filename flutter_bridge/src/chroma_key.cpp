#include "chroma_key.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "error.h"
#include "wide_vectors.h"

namespace lp {
namespace {

// Distances in YCrCb, of a scale of 255, between which a pixel fades from background to figure.
constexpr float kInnerDistance = 24.0f;
constexpr float kOuterDistance = 60.0f;
// The figure is opaque from this share of its own typical distance on: nearer pixels are mixtures.
constexpr float kOpaqueShare = 0.75f;
// Shadows and light on a plain background change its brightness more than its colour.
constexpr float kLumaWeight = 0.4f;
// A background counts as plain when its samples differ by no more than this (mean distance).
constexpr double kPlainDeviation = 14.0;
// A key colour is saturated, and spills, when one channel exceeds the others by this much.
constexpr int kSaturated = 64;

// numpy's median: the mean of the two middle values of an even count.
template <typename Number>
double median(std::vector<Number>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (static_cast<double>(*std::max_element(values.begin(), middle)) + *middle) / 2.0;
}

inline int clamp_byte(int value) { return value < 0 ? 0 : (value > 255 ? 255 : value); }

// ITU-R BT.601 in integers of 14 fractional bits, as OpenCV computes it for bytes.
inline void convert_to(int red, int green, int blue, float& y, float& cr, float& cb) {
  const int luma = (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14;
  y = static_cast<float>(luma);
  cr = static_cast<float>(clamp_byte(((red - luma) * 11682 + (128 << 14) + 8192) >> 14));
  cb = static_cast<float>(clamp_byte(((blue - luma) * 9241 + (128 << 14) + 8192) >> 14));
}

// The same arithmetic in floats: every number stays below 2^24, and what would be rounded another
// way is negative, hence 0 in both.
inline float shifted(float value) {
  return static_cast<float>(static_cast<std::int32_t>((value + 8192.0f) * (1.0f / 16384.0f)));
}
inline float chroma_byte(float difference) {
  const float value = shifted(difference + 128.0f * 16384.0f);
  return value < 0.0f ? 0.0f : (value > 255.0f ? 255.0f : value);
}

// Squared distance of each pixel to the key (Y, Cr, Cb). A loop without branches and all in floats that hold the integers of
// `convert_to` exactly, so that it becomes vector instructions.
LP_WIDE_VECTORS void measure(const std::uint8_t* pixels, std::size_t width, const float (&key)[3],
                             float* distances) {
  for (std::size_t i = 0; i < width; ++i) {
    std::uint32_t pixel;
    std::memcpy(&pixel, pixels + 4 * i, 4);
    const auto red = static_cast<float>(static_cast<std::int32_t>(pixel & 255));
    const auto green = static_cast<float>(static_cast<std::int32_t>(pixel >> 8 & 255));
    const auto blue = static_cast<float>(static_cast<std::int32_t>(pixel >> 16 & 255));
    const float luma = shifted(red * 4899.0f + green * 9617.0f + blue * 1868.0f);
    const float cr = chroma_byte((red - luma) * 11682.0f) - key[1];
    const float cb = chroma_byte((blue - luma) * 9241.0f) - key[2];
    const float y = (luma - key[0]) * kLumaWeight;
    distances[i] = y * y + cr * cr + cb * cb;
  }
}

// Take the key's light off a figure: its channel may not exceed both of the others.
void remove_spill(std::uint8_t* pixels, std::size_t width, int channel) {
  if (channel < 0) {
    for (std::size_t i = 0; i < width; ++i) pixels[4 * i + 3] = 255;
    return;
  }
  const int spill = 8 * channel;
  const int other_a = channel == 0 ? 8 : 0;
  const int other_b = channel == 2 ? 8 : 16;
  const std::uint32_t rest = ~(0xffu << spill);
  for (std::size_t i = 0; i < width; ++i) {
    std::uint32_t pixel;
    std::memcpy(&pixel, pixels + 4 * i, 4);
    // Signed, since that is what processors compare.
    const auto a = static_cast<std::int32_t>(pixel >> other_a & 255);
    const auto b = static_cast<std::int32_t>(pixel >> other_b & 255);
    const auto own = static_cast<std::int32_t>(pixel >> spill & 255);
    const std::int32_t limit = a > b ? a : b;
    const auto kept = static_cast<std::uint32_t>(own < limit ? own : limit);
    pixel = (pixel & rest) | kept << spill | 0xff000000u;
    std::memcpy(pixels + 4 * i, &pixel, 4);
  }
}

// The new background itself, without the old one's texture. `step`: bytes from one of its pixels
// to the next.
void put_behind(std::uint8_t* pixels, std::size_t width, const std::uint8_t* behind,
                std::size_t step, std::uint8_t alpha) {
  if (step == 4) {
    std::memcpy(pixels, behind, 4 * width);
    for (std::size_t i = 0; i < width; ++i) pixels[4 * i + 3] = alpha;
    return;
  }
  std::uint32_t color;
  std::memcpy(&color, behind, 4);
  for (std::size_t i = 0; i < width; ++i) std::memcpy(pixels + 4 * i, &color, 4);
}

}  // namespace

ChromaKey::YCrCb ChromaKey::convert(int red, int green, int blue) {
  YCrCb result;
  convert_to(red, green, blue, result.y, result.cr, result.cb);
  return result;
}

ChromaKey::ChromaKey(const std::array<std::uint8_t, 3>& color)
    : color_(color),
      key_(convert(color[0], color[1], color[2])),
      inner_(kInnerDistance),
      outer_(kOuterDistance),
      spill_channel_(-1) {
  const auto strongest = std::max_element(color.begin(), color.end()) - color.begin();
  int strongest_other = 0;
  for (int c = 0; c < 3; ++c) {
    if (c != strongest) strongest_other = std::max<int>(strongest_other, color[c]);
  }
  if (color[strongest] - strongest_other >= kSaturated) {
    spill_channel_ = static_cast<int>(strongest);
  }
}

float ChromaKey::distance_to(const YCrCb& key, int red, int green, int blue) {
  float y, cr, cb;
  convert_to(red, green, blue, y, cr, cb);
  y = (y - key.y) * kLumaWeight;
  cr -= key.cr;
  cb -= key.cb;
  return std::sqrt(y * y + cr * cr + cb * cb);
}

float ChromaKey::distance(const std::uint8_t* pixel) const {
  return distance_to(key_, pixel[0], pixel[1], pixel[2]);
}

ChromaKey ChromaKey::from_picture(const Picture& picture) {
  const std::size_t size = std::max<std::size_t>(2, std::min(picture.width, picture.height) / 16);
  std::vector<const std::uint8_t*> corners;
  for (std::size_t y = 0; y < std::min(size, picture.height); ++y) {
    for (std::size_t x = 0; x < std::min(size, picture.width); ++x) {
      corners.push_back(picture.row(y) + 4 * x);
      corners.push_back(picture.row(y) + 4 * (picture.width - 1 - x));
    }
  }
  std::array<std::uint8_t, 3> color;
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<int> levels;
    for (const std::uint8_t* pixel : corners) levels.push_back(pixel[c]);
    color[c] = static_cast<std::uint8_t>(median(levels));
  }
  ChromaKey key(color);
  double mean = 0.0;
  for (const std::uint8_t* pixel : corners) mean += key.distance(pixel);
  mean /= static_cast<double>(corners.size());
  if (mean > kPlainDeviation) {
    throw Error(
        LP_ERROR_UNSUPPORTED,
        {"The portrait's background is not plain enough to be replaced.", "",
         "one colour in the upper corners",
         "colours that differ by " + std::to_string(std::lround(mean)) + " of 255 on average",
         "use a persona with a plain background, or leave the background as it is"});
  }
  std::vector<float> figure;
  for (std::size_t i = 0; i < picture.width * picture.height; ++i) {
    const float distance = key.distance(picture.rgba.data() + 4 * i);
    if (distance > kInnerDistance) figure.push_back(distance);
  }
  const float typical = figure.empty() ? kOuterDistance : static_cast<float>(median(figure));
  key.outer_ = std::max(kOpaqueShare * typical, kInnerDistance + 4.0f);
  return key;
}

void ChromaKey::replace(std::uint8_t* pixels, std::size_t width, const Background& background,
                        std::size_t x, std::size_t y) {
  distances_.resize(std::max(distances_.size(), width));
  measure(pixels, width, {key_.y, key_.cr, key_.cb}, distances_.data());
  const bool is_color = background.picture.empty();
  const float alpha = is_color ? static_cast<float>(background.rgba[3]) / 255.0f : 1.0f;
  const std::uint8_t* const behind =
      is_color ? background.rgba.data() : background.picture.row(y) + 4 * x;
  const std::size_t step = is_color ? 0 : 4;
  // Most pixels are surely one or the other, and neighbours are alike.
  const float* const distances = distances_.data();
  const float near = inner_ * inner_;
  const float far = outer_ * outer_;
  std::size_t first = 0;
  while (first < width) {
    std::size_t last = first + 1;
    if (distances[first] >= far) {
      while (last < width && distances[last] >= far) ++last;
      remove_spill(pixels + 4 * first, last - first, spill_channel_);
    } else if (distances[first] <= near) {
      while (last < width && distances[last] <= near) ++last;
      put_behind(pixels + 4 * first, last - first, behind + step * first, step,
                 is_color ? background.rgba[3] : 255);
    } else {
      const float weight = (std::sqrt(distances[first]) - inner_) / (outer_ - inner_);
      mix(pixels + 4 * first, behind + step * first, alpha, std::min(weight, 1.0f));
    }
    first = last;
  }
}

// The figure's own light: without the key colour's share, and without what that colour cast on it.
// Then the new background's light is added and the alpha undone.
void ChromaKey::mix(std::uint8_t* pixel, const std::uint8_t* behind, float behind_alpha,
                    float weight) const {
  const float transparent = 1.0f - weight;
  const int spill = spill_channel_;
  float light[3];
  for (int c = 0; c < 3; ++c) {
    light[c] = static_cast<float>(pixel[c]) -
               transparent * static_cast<float>(color_[static_cast<std::size_t>(c)]);
  }
  if (spill >= 0) {
    light[spill] = std::min(light[spill], std::max(light[(spill + 1) % 3], light[(spill + 2) % 3]));
  }
  const float covered = weight + transparent * behind_alpha;
  for (int c = 0; c < 3; ++c) {
    light[c] += transparent * behind_alpha * static_cast<float>(behind[c]);
    pixel[c] = static_cast<std::uint8_t>(std::clamp(light[c] / covered + 0.5f, 0.0f, 255.0f));
  }
  pixel[3] = static_cast<std::uint8_t>(covered * 255.0f + 0.5f);
}

}  // namespace lp
