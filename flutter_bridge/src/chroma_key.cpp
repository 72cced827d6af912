#include "chroma_key.h"

#include <algorithm>
#include <cmath>

#include "error.h"

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

void ChromaKey::replace(Picture& picture, const Background& background, std::size_t first,
                        std::size_t last) {
  weights_.resize(picture.width);
  const bool is_color = background.picture.empty();
  const float alpha = is_color ? static_cast<float>(background.rgba[3]) / 255.0f : 1.0f;
  for (std::size_t y = first; y < last; ++y) {
    const std::uint8_t* behind = is_color ? background.rgba.data() : background.picture.row(y);
    weigh_row(picture.row(y), picture.width);
    replace_row(picture.row(y), behind, is_color ? 0 : 4, alpha, picture.width);
  }
}

// A loop of its own, without branches and with copies of the members, so that it becomes vector
// instructions.
void ChromaKey::weigh_row(const std::uint8_t* row, std::size_t width) {
  const YCrCb key = key_;
  const float inner = inner_;
  const float scale = 1.0f / (outer_ - inner_);
  float* weights = weights_.data();
  for (std::size_t x = 0; x < width; ++x) {
    const float distance = distance_to(key, row[4 * x], row[4 * x + 1], row[4 * x + 2]);
    const float weight = (distance - inner) * scale;
    weights[x] = weight < 0.0f ? 0.0f : (weight > 1.0f ? 1.0f : weight);
  }
}

void ChromaKey::replace_row(std::uint8_t* row, const std::uint8_t* behind, std::size_t step,
                            float behind_alpha, std::size_t width) const {
  const float* weights = weights_.data();
  const float key[3] = {static_cast<float>(color_[0]), static_cast<float>(color_[1]),
                        static_cast<float>(color_[2])};
  const int spill = spill_channel_;
  const int other_a = spill == 0 ? 1 : 0;
  const int other_b = spill == 2 ? 1 : 2;
  for (std::size_t x = 0; x < width; ++x) {
    std::uint8_t* pixel = row + 4 * x;
    const std::uint8_t* new_pixel = behind + step * x;
    const float weight = weights[x];
    const float transparent = 1.0f - weight;
    if (transparent >= 1.0f) {
      for (int c = 0; c < 3; ++c) pixel[c] = new_pixel[c];
      pixel[3] = static_cast<std::uint8_t>(behind_alpha * 255.0f + 0.5f);
      continue;
    }
    // The figure's own light: without the key colour's share, and without what that colour cast
    // on it (its channel may not exceed both of the others).
    float light[3];
    for (int c = 0; c < 3; ++c) light[c] = static_cast<float>(pixel[c]) - transparent * key[c];
    if (spill >= 0) light[spill] = std::min(light[spill], std::max(light[other_a], light[other_b]));
    // The new background's light is added, then the alpha is undone.
    const float covered = weight + transparent * behind_alpha;
    for (int c = 0; c < 3; ++c) {
      light[c] += transparent * behind_alpha * static_cast<float>(new_pixel[c]);
      pixel[c] = static_cast<std::uint8_t>(std::clamp(light[c] / covered + 0.5f, 0.0f, 255.0f));
    }
    pixel[3] = static_cast<std::uint8_t>(covered * 255.0f + 0.5f);
  }
}

}  // namespace lp
