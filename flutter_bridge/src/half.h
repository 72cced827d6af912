// IEEE 754 half precision in software: not every compiler of a phone has a type for it.
#pragma once

#include <cstdint>
#include <cstring>

namespace lp {

inline float float_from_half(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  std::uint32_t exponent = half >> 10 & 31u;
  std::uint32_t mantissa = half & 1023u;
  std::uint32_t bits = sign;
  if (exponent == 31) {
    bits |= 0x7f800000u | mantissa << 13;
  } else if (exponent != 0) {
    bits |= (exponent + 112) << 23 | mantissa << 13;
  } else if (mantissa != 0) {
    // Subnormal: shift until the leading one is where a normal number has it.
    exponent = 113;
    while ((mantissa & 1024u) == 0) mantissa <<= 1, --exponent;
    bits |= exponent << 23 | (mantissa & 1023u) << 13;
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Rounds to nearest, ties to even, as numpy does.
inline std::uint16_t half_from_float(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (bits >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (bits < 0x33000001u) return sign;
  const std::uint32_t exponent = bits >> 23;
  std::uint32_t mantissa = bits & 0x7fffffu;
  std::uint32_t shift = 13;
  std::uint32_t high = 0;
  if (exponent < 113) {
    mantissa |= 0x800000u;
    shift = 126 - exponent;
  } else {
    high = (exponent - 112) << 10;
  }
  std::uint32_t rounded = high + (mantissa >> shift);
  const std::uint32_t rest = mantissa & ((1u << shift) - 1);
  const std::uint32_t middle = 1u << (shift - 1);
  if (rest > middle || (rest == middle && (rounded & 1u))) ++rounded;
  return static_cast<std::uint16_t>(sign | rounded);
}

}  // namespace lp
