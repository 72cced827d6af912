// Paste-back: a generated frame returns into the portrait that it was cut from.
//
// Same arithmetic as OpenCV's warpAffine and blendLinear, which the Python runtime uses
// (lp_runtime/compositing.py): coordinates rounded to 1/32 pixel, bilinear weights in integers.
#pragma once

#include <cstdint>
#include <vector>

#include "manifest.h"
#include "picture.h"

namespace lp {

class PasteBack {
 public:
  // mask: levels of the frame's size, 255 shows the frame, 0 the portrait. Throws
  // Error(LP_ERROR_BUNDLE) when sizes do not fit or the frame misses the portrait.
  PasteBack(Picture portrait, const GreyPicture& mask, const double (&frame_to_portrait)[2][3]);

  const Picture& portrait() const { return portrait_; }

  // The portrait with this frame in it. `result` has the portrait's size; everything outside the
  // affected box must already be the portrait, since only the box is written.
  void paste(const Picture& frame, Picture& result) const;

 private:
  // A pixel of the portrait that shows some of the frame. Kept small, since reading the taps is
  // much of the work.
  struct Tap {
    // Offsets of the pixel in the portrait, and of the first of its four sources in the frame.
    std::uint32_t target;
    std::uint32_t source;
    // The frame's share.
    float frame_weight;
    // Fractions between the sources in 1/32; kHasNeighbour: there is a pixel to the right, or
    // below.
    std::uint8_t across;
    std::uint8_t down;
  };
  static constexpr std::uint8_t kHasNeighbour = 0x80;

  void add_tap(std::size_t x, std::size_t y, std::int64_t source_x, std::int64_t source_y,
               float weight);

  Picture portrait_;
  std::size_t frame_width_;
  std::size_t frame_height_;
  std::vector<Tap> taps_;
};

}  // namespace lp
