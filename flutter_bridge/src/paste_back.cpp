#include "paste_back.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "error.h"

namespace lp {
namespace {

constexpr int kFractionBits = 5;
constexpr int kFractions = 1 << kFractionBits;
// Coordinates are summed with ten fractional bits and then rounded to five.
constexpr double kCoordinateScale = 1024.0;
constexpr std::int64_t kRounding = 16;
// What the two weights of a blend add up to: blendLinear guards its division with a small number.
constexpr float kWhole = 1.0f / (1.0f + 1e-5f);

// One pixel of the result: four sources blended by fractions in 1/32 and rounded, then blended over
// `behind` by two weights whose sum is 1 / (1 + 1e-5). The two versions agree but for ties.
#if defined(__SSE2__)

inline __m128i load(const std::uint8_t* pixel) {
  int bytes;
  std::memcpy(&bytes, pixel, sizeof bytes);
  return _mm_cvtsi32_si128(bytes);
}

// Two 16-bit weights, four times over, for multiplications that add in pairs.
inline __m128i pair(int first, int second) { return _mm_set1_epi32(first | second << 16); }

// first * weights[0] + second * weights[1] for the four bytes of two pixels.
inline __m128i weigh(__m128i first, __m128i second, __m128i weights) {
  const __m128i bytes = _mm_unpacklo_epi8(first, second);
  return _mm_madd_epi16(_mm_unpacklo_epi8(bytes, _mm_setzero_si128()), weights);
}

inline void blend(const std::uint8_t* above, const std::uint8_t* below, std::size_t right, int fx,
                  int fy, const std::uint8_t* behind, float share, std::uint8_t* out) {
  const __m128i across = pair(32 - fx, fx);
  const __m128i upper = weigh(load(above), load(above + right), across);
  const __m128i lower = weigh(load(below), load(below + right), across);
  // Both fit 16 bits: put them side by side again.
  const __m128i rows = _mm_or_si128(upper, _mm_slli_epi32(lower, 16));
  const __m128i sum = _mm_madd_epi16(rows, pair(32 - fy, fy));
  const __m128i warped = _mm_srli_epi32(_mm_add_epi32(sum, _mm_set1_epi32(512)), 10);
  const __m128i zero = _mm_setzero_si128();
  const __m128i under = _mm_unpacklo_epi16(_mm_unpacklo_epi8(load(behind), zero), zero);
  const __m128 mixed = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(warped), _mm_set1_ps(share)),
                                  _mm_mul_ps(_mm_cvtepi32_ps(under), _mm_set1_ps(kWhole - share)));
  const __m128i levels = _mm_cvtps_epi32(mixed);
  const __m128i words = _mm_packs_epi32(levels, zero);
  const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, zero));
  std::memcpy(out, &bytes, sizeof bytes);
}

#else

// Four channels at once; GCC and Clang make one instruction of each operation.
using Lanes = std::uint32_t __attribute__((vector_size(16)));
using Floats = float __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(4)));

inline Lanes load(const std::uint8_t* pixel) {
  Bytes bytes;
  std::memcpy(&bytes, pixel, sizeof bytes);
  return __builtin_convertvector(bytes, Lanes);
}

inline void blend(const std::uint8_t* above, const std::uint8_t* below, std::size_t right, int fx,
                  int fy, const std::uint8_t* behind, float share, std::uint8_t* out) {
  const auto left_weight = static_cast<std::uint32_t>(32 - fx);
  const auto right_weight = static_cast<std::uint32_t>(fx);
  const Lanes upper = load(above) * left_weight + load(above + right) * right_weight;
  const Lanes lower = load(below) * left_weight + load(below + right) * right_weight;
  const Lanes warped = (upper * static_cast<std::uint32_t>(32 - fy) +
                        lower * static_cast<std::uint32_t>(fy) + 512) >>
                       10;
  const Floats mixed = __builtin_convertvector(warped, Floats) * share +
                       __builtin_convertvector(load(behind), Floats) * (kWhole - share) + 0.5f;
  const Bytes bytes = __builtin_convertvector(__builtin_convertvector(mixed, Lanes), Bytes);
  std::memcpy(out, &bytes, sizeof bytes);
}

#endif

[[noreturn]] void unusable(const std::string& what, const std::string& expected,
                           const std::string& got) {
  throw Error(LP_ERROR_BUNDLE,
              {what, "manifest.json: paste_back", expected, got, "build the bundle again"});
}

std::string size_text(std::size_t width, std::size_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

struct Box {
  std::int64_t left, top, right, bottom;
};

struct Point {
  std::int64_t x, y;
};

// Where pixels of a box come from in the frame, in 1/32 pixel. Rounding depends on the origin, so
// the box's corner is it.
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

  Point at(std::int64_t x, std::int64_t y) const {
    return {coordinate(0, x, y), coordinate(1, x, y)};
  }

 private:
  static std::int64_t fixed(double value) {
    return std::llrint(std::clamp(value * kCoordinateScale, -2147483648.0, 2147483647.0));
  }

  std::int64_t coordinate(int axis, std::int64_t x, std::int64_t y) const {
    return (fixed(down_[axis] * static_cast<double>(y) + start_[axis]) + kRounding +
            fixed(across_[axis] * static_cast<double>(x))) >>
           kFractionBits;
  }

  double across_[2], down_[2], start_[2];
};

// How much of the frame is seen at a point of it: the mask, zero beyond its edge.
float mask_weight(const GreyPicture& mask, const Point& point) {
  const std::int64_t x = point.x >> kFractionBits;
  const std::int64_t y = point.y >> kFractionBits;
  const auto fx = static_cast<float>(point.x & (kFractions - 1)) / kFractions;
  const auto fy = static_cast<float>(point.y & (kFractions - 1)) / kFractions;
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

}  // namespace

PasteBack::PasteBack(Picture portrait, const GreyPicture& mask,
                     const double (&frame_to_portrait)[2][3])
    : portrait_(std::move(portrait)), frame_width_(mask.width), frame_height_(mask.height) {
  const auto& m = frame_to_portrait;
  const double determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  // Tap coordinates are kept in 32 bits; a frame shrunk to nothing would exceed them.
  if (!(std::abs(determinant) >= 1e-6) || !std::isfinite(determinant)) {
    unusable("The paste-back transform is singular.", "an invertible matrix",
             "determinant " + std::to_string(determinant));
  }
  const Box box = affected_box(m, mask, portrait_);
  const Sampler sampler(m, box);
  const std::int64_t width = box.right - box.left;
  std::vector<float> weights(static_cast<std::size_t>(width * (box.bottom - box.top)));
  Box shown{box.right, box.bottom, box.left, box.top};
  for (std::int64_t y = box.top; y < box.bottom; ++y) {
    for (std::int64_t x = box.left; x < box.right; ++x) {
      const float weight = mask_weight(mask, sampler.at(x - box.left, y - box.top));
      weights[static_cast<std::size_t>((y - box.top) * width + x - box.left)] = weight;
      if (weight <= 0.0f) continue;
      shown = {std::min(shown.left, x), std::min(shown.top, y), std::max(shown.right, x + 1),
               std::max(shown.bottom, y + 1)};
    }
  }
  // The frame is sampled for the part in which it shows.
  const Sampler shown_sampler(m, shown);
  for (std::int64_t y = shown.top; y < shown.bottom; ++y) {
    for (std::int64_t x = shown.left; x < shown.right; ++x) {
      const float weight = weights[static_cast<std::size_t>((y - box.top) * width + x - box.left)];
      // Where the portrait alone is seen there is nothing to do.
      if (weight <= 0.0f) continue;
      const Point point = shown_sampler.at(x - shown.left, y - shown.top);
      add_tap(static_cast<std::size_t>(x), static_cast<std::size_t>(y), point.x, point.y, weight);
    }
  }
}

void PasteBack::add_tap(std::size_t x, std::size_t y, std::int64_t source_x, std::int64_t source_y,
                        float weight) {
  const auto width = static_cast<std::int64_t>(frame_width_);
  const auto height = static_cast<std::int64_t>(frame_height_);
  const std::int64_t column = source_x >> kFractionBits;
  const std::int64_t line = source_y >> kFractionBits;
  // A tap beyond the edge repeats the edge's pixel.
  const auto clamp = [](std::int64_t value, std::int64_t size) {
    return std::clamp<std::int64_t>(value, 0, size - 1);
  };
  const std::int64_t x0 = clamp(column, width);
  const std::int64_t y0 = clamp(line, height);
  const auto fraction = [](std::int64_t coordinate, bool neighbour) {
    return static_cast<std::uint8_t>((coordinate & (kFractions - 1)) |
                                     (neighbour ? kHasNeighbour : 0));
  };
  taps_.push_back({static_cast<std::uint32_t>((y * portrait_.width + x) * 4),
                   static_cast<std::uint32_t>((y0 * width + x0) * 4), weight * kWhole,
                   fraction(source_x, clamp(column + 1, width) > x0),
                   fraction(source_y, clamp(line + 1, height) > y0)});
}

void PasteBack::paste(const Picture& frame, Picture& result) const {
  const std::uint8_t* const source = frame.rgba.data();
  const std::uint8_t* const behind = portrait_.rgba.data();
  std::uint8_t* const out = result.rgba.data();
  const std::size_t stride = frame_width_ * 4;
  for (const Tap& tap : taps_) {
    const std::uint8_t* const above = source + tap.source;
    const std::uint8_t* const below = above + (tap.down & kHasNeighbour ? stride : 0);
    blend(above, below, tap.across & kHasNeighbour ? 4 : 0, tap.across & (kFractions - 1),
          tap.down & (kFractions - 1), behind + tap.target, tap.frame_weight, out + tap.target);
  }
}

}  // namespace lp
