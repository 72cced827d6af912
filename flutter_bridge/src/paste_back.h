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

// A rectangle of pixels; right and bottom are exclusive.
struct Box {
  std::int64_t left, top, right, bottom;
};

class PasteBack {
 public:
  // mask: levels of the frame's size, 255 shows the frame, 0 the portrait. Throws
  // Error(LP_ERROR_BUNDLE) when sizes do not fit or the frame misses the portrait.
  PasteBack(const Picture& portrait, const GreyPicture& mask,
            const double (&frame_to_portrait)[2][3]);

  // The portrait's pixels in which the frame shows; nothing else changes.
  const Box& box() const { return box_; }

  // Row y of the box with this frame in it, from column box().left on. `portrait` is the whole
  // row of the portrait, `out` has room for the box's columns.
  void paste_row(const Picture& frame, std::int64_t y, const std::uint8_t* portrait,
                 std::uint8_t* out) const;

 private:
  // Neighbouring pixels of a row that are made in the same way.
  struct Segment {
    enum Kind : std::uint8_t {
      // The portrait's own.
      kPortrait,
      // The frame's, untouched.
      kCopied,
      // The frame's, interpolated; all four sources lie within the frame.
      kWarped,
      // The same, mixed with the portrait's.
      kMixed,
      // The same; sources beyond the frame's edge repeat the edge.
      kEdge,
    };
    // Columns of the box.
    std::uint32_t first, last;
    // Of kMixed and kEdge: where theirs begin in shares_.
    std::uint32_t shares;
    Kind kind;
  };
  // Where a pixel comes from in the frame, in 1/32 pixel: (row + column) >> 5 of each axis. The
  // sums wrap around to what they must be.
  struct Offsets {
    std::vector<std::uint32_t> x, y;
  };

  Segment::Kind kind_of(std::int64_t x, std::int64_t y, float weight) const;
  void add_row(const float* weights);
  void warp(const Picture& frame, const Segment& segment, std::size_t row, std::uint8_t* out) const;
  void mix(const Picture& frame, const Segment& segment, std::size_t row,
           const std::uint8_t* portrait, std::uint8_t* out) const;
  void mix_edge(const Picture& frame, const Segment& segment, std::size_t row,
                const std::uint8_t* portrait, std::uint8_t* out) const;
  std::int32_t source_x(std::size_t column, std::size_t row) const;
  std::int32_t source_y(std::size_t column, std::size_t row) const;

  std::int64_t frame_width_;
  std::int64_t frame_height_;
  // From a pixel's source to that of a pixel some rows below.
  std::intptr_t ahead_bytes_ = 0;
  Box box_ = {0, 0, 0, 0};
  Offsets columns_;
  Offsets rows_;
  std::vector<Segment> segments_;
  // First segment of each row of the box, and one beyond the last.
  std::vector<std::size_t> row_segments_;
  // As pixel_blend.h packs them.
  std::vector<std::uint32_t> shares_;
};

}  // namespace lp
