// One pixel of a paste-back: four channels at once, with the instructions at hand.
//
// Four sources are blended by fractions in 1/32 and rounded, then mixed with the portrait by shares
// in 1/16384. The versions for different processors agree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace lp {

// What the shares of frame and portrait add up to.
constexpr std::uint32_t kWholeShare = 1 << 14;

// The frame's share as an integer, and the portrait's above it.
inline std::uint32_t shares_of(float frame) {
  const auto share = static_cast<std::uint32_t>(frame * static_cast<float>(kWholeShare) + 0.5f);
  return share | (kWholeShare - share) << 16;
}

#if defined(__SSE2__)

// For each fraction f, eight words: the weights of the upper and lower row, and of the left and
// right pixel in turn.
struct alignas(16) FractionWeights {
  std::int16_t upper[32][8], lower[32][8], across[32][8];
};

constexpr FractionWeights make_fraction_weights() {
  FractionWeights weights{};
  for (std::int16_t f = 0; f < 32; ++f) {
    for (int i = 0; i < 8; ++i) {
      weights.upper[f][i] = static_cast<std::int16_t>(32 - f);
      weights.lower[f][i] = f;
      weights.across[f][i] = i % 2 == 0 ? static_cast<std::int16_t>(32 - f) : f;
    }
  }
  return weights;
}

inline constexpr FractionWeights kFractionWeights = make_fraction_weights();

inline __m128i load_pixel(const std::uint8_t* pixel) {
  int bytes;
  std::memcpy(&bytes, pixel, sizeof bytes);
  return _mm_cvtsi32_si128(bytes);
}

inline __m128i weights_at(const std::int16_t (&row)[8]) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(row));
}

// Two neighbours of the upper row and two of the lower one (eight bytes each) as four levels.
inline __m128i warp_levels(__m128i upper, __m128i lower, int fx, int fy) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i rows =
      _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(upper, zero),
                                    weights_at(kFractionWeights.upper[fy])),
                    _mm_mullo_epi16(_mm_unpacklo_epi8(lower, zero),
                                    weights_at(kFractionWeights.lower[fy])));
  const __m128i pairs = _mm_unpacklo_epi16(rows, _mm_srli_si128(rows, 8));
  const __m128i sum = _mm_madd_epi16(pairs, weights_at(kFractionWeights.across[fx]));
  return _mm_srli_epi32(_mm_add_epi32(sum, _mm_set1_epi32(512)), 10);
}

inline void store_levels(__m128i levels, std::uint8_t* out) {
  const __m128i words = _mm_packs_epi32(levels, levels);
  const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  std::memcpy(out, &bytes, sizeof bytes);
}

// Both rows are read two pixels wide.
inline void warp_pixel(const std::uint8_t* above, const std::uint8_t* below, int fx, int fy,
                       std::uint8_t* out) {
  const __m128i upper = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(above));
  const __m128i lower = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(below));
  store_levels(warp_levels(upper, lower, fx, fy), out);
}

// The same, mixed with `behind` by `shares`.
inline __m128i mixed_levels(__m128i upper, __m128i lower, int fx, int fy, __m128i behind,
                            std::uint32_t shares) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i under = _mm_unpacklo_epi16(zero, _mm_unpacklo_epi8(behind, zero));
  const __m128i both = _mm_or_si128(warp_levels(upper, lower, fx, fy), under);
  const __m128i sum = _mm_madd_epi16(both, _mm_set1_epi32(static_cast<int>(shares)));
  return _mm_srli_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kWholeShare / 2)), 14);
}

inline void mix_pixel(const std::uint8_t* above, const std::uint8_t* below, int fx, int fy,
                      const std::uint8_t* behind, std::uint32_t shares, std::uint8_t* out) {
  const __m128i upper = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(above));
  const __m128i lower = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(below));
  store_levels(mixed_levels(upper, lower, fx, fy, load_pixel(behind), shares), out);
}

// The same at the frame's edge. `right`: bytes from a pixel to its right neighbour, 0 or 4.
inline void mix_edge_pixel(const std::uint8_t* above, const std::uint8_t* below,
                           std::ptrdiff_t right, int fx, int fy, const std::uint8_t* behind,
                           std::uint32_t shares, std::uint8_t* out) {
  const __m128i upper = _mm_unpacklo_epi32(load_pixel(above), load_pixel(above + right));
  const __m128i lower = _mm_unpacklo_epi32(load_pixel(below), load_pixel(below + right));
  store_levels(mixed_levels(upper, lower, fx, fy, load_pixel(behind), shares), out);
}

#else

// GCC and Clang make one instruction of each operation.
using Levels = std::uint32_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(4)));

inline Levels load_pixel(const std::uint8_t* pixel) {
  Bytes bytes;
  std::memcpy(&bytes, pixel, sizeof bytes);
  return __builtin_convertvector(bytes, Levels);
}

inline void store_levels(Levels levels, std::uint8_t* out) {
  const Bytes bytes = __builtin_convertvector(levels, Bytes);
  std::memcpy(out, &bytes, sizeof bytes);
}

inline Levels warp_levels(const std::uint8_t* above, const std::uint8_t* below,
                          std::ptrdiff_t right, int fx, int fy) {
  const auto left_weight = static_cast<std::uint32_t>(32 - fx);
  const auto right_weight = static_cast<std::uint32_t>(fx);
  const Levels upper = load_pixel(above) * left_weight + load_pixel(above + right) * right_weight;
  const Levels lower = load_pixel(below) * left_weight + load_pixel(below + right) * right_weight;
  return (upper * static_cast<std::uint32_t>(32 - fy) + lower * static_cast<std::uint32_t>(fy) +
          512) >>
         10;
}

inline void warp_pixel(const std::uint8_t* above, const std::uint8_t* below, int fx, int fy,
                       std::uint8_t* out) {
  store_levels(warp_levels(above, below, 4, fx, fy), out);
}

// The same at the frame's edge, mixed with `behind` by `shares`. `right`: bytes from a pixel to its
// right neighbour, 0 or 4.
inline void mix_edge_pixel(const std::uint8_t* above, const std::uint8_t* below,
                           std::ptrdiff_t right, int fx, int fy, const std::uint8_t* behind,
                           std::uint32_t shares, std::uint8_t* out) {
  const Levels sum = warp_levels(above, below, right, fx, fy) * (shares & 0xffff) +
                     load_pixel(behind) * (shares >> 16) + kWholeShare / 2;
  store_levels(sum >> 14, out);
}

inline void mix_pixel(const std::uint8_t* above, const std::uint8_t* below, int fx, int fy,
                      const std::uint8_t* behind, std::uint32_t shares, std::uint8_t* out) {
  mix_edge_pixel(above, below, 4, fx, fy, behind, shares, out);
}

#endif

}  // namespace lp
