#include "paste_back.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "error.h"
#include "pixel_blend.h"

namespace lp {
namespace {

constexpr int kFractionBits = 5;
constexpr std::int32_t kFractions = 1 << kFractionBits;
// Coordinates are summed with ten fractional bits and then rounded to five.
constexpr double kCoordinateScale = 1024.0;
constexpr std::uint32_t kRounding = 16;
// A turned frame is read along slanting lines, which processors do not foresee: the sources of the
// row so many below are asked for. Halves the time of a frame turned by 7 degrees.
constexpr int kRowsAhead = 16;

[[noreturn]] void unusable(const std::string& what, const std::string& expected,
                           const std::string& got) {
  throw Error(LP_ERROR_BUNDLE,
              {what, "manifest.json: paste_back", expected, got, "build the bundle again"});
}

std::string size_text(std::size_t width, std::size_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

// An address, not a pointer: it may lie outside of the frame, where asking does nothing.
void prefetch(const std::uint8_t* near, std::intptr_t bytes) {
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<std::intptr_t>(near) + bytes));
}

std::int32_t shifted(std::uint32_t sum) { return static_cast<std::int32_t>(sum) >> kFractionBits; }

// Where pixels of a box come from in the frame. Rounding depends on the origin, so the box's corner
// is it.
class Sampler {
 public:
  Sampler(const double (&m)[2][3], const Box& box) {
    const double d = 1.0 / (m[0][0] * m[1][1] - m[0][1] * m[1][0]);
    const double shift[2] = {m[0][2] - static_cast<double>(box.left),
                             m[1][2] - static_cast<double>(box.top)};
    const double inverse[2][2] = {{m[1][1] * d, -m[0][1] * d}, {-m[1][0] * d, m[0][0] * d}};
    for (int axis = 0; axis < 2; ++axis) {
      across_[axis] = inverse[axis][0];
      down_[axis] = inverse[axis][1];
      start_[axis] = -inverse[axis][0] * shift[0] - inverse[axis][1] * shift[1];
    }
  }

  // The two summands of a coordinate with ten fractional bits.
  std::int64_t of_column(int axis, std::int64_t x) const {
    return fixed(across_[axis] * static_cast<double>(x));
  }
  std::int64_t of_row(int axis, std::int64_t y) const {
    return fixed(down_[axis] * static_cast<double>(y) + start_[axis]) + kRounding;
  }

 private:
  static std::int64_t fixed(double value) {
    return std::llrint(std::clamp(value * kCoordinateScale, -2147483648.0, 2147483647.0));
  }

  double across_[2], down_[2], start_[2];
};

// How much of the frame is seen at a point of it, given in 1/32 pixel: the mask, zero beyond its
// edge.
float mask_weight(const GreyPicture& mask, std::int64_t point_x, std::int64_t point_y) {
  const std::int64_t x = point_x >> kFractionBits;
  const std::int64_t y = point_y >> kFractionBits;
  const auto fx = static_cast<float>(point_x & (kFractions - 1)) / kFractions;
  const auto fy = static_cast<float>(point_y & (kFractions - 1)) / kFractions;
  const auto level = [&](std::int64_t at_x, std::int64_t at_y) {
    const auto width = static_cast<std::int64_t>(mask.width);
    const bool inside =
        at_x >= 0 && at_y >= 0 && at_x < width && at_y < static_cast<std::int64_t>(mask.height);
    return inside ? static_cast<float>(mask.levels[static_cast<std::size_t>(at_y * width + at_x)]) /
                        255.0f
                  : 0.0f;
  };
  return (1 - fx) * (1 - fy) * level(x, y) + fx * (1 - fy) * level(x + 1, y) +
         (1 - fx) * fy * level(x, y + 1) + fx * fy * level(x + 1, y + 1);
}

// The portrait's pixels that the frame can reach: its outermost pixels fade over one pixel.
Box affected_box(const double (&m)[2][3], const GreyPicture& mask, const Picture& portrait) {
  double low[2] = {INFINITY, INFINITY};
  double high[2] = {-INFINITY, -INFINITY};
  for (const double x : {-1.0, static_cast<double>(mask.width)}) {
    for (const double y : {-1.0, static_cast<double>(mask.height)}) {
      for (int axis = 0; axis < 2; ++axis) {
        const double reached = m[axis][0] * x + m[axis][1] * y + m[axis][2];
        low[axis] = std::min(low[axis], reached);
        high[axis] = std::max(high[axis], reached);
      }
    }
  }
  // Clamped as doubles: a hostile matrix may reach beyond any integer.
  const auto inside = [](double value, std::size_t size) {
    return static_cast<std::int64_t>(std::clamp(value, 0.0, static_cast<double>(size)));
  };
  const Box box{inside(std::floor(low[0]), portrait.width),
                inside(std::floor(low[1]), portrait.height),
                inside(std::ceil(high[0]) + 1, portrait.width),
                inside(std::ceil(high[1]) + 1, portrait.height)};
  if (box.left >= box.right || box.top >= box.bottom) {
    unusable("The frame would be pasted outside the portrait.",
             "inside " + size_text(portrait.width, portrait.height) + " pixels", "outside");
  }
  return box;
}

// The frame's share of every pixel of a box, row by row.
std::vector<float> weights_in(const Box& box, const GreyPicture& mask, const Sampler& sampler) {
  const std::int64_t width = box.right - box.left;
  std::vector<std::int64_t> columns[2];
  for (int axis = 0; axis < 2; ++axis) {
    for (std::int64_t x = 0; x < width; ++x) columns[axis].push_back(sampler.of_column(axis, x));
  }
  std::vector<float> weights;
  weights.reserve(static_cast<std::size_t>(width * (box.bottom - box.top)));
  for (std::int64_t y = 0; y < box.bottom - box.top; ++y) {
    const std::int64_t row_x = sampler.of_row(0, y);
    const std::int64_t row_y = sampler.of_row(1, y);
    for (std::size_t x = 0; x < columns[0].size(); ++x) {
      weights.push_back(mask_weight(mask, (row_x + columns[0][x]) >> kFractionBits,
                                    (row_y + columns[1][x]) >> kFractionBits));
    }
  }
  return weights;
}

// The part of a box in which a weight is above zero; empty where none is.
Box shown_part(const Box& box, const std::vector<float>& weights) {
  Box shown{box.right, box.bottom, box.left, box.top};
  const float* weight = weights.data();
  for (std::int64_t y = box.top; y < box.bottom; ++y) {
    for (std::int64_t x = box.left; x < box.right; ++x) {
      if (*weight++ <= 0.0f) continue;
      shown = {std::min(shown.left, x), std::min(shown.top, y), std::max(shown.right, x + 1),
               std::max(shown.bottom, y + 1)};
    }
  }
  if (shown.left >= shown.right) return {box.left, box.top, box.left, box.top};
  return shown;
}

}  // namespace

PasteBack::PasteBack(const Picture& portrait, const GreyPicture& mask,
                     const double (&frame_to_portrait)[2][3])
    : frame_width_(static_cast<std::int64_t>(mask.width)),
      frame_height_(static_cast<std::int64_t>(mask.height)) {
  const auto& m = frame_to_portrait;
  const double determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  if (!(std::abs(determinant) >= 1e-6) || !std::isfinite(determinant)) {
    unusable("The paste-back transform is singular.", "an invertible matrix",
             "determinant " + std::to_string(determinant));
  }
  const Box reached = affected_box(m, mask, portrait);
  const std::vector<float> weights = weights_in(reached, mask, Sampler(m, reached));
  box_ = shown_part(reached, weights);
  // The frame is sampled for the part in which it shows.
  const Sampler sampler(m, box_);
  for (std::int64_t x = 0; x < box_.right - box_.left; ++x) {
    columns_.x.push_back(static_cast<std::uint32_t>(sampler.of_column(0, x)));
    columns_.y.push_back(static_cast<std::uint32_t>(sampler.of_column(1, x)));
  }
  const auto moved = [&](int axis) {
    return (sampler.of_row(axis, kRowsAhead) - sampler.of_row(axis, 0)) >> 2 * kFractionBits;
  };
  ahead_bytes_ = static_cast<std::intptr_t>(moved(1) * frame_width_ * 4 + moved(0) * 4);
  row_segments_.push_back(0);
  for (std::int64_t y = box_.top; y < box_.bottom; ++y) {
    rows_.x.push_back(static_cast<std::uint32_t>(sampler.of_row(0, y - box_.top)));
    rows_.y.push_back(static_cast<std::uint32_t>(sampler.of_row(1, y - box_.top)));
    add_row(weights.data() + (y - reached.top) * (reached.right - reached.left) + box_.left -
            reached.left);
  }
}

std::int32_t PasteBack::source_x(std::size_t column, std::size_t row) const {
  return shifted(columns_.x[column] + rows_.x[row]);
}

std::int32_t PasteBack::source_y(std::size_t column, std::size_t row) const {
  return shifted(columns_.y[column] + rows_.y[row]);
}

// `x` and `y` in 1/32 pixel of the frame.
PasteBack::Segment::Kind PasteBack::kind_of(std::int64_t x, std::int64_t y, float weight) const {
  if (weight <= 0.0f) return Segment::kPortrait;
  const std::int64_t column = x >> kFractionBits;
  const std::int64_t line = y >> kFractionBits;
  const bool inside =
      column >= 0 && line >= 0 && column + 1 < frame_width_ && line + 1 < frame_height_;
  if (inside && weight < 1.0f) return Segment::kMixed;
  const bool is_pixel = ((x | y) & (kFractions - 1)) == 0 && column >= 0 && line >= 0 &&
                        column < frame_width_ && line < frame_height_;
  if (weight >= 1.0f && is_pixel) return Segment::kCopied;
  return inside ? Segment::kWarped : Segment::kEdge;
}

// `weights`: the frame's share of each pixel of the box's next row.
void PasteBack::add_row(const float* weights) {
  const std::size_t row = rows_.x.size() - 1;
  std::int64_t next_copied = -1;
  for (std::size_t column = 0; column < columns_.x.size(); ++column) {
    const std::int32_t x = source_x(column, row);
    const std::int32_t y = source_y(column, row);
    const Segment::Kind kind = kind_of(x, y, weights[column]);
    // A copied segment is one run of the frame's memory.
    const std::int64_t place = (y >> kFractionBits) * frame_width_ + (x >> kFractionBits);
    const bool goes_on = row_segments_.back() < segments_.size() &&
                         segments_.back().kind == kind &&
                         (kind != Segment::kCopied || place == next_copied);
    if (!goes_on) {
      const auto first = static_cast<std::uint32_t>(column);
      segments_.push_back({first, first, static_cast<std::uint32_t>(shares_.size()), kind});
    }
    ++segments_.back().last;
    next_copied = place + 1;
    if (kind == Segment::kMixed || kind == Segment::kEdge) {
      shares_.push_back(shares_of(weights[column]));
    }
  }
  row_segments_.push_back(segments_.size());
}

void PasteBack::paste_row(const Picture& frame, std::int64_t y, const std::uint8_t* portrait,
                          std::uint8_t* out) const {
  const auto row = static_cast<std::size_t>(y - box_.top);
  const std::uint8_t* const behind = portrait + box_.left * 4;
  for (std::size_t i = row_segments_[row]; i < row_segments_[row + 1]; ++i) {
    const Segment& segment = segments_[i];
    const std::size_t start = segment.first * std::size_t{4};
    const std::size_t bytes = (segment.last - segment.first) * std::size_t{4};
    switch (segment.kind) {
      case Segment::kPortrait:
        std::memcpy(out + start, behind + start, bytes);
        break;
      case Segment::kCopied: {
        const std::int64_t line = source_y(segment.first, row) >> kFractionBits;
        const std::int64_t column = source_x(segment.first, row) >> kFractionBits;
        std::memcpy(out + start, frame.rgba.data() + (line * frame_width_ + column) * 4, bytes);
        break;
      }
      case Segment::kWarped:
        warp(frame, segment, row, out);
        break;
      case Segment::kMixed:
        mix(frame, segment, row, behind, out);
        break;
      case Segment::kEdge:
        mix_edge(frame, segment, row, behind, out);
        break;
    }
  }
}

void PasteBack::warp(const Picture& frame, const Segment& segment, std::size_t row,
                     std::uint8_t* out) const {
  // Copies, since bytes that are written might otherwise be these members.
  const std::uint32_t* const columns_x = columns_.x.data();
  const std::uint32_t* const columns_y = columns_.y.data();
  const std::uint32_t row_x = rows_.x[row];
  const std::uint32_t row_y = rows_.y[row];
  const std::uint8_t* const source = frame.rgba.data();
  const auto stride = static_cast<std::ptrdiff_t>(frame_width_ * 4);
  for (std::size_t i = segment.first; i < segment.last; ++i) {
    const std::int32_t x = shifted(columns_x[i] + row_x);
    const std::int32_t y = shifted(columns_y[i] + row_y);
    const std::uint8_t* const above =
        source + (y >> kFractionBits) * stride + (x >> kFractionBits) * 4;
    prefetch(above, ahead_bytes_);
    warp_pixel(above, above + stride, x & (kFractions - 1), y & (kFractions - 1), out + 4 * i);
  }
}

void PasteBack::mix(const Picture& frame, const Segment& segment, std::size_t row,
                    const std::uint8_t* portrait, std::uint8_t* out) const {
  const std::uint32_t* const columns_x = columns_.x.data();
  const std::uint32_t* const columns_y = columns_.y.data();
  const std::uint32_t row_x = rows_.x[row];
  const std::uint32_t row_y = rows_.y[row];
  const std::uint32_t* share = shares_.data() + segment.shares;
  const std::uint8_t* const source = frame.rgba.data();
  const auto stride = static_cast<std::ptrdiff_t>(frame_width_ * 4);
  for (std::size_t i = segment.first; i < segment.last; ++i) {
    const std::int32_t x = shifted(columns_x[i] + row_x);
    const std::int32_t y = shifted(columns_y[i] + row_y);
    const std::uint8_t* const above =
        source + (y >> kFractionBits) * stride + (x >> kFractionBits) * 4;
    prefetch(above, ahead_bytes_);
    mix_pixel(above, above + stride, x & (kFractions - 1), y & (kFractions - 1), portrait + 4 * i,
              *share++, out + 4 * i);
  }
}

void PasteBack::mix_edge(const Picture& frame, const Segment& segment, std::size_t row,
                         const std::uint8_t* portrait, std::uint8_t* out) const {
  const std::uint8_t* const source = frame.rgba.data();
  const std::uint32_t* share = shares_.data() + segment.shares;
  // A tap beyond the edge repeats the edge's pixel.
  const auto clamp = [](std::int64_t value, std::int64_t size) {
    return value < 0 ? 0 : (value >= size ? size - 1 : value);
  };
  for (std::size_t i = segment.first; i < segment.last; ++i) {
    const std::int64_t x = source_x(i, row);
    const std::int64_t y = source_y(i, row);
    const std::int64_t left = clamp(x >> kFractionBits, frame_width_);
    const std::int64_t right = clamp((x >> kFractionBits) + 1, frame_width_);
    const std::uint8_t* const above =
        source + clamp(y >> kFractionBits, frame_height_) * frame_width_ * 4;
    const std::uint8_t* const below =
        source + clamp((y >> kFractionBits) + 1, frame_height_) * frame_width_ * 4;
    mix_edge_pixel(above + left * 4, below + left * 4,
                   static_cast<std::ptrdiff_t>(right - left) * 4,
                   static_cast<int>(x & (kFractions - 1)), static_cast<int>(y & (kFractions - 1)),
                   portrait + 4 * i, *share++, out + 4 * i);
  }
}

}  // namespace lp
