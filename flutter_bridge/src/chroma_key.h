// Chroma key: separates a figure from a plain background (lp_runtime/background.py).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "picture.h"

namespace lp {

// One colour with straight alpha, or a picture of the surface's size.
struct Background {
  std::array<std::uint8_t, 4> rgba = {0, 0, 0, 255};
  // Empty: the colour is used.
  Picture picture;
};

class ChromaKey {
 public:
  // The key for the colour of the picture's upper corners. Throws Error(LP_ERROR_UNSUPPORTED) when
  // they do not show one plain colour.
  static ChromaKey from_picture(const Picture& picture);

  // Replace the background of `width` pixels in place, which lie from (x, y) on in the picture;
  // alpha is written, not premultiplied.
  void replace(std::uint8_t* pixels, std::size_t width, const Background& background,
               std::size_t x, std::size_t y);

 private:
  struct YCrCb {
    float y, cr, cb;
  };

  explicit ChromaKey(const std::array<std::uint8_t, 3>& color);

  static YCrCb convert(int red, int green, int blue);
  static float distance_to(const YCrCb& key, int red, int green, int blue);
  float distance(const std::uint8_t* pixel) const;
  void mix(std::uint8_t* pixel, const std::uint8_t* behind, float behind_alpha, float weight) const;

  std::array<std::uint8_t, 3> color_;
  YCrCb key_;
  float inner_;
  float outer_;
  // The channel whose light the background casts on the figure; -1 for a grey background.
  int spill_channel_;
  // Squared distance to the key of each pixel at work.
  std::vector<float> distances_;
};

// A picture scaled to cover width x height and cut about its centre.
Picture cover(const Picture& picture, std::size_t width, std::size_t height);

}  // namespace lp
