// Scales a background to cover a surface: area means when it shrinks, bilinear when it grows, with
// the sampling grid of OpenCV's resize.

#include <algorithm>
#include <cmath>

#include "chroma_key.h"

namespace lp {
namespace {

struct Share {
  std::size_t source;
  float weight;
};

using Shares = std::vector<std::vector<Share>>;

// Which source positions make each target position, and with what weights.
Shares area_shares(std::size_t from, std::size_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  Shares shares(to);
  for (std::size_t i = 0; i < to; ++i) {
    const double begin = static_cast<double>(i) * scale;
    const double end = std::min(begin + scale, static_cast<double>(from));
    for (auto s = static_cast<std::size_t>(begin); s < from && static_cast<double>(s) < end; ++s) {
      const double overlap =
          std::min(end, static_cast<double>(s) + 1) - std::max(begin, static_cast<double>(s));
      if (overlap > 1e-3) shares[i].push_back({s, static_cast<float>(overlap / (end - begin))});
    }
  }
  return shares;
}

Shares linear_shares(std::size_t from, std::size_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  Shares shares(to);
  for (std::size_t i = 0; i < to; ++i) {
    const double centre = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0,
                                     static_cast<double>(from - 1));
    const auto low = static_cast<std::size_t>(centre);
    const auto fraction = static_cast<float>(centre - std::floor(centre));
    shares[i] = {{low, 1.0f - fraction}, {std::min(low + 1, from - 1), fraction}};
  }
  return shares;
}

}  // namespace

Picture cover(const Picture& picture, std::size_t width, std::size_t height) {
  const double scale = std::max(static_cast<double>(width) / static_cast<double>(picture.width),
                                static_cast<double>(height) / static_cast<double>(picture.height));
  const auto scaled = [&](std::size_t size, std::size_t least) {
    return std::max(least,
                    static_cast<std::size_t>(std::nearbyint(static_cast<double>(size) * scale)));
  };
  const std::size_t full_width = scaled(picture.width, width);
  const std::size_t full_height = scaled(picture.height, height);
  const auto make = scale < 1.0 ? area_shares : linear_shares;
  const Shares columns = make(picture.width, full_width);
  const Shares rows = make(picture.height, full_height);
  const std::size_t left = (full_width - width) / 2;
  const std::size_t top = (full_height - height) / 2;
  Picture result(width, height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      float sum[3] = {0.5f, 0.5f, 0.5f};
      for (const Share& row : rows[top + y]) {
        for (const Share& column : columns[left + x]) {
          const std::uint8_t* pixel = picture.row(row.source) + 4 * column.source;
          for (int c = 0; c < 3; ++c) sum[c] += row.weight * column.weight * pixel[c];
        }
      }
      for (int c = 0; c < 3; ++c) {
        result.row(y)[4 * x + static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>(std::min(sum[c], 255.0f));
      }
    }
  }
  return result;
}

}  // namespace lp
